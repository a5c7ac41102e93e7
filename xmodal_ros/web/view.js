// The stretch of time that all rows show, in seconds.
import {clamp} from './numbers.js';

const SHORTEST_S = 0.5;

export class View {
  constructor(seconds) {
    this.seconds = seconds;
    this.from = 0;
    this.to = seconds;
  }

  get length() {
    return this.to - this.from;
  }

  get whole() {
    return this.length >= this.seconds * 0.9999;
  }

  set(from, to) {
    const length = clamp(to - from, Math.min(SHORTEST_S, this.seconds), this.seconds);
    this.from = clamp(from, 0, this.seconds - length);
    this.to = this.from + length;
  }

  // What lies at `at` stays where it is.
  zoom(factor, at) {
    const length = clamp(this.length / factor, Math.min(SHORTEST_S, this.seconds), this.seconds);
    const share = clamp((at - this.from) / this.length, 0, 1);
    this.set(at - share * length, at + (1 - share) * length);
  }

  pan(seconds) {
    this.set(this.from + seconds, this.to + seconds);
  }

  // Have `at` in view; while it moves on by itself there is more to see after it. Says whether
  // anything had to move.
  reveal(at, playing = false) {
    const {from, to, length} = this;
    if (at >= from && at <= to - (playing ? 0.03 * length : 0)) return false;
    const share = playing ? 0.05 : 0.5;
    this.set(at - length * share, at + length * (1 - share));
    return this.from !== from;
  }
}
