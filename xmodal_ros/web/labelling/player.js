// The playhead: where it is, how fast it goes, and the pictures that belong there.
import {at, element} from '../elements.js';
import {clamp, clock} from '../numbers.js';

const SPEEDS = [0.5, 1, 1.5, 2, 3, 4];
const AHEAD = 30;
// Steps where there is no camera.
const USUAL_STEP_NS = 40e6;
// Pictures that are later than this hold the playhead: sound and motion must not run away.
const PATIENCE_NS = 700e6;
const STALE_NS = 1e9;

export class Player {
  constructor(onMove) {
    this.onMove = onMove;
    this.position = 0;
    this.playing = false;
    this.speed = 1;
    this.sound = null;
  }

  show(media, sound, position) {
    this.pause();
    this.media = media;
    this.sound = sound;
    this.position = position;
    this.cameras = media.tracks('films').map((track) => {
      const canvas = element('canvas', {width: track.width, height: track.height});
      const caption = element('figcaption');
      return {track, figure: element('figure', {}, canvas, caption), canvas, caption, drawn: null};
    });
    at('cameras').className = ['one', 'one', 'two'][this.cameras.length] ?? 'many';
    const none = element('p', {class: 'none'}, 'no camera in this recording');
    at('cameras').replaceChildren(...(this.cameras.length ? this.cameras.map((c) => c.figure) : [none]));
  }

  // Pictures come and go; draw what belongs to the playhead as far as it is here.
  draw() {
    const wanted = [];
    this.media.focus = this.media.blockOf(this.position);
    for (const camera of this.cameras) {
      const frame = this.media.frameAt(camera.track.number, this.position);
      this.caption(camera, frame);
      if (!frame) continue;
      const key = this.media.key(camera.track.number, frame);
      const picture = this.media.picture(camera.track.number, frame);
      if (picture && camera.drawn !== key) {
        camera.canvas.getContext('2d').drawImage(picture, 0, 0, camera.canvas.width, camera.canvas.height);
        camera.drawn = key;
        camera.time = camera.canvas.dataset.time = frame.time;
      }
      wanted.push(...this.ahead(camera.track.number, frame));
    }
    wanted.sort((a, b) => a[0] - b[0]);
    this.media.want(wanted.map(([, key]) => key));
    // What comes next is read before it is needed.
    this.media.block(this.media.blockOf(this.position) + 1);
  }

  caption(camera, frame) {
    const gap = frame ? Math.abs(this.position - frame.time) : Infinity;
    const known = this.media.blocks.has(this.media.blockOf(this.position));
    const words = gap > STALE_NS && known ? ` · no picture ${frame ? `within ${(gap / 1e9).toFixed(1)} s` : 'here'}` : '';
    const text = `${camera.track.name}${words}`;
    if (camera.caption.textContent !== text) camera.caption.textContent = text;
    camera.canvas.style.opacity = words ? 0.35 : 1;
  }

  // The pictures at and after a frame, at the pace at which they can be seen; a few before it.
  ahead(track, frame) {
    const keys = [];
    const stride = this.playing ? Math.max(1, Math.round(this.speed)) : 1;
    let {block, index} = frame;
    for (let i = 0; i < AHEAD; i += 1, index += stride) {
      let times = this.media.blocks.get(block)?.films[track];
      while (times && index >= times.length) {
        index -= times.length;
        block += 1;
        times = this.media.blocks.get(block)?.films[track];
      }
      if (!times) break;
      keys.push([i, this.media.key(track, {block, index})]);
    }
    for (let i = 1; i <= 5 && frame.index - i >= 0 && !this.playing; i += 1) {
      keys.push([i + 0.5, this.media.key(track, {block: frame.block, index: frame.index - i})]);
    }
    return keys;
  }

  seek(time) {
    this.position = Math.round(clamp(time, 0, this.media.info.duration));
    if (this.playing) this.begin();
    this.moved();
  }

  moved() {
    this.draw();
    const {start_ns: start, duration} = this.media.info;
    const wall = new Date(Number(BigInt(start) / 1000000n) + this.position / 1e6);
    const small = element('small', {}, `of ${clock(duration / 1e9, 0)} · ${wall.toISOString().slice(11, 19)}Z`);
    at('clock').replaceChildren(`${clock(this.position / 1e9, 2)} `, small);
    this.onMove(this.position);
  }

  toggle() {
    if (this.playing) { this.pause(); this.snap(); } else this.play();
  }

  play() {
    if (this.position >= this.media.info.duration) this.position = 0;
    this.playing = true;
    this.begin();
    at('play').textContent = '❚❚';
    requestAnimationFrame(() => this.tick());
  }

  pause() {
    this.playing = false;
    this.sound?.stop();
    at('play').textContent = '▶';
  }

  // Standing, the playhead is where the picture that is seen was taken.
  snap() {
    const camera = this.cameras[0];
    const frame = camera && this.media.frameAt(camera.track.number, this.position);
    const since = frame ? this.position - frame.time : -1;
    if (since >= 0 && since < PATIENCE_NS) this.position = frame.time;
    this.moved();
  }

  begin() {
    this.from = {position: this.position, at: performance.now()};
    this.sound?.start(this.speed);
  }

  now() {
    if (!this.playing || this.held) return this.position;
    return this.from.position + (performance.now() - this.from.at) * 1e6 * this.speed;
  }

  tick() {
    if (!this.playing) return;
    const late = this.cameras.some((camera) => {
      const frame = this.media.frameAt(camera.track.number, this.position);
      if (!frame || camera.drawn === this.media.key(camera.track.number, frame)) return false;
      return camera.drawn === null || Math.abs(frame.time - camera.time) > PATIENCE_NS * Math.max(1, this.speed);
    });
    const unread = !this.media.blocks.has(this.media.blockOf(this.position)) && !this.media.damage;
    if (late || unread) {
      if (!this.held) this.sound?.stop();
      this.held = true;
      this.moved();
    } else {
      if (this.held) {
        this.held = false;
        this.begin();
      }
      this.position = Math.min(Math.round(this.now()), this.media.info.duration);
      this.sound?.tick();
      if (this.position >= this.media.info.duration) this.pause();
      this.moved();
    }
    requestAnimationFrame(() => this.tick());
  }

  faster(direction) {
    const next = SPEEDS.indexOf(this.speed) + direction;
    this.speed = SPEEDS[clamp(next, 0, SPEEDS.length - 1)];
    at('speed').textContent = `${this.speed}×`;
    if (this.playing) {
      this.position = Math.round(this.now());
      this.begin();
    }
  }

  async step(direction) {
    this.pause();
    const camera = this.cameras[0];
    const from = this.position;
    let time = null;
    if (camera) time = await this.media.frameBeside(camera.track.number, from, direction).catch(() => null);
    // Another key was faster than the disk.
    if (this.position === from) this.seek(time ?? from + direction * USUAL_STEP_NS);
  }
}
