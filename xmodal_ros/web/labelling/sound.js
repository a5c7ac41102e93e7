// Sound in step with the playhead: ten seconds after ten seconds, each placed anew.
let context = null;
const AHEAD_NS = 3e9;
const BUFFERS_KEPT = 6;

export class Sound {
  constructor(media, track, position) {
    this.media = media;
    this.track = track;
    this.position = position;
    this.buffers = new Map();
    this.sources = [];
    this.on = true;
    this.speed = 0;
    this.turn = 0;
  }

  start(speed) {
    this.stop();
    if (!this.on) return;
    context ??= new AudioContext();
    if (context.state === 'suspended') context.resume();
    this.speed = speed;
    this.next = this.media.blockOf(this.position());
    this.tick();
  }

  stop() {
    this.turn += 1;
    this.speed = 0;
    for (const source of this.sources) source.stop();
    this.sources = [];
  }

  // Place the next ten seconds when they are near.
  tick() {
    if (!this.speed || this.next >= this.media.info.blocks) return;
    if (this.next * this.media.info.block - this.position() < AHEAD_NS * this.speed) {
      this.place(this.next, this.turn);
      this.next += 1;
    }
  }

  async place(index, turn) {
    let buffer;
    try {
      buffer = await this.buffer(index);
    } catch {
      return; // damaged here: silence
    }
    if (turn !== this.turn || !buffer) return;
    const late = (this.position() - index * this.media.info.block) / 1e9;
    const source = new AudioBufferSourceNode(context, {buffer, playbackRate: this.speed});
    source.connect(context.destination);
    if (late < buffer.duration) source.start(context.currentTime + Math.max(0, -late) / this.speed, Math.max(0, late));
    this.sources = [...this.sources.slice(-2), source];
  }

  async buffer(index) {
    if (!this.buffers.has(index)) {
      const pcm = await this.media.sound(this.track.number, index);
      if (!pcm.length) return null;
      const buffer = context.createBuffer(1, pcm.length, this.track.rate);
      buffer.copyToChannel(Float32Array.from(pcm, (v) => v / 32768), 0);
      this.buffers.set(index, buffer);
      if (this.buffers.size > BUFFERS_KEPT) this.buffers.delete(this.buffers.keys().next().value);
    }
    return this.buffers.get(index);
  }
}
