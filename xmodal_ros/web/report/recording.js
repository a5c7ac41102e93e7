// What the report holds: of each recording truth, decisions and what its sensors gave, decoded when
// it is first looked at.
import {at} from '../elements.js';
import {Film, Sound, Trace} from '../media.js';
import {firstAtLeast, numbersOf} from '../numbers.js';

const NONE = 0xffff;
const FULL = 0xffff;
const PAGE = JSON.parse(at('page-data').textContent);
export const {labels: LABELS, recordings: RECORDINGS, evaluations: EVALUATIONS, clips: CLIPS} = PAGE;

const decoded = new Map();

export function recordingAt(index) {
  if (!decoded.has(index)) {
    const data = JSON.parse(at(`recording-${index}`).textContent);
    decoded.set(index, {
      index,
      name: data.name,
      subject: data.subject,
      seconds: data.seconds,
      truth: data.truth.map(([from, to, label]) => ({from, to, label})),
      tracks: data.tracks.map((track) => new Track(track)),
      films: data.media.films.map((film) => new Film(film)),
      traces: data.media.traces.map((trace) => new Trace(trace)),
      sounds: data.media.sounds.map((sound) => new Sound(sound)),
      missing: data.media.missing,
    });
  }
  return decoded.get(index);
}

// Decisions of one bundle, of its live run, or of the selector. Window i ends at `ends[i]`.
class Track {
  constructor(data) {
    this.name = data.name;
    this.kind = data.kind;
    this.evaluation = data.evaluation;
    this.hop = data.hop_s;
    this.ends = Float64Array.from(numbersOf(Uint32Array, data.ends), (ms) => ms / 1000);
    this.count = this.ends.length;
    const ranks = numbersOf(Uint16Array, data.ranks);
    const scores = numbersOf(Uint16Array, data.scores);
    this.depth = this.count ? ranks.length / this.count : 0;
    this.ranks = ranks;
    this.scores = scores;
    this.truth = numbersOf(Uint16Array, data.truth);
    this.sources = data.sources || null;
    this.source = data.sources ? numbersOf(Uint16Array, data.source) : null;
  }

  label(i) {
    return this.ranks[i];
  }

  score(i) {
    return this.scores[i] / FULL;
  }

  wrong(i) {
    return this.truth[i] !== NONE && this.ranks[i] !== this.truth[i];
  }

  // The likeliest activities of a window, best first: [label, score].
  ranking(i) {
    const found = [];
    for (let rank = 0; rank < this.depth; rank++) {
      const place = rank * this.count + i;
      if (this.ranks[place] !== NONE) found.push([this.ranks[place], this.scores[place] / FULL]);
    }
    return found;
  }

  // The window whose last hop holds `seconds`, or -1.
  at(seconds) {
    const i = firstAtLeast(this.ends, seconds);
    return i < this.count && this.ends[i] - this.hop <= seconds ? i : -1;
  }
}
