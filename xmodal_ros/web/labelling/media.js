// What was recorded: ten seconds at a time, pictures one by one, kept while they are near.
import {Spectrum, Trace} from '../media.js';
import {clamp, firstAtLeast, numbersOf} from '../numbers.js';
import {getBytes, getJson} from './api.js';

// What is shown of a longer stretch is seen from afar.
const FINE_S = 150;
const PICTURES_KEPT = 400;
const BLOCKS_KEPT = 40;
const PICTURES_AT_ONCE = 4;
const BLOCKS_AT_ONCE = 2;

const decodeAll = (table, decodeOne) => Object.fromEntries(Object.entries(table).map(([k, v]) => [k, decodeOne(v)]));

// What was measured from `from` on, or is seen of it from afar.
const decode = (raw, from) => ({
  films: decodeAll(raw.films, (text) => numbersOf(Float64Array, text)),
  traces: decodeAll(raw.traces, (traces) => traces.map((trace) => new Trace(trace, from))),
  sounds: decodeAll(raw.sounds, ({levels, bands, step_s}) => new Spectrum(numbersOf(Uint8Array, levels), bands, step_s, from)),
});

function keep(map, key, value, most) {
  map.delete(key);
  map.set(key, value);
  if (map.size > most) map.delete(map.keys().next().value);
}

// The last index whose time is not after `time`, in whole nanoseconds; -1 when there is none.
const lastAt = (times, time) => firstAtLeast(times, time + 1) - 1;

export class Media {
  constructor(bag, info, onArrival) {
    this.base = `/api/bags/${bag}`;
    this.info = info;
    this.onArrival = onArrival;
    this.blocks = new Map();
    this.asked = new Map();
    this.wished = new Set();
    this.focus = 0;
    this.pictures = new Map();
    this.wanted = [];
    this.loading = new Set();
    this.inFlight = 0;
    this.glances = [];
    this.scales = {};
    this.scaled = 0;
    this.damage = '';
    this.closed = false;
  }

  tracks(kind) {
    return this.info.tracks.map((track, number) => ({...track, number})).filter((track) => track.kind === kind);
  }

  blockOf(time) {
    return clamp(Math.floor(time / this.info.block), 0, this.info.blocks - 1);
  }

  // What a track gave in each block in view, in full where that is short; null where it is not here.
  pieces(kind, track, view) {
    const found = [];
    for (let index = this.blockOf(view.from * 1e9); index <= this.blockOf(view.to * 1e9); index += 1) {
      const block = (view.length <= FINE_S && this.block(index)) || this.glances[index];
      found.push(block?.[kind][track] ?? null);
    }
    return found;
  }

  // A block if it is here; asks for it otherwise.
  block(index) {
    if (index < 0 || index >= this.info.blocks) return null;
    const found = this.blocks.get(index);
    if (!found) this.wish(index);
    return found ?? null;
  }

  // Whoever leafs through an hour passes many blocks: what is looked at now comes first, then what
  // was wished last; what was passed long ago is forgotten.
  wish(index) {
    if (this.asked.has(index)) return;
    this.wished.delete(index);
    this.wished.add(index);
    if (this.wished.size > BLOCKS_KEPT / 2) this.wished.delete(this.wished.values().next().value);
    this.fetchBlocks();
  }

  fetchBlocks() {
    while (this.inFlight < BLOCKS_AT_ONCE && this.wished.size && !this.closed) {
      const near = [this.focus, this.focus + 1, this.focus - 1].find((index) => this.wished.has(index));
      const next = near ?? [...this.wished].at(-1);
      this.wished.delete(next);
      if (this.blocks.has(next) || this.asked.has(next)) continue;
      this.inFlight += 1;
      this.load(next).catch(() => {}).finally(() => { this.inFlight -= 1; this.fetchBlocks(); });
    }
  }

  load(index) {
    if (this.blocks.has(index)) return Promise.resolve(this.blocks.get(index));
    if (!this.asked.has(index)) {
      const promise = getJson(`${this.base}/blocks/${index}`).then((raw) => {
        const block = decode(raw, index * this.info.block / 1e9);
        keep(this.blocks, index, block, BLOCKS_KEPT);
        this.asked.delete(index);
        if (!this.closed) this.onArrival();
        return block;
      });
      // A part that is damaged is not asked for again and again.
      promise.catch(() => {});
      this.asked.set(index, promise);
    }
    return this.asked.get(index);
  }

  // The picture to show at a time: {block, index, time} or null.
  frameAt(track, time) {
    for (const block of [this.blockOf(time), this.blockOf(time) - 1]) {
      const times = this.block(block)?.films[track];
      if (!times) continue;
      const index = lastAt(times, time);
      if (index >= 0) return {block, index, time: times[index]};
    }
    // Cameras begin a moment after the recording.
    const first = this.block(this.blockOf(time))?.films[track]?.[0];
    return first === undefined ? null : {block: this.blockOf(time), index: 0, time: first};
  }

  // When the next picture was taken, or the one before; waits for what must be read.
  async frameBeside(track, time, direction) {
    for (let block = this.blockOf(time), tries = 0; block >= 0 && block < this.info.blocks && tries < 3; block += direction, tries += 1) {
      const times = (await this.load(block)).films[track];
      if (!times?.length) continue;
      const index = direction > 0 ? lastAt(times, time) + 1 : lastAt(times, time - 1);
      if (index >= 0 && index < times.length) return times[index];
    }
    return null;
  }

  key(track, frame) {
    return `${track}/${frame.block}/${frame.index}`;
  }

  picture(track, frame) {
    return this.pictures.get(this.key(track, frame)) ?? null;
  }

  // Ask for pictures, the most urgent first; what was asked for before counts no more.
  want(list) {
    this.wanted = list.filter((key) => !this.pictures.has(key) && !this.loading.has(key));
    this.fetchPictures();
  }

  fetchPictures() {
    while (this.loading.size < PICTURES_AT_ONCE && this.wanted.length && !this.closed) {
      const key = this.wanted.shift();
      const image = new Image();
      this.loading.add(key);
      const end = (arrived) => {
        this.loading.delete(key);
        if (arrived) keep(this.pictures, key, image, PICTURES_KEPT);
        if (!this.closed) { this.onArrival(); this.fetchPictures(); }
      };
      image.onload = () => end(true);
      image.onerror = () => end(false);
      image.src = `${this.base}/frames/${key}`;
    }
  }

  async sound(track, index) {
    return new Int16Array(await getBytes(`${this.base}/sound/${track}/${index}`));
  }

  // Fetch what has been added to the overview; true when it is complete.
  async look() {
    const answer = await getJson(`${this.base}/overview?first=${this.glances.length}`);
    for (const raw of answer.glances) this.glances.push(decode(raw, this.glances.length * this.info.block / 1e9));
    const seen = this.glances.length;
    // Rows that change their range all the time cannot be read.
    if (seen >= 2 * this.scaled || seen === this.info.blocks) {
      if (answer.glances.length) [this.scales, this.scaled] = [answer.scales, seen];
    }
    this.damage = answer.damage;
    if (answer.glances.length && !this.closed) this.onArrival();
    return this.glances.length >= this.info.blocks || this.damage !== '';
  }

  close() {
    this.closed = true;
    this.wanted = [];
  }
}
