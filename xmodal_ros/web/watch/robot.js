// What the robot said and its sensors gave, as answers of the server add to it. Times are seconds
// since the server began.
import {Film, loudestOf, Spectrum, Trace} from '../media.js';
import {firstAtLeast, nearestIndex, numbersOf} from '../numbers.js';

const UNKNOWN = 'unknown';
// What came last stands for now until something newer must have come.
const NOW_S = 2;
// Of a full-scale square wave: what the shades 0 and 255 stand for (xmodal_ros/media/sound.py).
const DECIBELS = [-116, -6];

// Names of activities in the order in which they came; the last one stands for none.
class Labels {
  constructor() {
    this.names = [UNKNOWN];
    this.places = new Map([[UNKNOWN, 0]]);
  }

  // Colours go by place, so that a name keeps its place once it has one.
  add(name) {
    if (this.places.has(name)) return;
    this.names.splice(this.names.length - 1, 0, name);
    this.names.forEach((each, place) => this.places.set(each, place));
  }

  placeOf(name) {
    return this.places.get(name);
  }
}

// Decisions on one topic; as a track of the report, but that it grows and nothing is known of truth.
class Track {
  constructor(topic, labels) {
    const name = topic.replace(/^\//, '').replace(/.\/activity$/, (end) => end[0]);
    Object.assign(this, {topic, name, own: name, labels, ends: [], hops: [], ranks: [], truth: [], sources: null, source: []});
    this.hop = 0.5;
  }

  get count() {
    return this.ends.length;
  }

  add(end, hop, ranks) {
    for (const [name] of ranks) this.labels.add(name);
    this.ends.push(end);
    this.hops.push(hop);
    this.ranks.push(ranks);
    this.hop = Math.max(...this.hops.slice(-5));
    this.source.push(this.sources ? this.newest : 0);
  }

  follow(source) {
    this.sources ??= [''];
    if (!this.sources.includes(source)) this.sources.push(source);
    this.newest = this.sources.indexOf(source);
  }

  forget(before) {
    const old = firstAtLeast(this.ends, before);
    for (const list of [this.ends, this.hops, this.ranks, this.source]) list.splice(0, old);
  }

  label(i) {
    return this.ranks[i].length ? this.labels.placeOf(this.ranks[i][0][0]) : this.labels.placeOf(UNKNOWN);
  }

  score(i) {
    return this.ranks[i].length ? this.ranks[i][0][1] : 0;
  }

  wrong() {
    return false;
  }

  ranking(i) {
    return this.ranks[i].map(([name, score]) => [this.labels.placeOf(name), score]);
  }

  at(seconds) {
    const i = firstAtLeast(this.ends, seconds);
    if (i === this.count) return i && seconds - this.ends[i - 1] <= NOW_S ? i - 1 : -1;
    return this.ends[i] - this.hops[i] <= seconds ? i : -1;
  }
}

// Blocks of what one sensor gave, oldest first.
class Blocks {
  constructor(name) {
    this.name = name;
    this.blocks = [];
  }

  add(from, block) {
    this.blocks.push({from, block});
  }

  forget(before) {
    this.blocks.splice(0, this.blocks.findIndex(({from}) => from >= before) >>> 0);
  }

  indexAt(seconds) {
    let i = this.blocks.length - 1;
    while (i >= 0 && this.blocks[i].from > seconds) i--;
    return i;
  }
}

class Thumbnails extends Blocks {
  constructor(name) {
    super(name);
    // When each picture was taken, and where it is.
    this.times = [];
    this.places = [];
    this.step = 0.5;
    this.width = 4;
    this.height = 3;
  }

  add(from, data) {
    const film = new Film(data);
    super.add(from, film);
    this.width = film.width;
    this.height = film.height;
    film.times.forEach((time, i) => {
      this.times.push(from + time);
      this.places.push([film, i]);
    });
  }

  forget(before) {
    super.forget(before);
    const old = firstAtLeast(this.times, before);
    this.times.splice(0, old);
    this.places.splice(0, old);
  }

  nearest(seconds) {
    return nearestIndex(this.times, seconds);
  }

  draw(context, i, x, y, width, height, arrived) {
    const [film, place] = this.places[i] ?? [];
    return film ? film.draw(context, place, x, y, width, height, arrived) : false;
  }
}

class Curves extends Blocks {
  constructor(name, [quantity, unit]) {
    super(name);
    Object.assign(this, {quantity, unit});
  }

  add(from, data) {
    super.add(from, new Trace(data, from));
  }

  pieces({from, to}) {
    return this.blocks.filter(({from: start}) => start > from - 1 && start < to).map(({block}) => block);
  }

  // Of all that is kept, so that it does not jump when panned; a few blocks may reach beyond.
  get range() {
    const ends = this.blocks.map(({block}) => (block.ends ??= endsOf(block))).filter(([low, high]) => low <= high);
    if (!ends.length) return [-1, 1];
    const beyond = Math.floor(0.03 * ends.length);
    const low = ends.map((each) => each[0]).sort((a, b) => a - b)[beyond];
    const high = ends.map((each) => each[1]).sort((a, b) => b - a)[beyond];
    const margin = Math.max((high - low) / 10, 0.05);
    return [low - margin, high + margin];
  }

  at(axis, seconds) {
    const i = this.indexAt(seconds);
    if (i < 0) return null;
    const {block} = this.blocks[i];
    const end = block.from + (block.steps - 0.5) * block.step;
    const newest = i === this.blocks.length - 1 && seconds - end <= NOW_S;
    return block.at(axis, newest ? Math.min(seconds, end) : seconds);
  }
}

const NOT_MEASURED = -32768;

function endsOf({low, high, scale}) {
  let [least, most] = [Infinity, -Infinity];
  for (const values of [...low, ...high]) {
    for (const value of values) {
      if (value === NOT_MEASURED) continue;
      least = Math.min(least, value * scale);
      most = Math.max(most, value * scale);
    }
  }
  return [least, most];
}

class Noise extends Blocks {
  constructor(name, {spectrum_hz: highest}) {
    super(name);
    this.hertz = [60, highest];
    this.scale = [60, 200];
  }

  add(from, {levels, bands, step_s: step}) {
    super.add(from, new Spectrum(numbersOf(Uint8Array, levels), bands, step, from));
  }

  pieces({from, to}) {
    return this.blocks.filter(({from: start}) => start > from - 1 && start < to).map(({block}) => block);
  }

  loudest(seconds) {
    const i = this.indexAt(seconds);
    if (i < 0) return null;
    const {block} = this.blocks[i];
    const column = Math.floor((seconds - block.from) / block.step);
    if (column < block.columns) return loudestOf(block, column, this.hertz, DECIBELS);
    const newest = i === this.blocks.length - 1 && seconds - block.from <= NOW_S;
    return newest ? loudestOf(block, block.columns - 1, this.hertz, DECIBELS) : null;
  }
}

export class Robot {
  constructor() {
    this.labels = new Labels();
    this.number = 0;
    this.now = 0;
    this.tracks = new Map();
    this.media = new Map();
    this.rows = [];
    this.sensors = [];
    this.clashes = [];
    this.truth = [];
    this.shape = '';
  }

  // Says whether there is something new to show a row of.
  add(answer) {
    Object.assign(this, {
      number: answer.number,
      now: answer.now,
      rows: answer.rows,
      others: answer.others,
      events: answer.events,
      clashes: answer.clashes,
      sensors: answer.sensors,
      absence: answer.absence,
      began: answer.began,
    });
    const {labels = {}, sources = {}, ...media} = answer.news;
    for (const [topic, each] of Object.entries(sources)) this.take(topic, each.map(([at, name]) => [at, null, name]));
    for (const [topic, each] of Object.entries(labels)) this.take(topic, each.map(([at, [hop, ranks]]) => [at, hop, ranks]));
    for (const [kind, topics] of Object.entries(media)) {
      for (const [topic, blocks] of Object.entries(topics)) {
        for (const [from, content] of blocks) this.mediaOf(kind, topic, content).forEach(([lane, part]) => lane.add(from, part));
      }
    }
    for (const {topic, mixed} of this.rows) {
      const track = this.tracks.get(topic);
      if (track) track.name = mixed ? `${track.own} (several nodes, mixed)` : track.own;
    }
    const oldest = this.now - answer.kept;
    for (const each of [...this.tracks.values(), ...[...this.media.values()].flat()]) each.forget(oldest);
    const shape = JSON.stringify([[...this.tracks].map(([topic, track]) => [topic, track.name, !!track.sources]), [...this.media.keys()]]);
    const changed = shape !== this.shape;
    this.shape = shape;
    return changed;
  }

  take(topic, entries) {
    if (!this.tracks.has(topic)) this.tracks.set(topic, new Track(topic, this.labels));
    const track = this.tracks.get(topic);
    for (const [at, hop, what] of entries) {
      if (hop === null) track.follow(what);
      else if (topic.endsWith('activity_label')) this.addTruth(at, what);
      else track.add(at, hop, what);
    }
  }

  // It holds until the next.
  addTruth(at, ranks) {
    const last = this.truth.at(-1);
    if (last) last.to = Math.min(last.to, at);
    if (!ranks.length) return;
    this.labels.add(ranks[0][0]);
    const {labels} = this;
    const name = ranks[0][0];
    this.truth.push({from: at, to: Infinity, get label() { return labels.placeOf(name); }});
  }

  // The lanes of a sensor with what each of them gets.
  mediaOf(kind, topic, content) {
    const sensor = this.sensors.find((each) => each.topic === topic);
    if (!sensor?.facts && !this.media.has(topic)) return [];
    if (!this.media.has(topic)) this.media.set(topic, makeLanes(kind, sensor));
    const lanes = this.media.get(topic);
    return kind === 'traces' ? lanes.map((lane, i) => [lane, content[i]]).filter(([, part]) => part) : [[lanes[0], content]];
  }

  lanes(Kind) {
    return [...this.media.values()].flat().filter((lane) => lane instanceof Kind);
  }

  get films() {
    return this.lanes(Thumbnails);
  }

  get traces() {
    return this.lanes(Curves);
  }

  get sounds() {
    return this.lanes(Noise);
  }

  // Selectors first, as the server gives them; truth is drawn apart.
  get decisions() {
    return this.rows.map(({topic}) => this.tracks.get(topic)).filter((track) => track && !track.topic.endsWith('activity_label'));
  }
}

function makeLanes(kind, {name, facts}) {
  if (kind === 'films') return [new Thumbnails(name)];
  if (kind === 'sounds') return [new Noise(name, facts)];
  return facts.quantities.map((quantity) => new Curves(name, quantity));
}
