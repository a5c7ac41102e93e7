// The stretch of time that all rows show, and what of it is to be seen.

const SHORTEST_S = 0.5;

class View {
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
    const share = (at - this.from) / this.length;
    this.set(at - share * length, at + (1 - share) * length);
  }

  pan(seconds) {
    this.set(this.from + seconds, this.to + seconds);
  }

  // Move no more than is needed to have `at` in view.
  reveal(at) {
    if (at < this.from) this.set(at - this.length * 0.2, at + this.length * 0.8);
    else if (at > this.to) this.set(at - this.length * 0.8, at + this.length * 0.2);
  }
}

// Which decisions stand out: those of chosen activities (none chosen: of all), and mistakes only.
class Filter {
  constructor() {
    this.chosen = new Set();
    this.mistakesOnly = false;
  }

  get active() {
    return this.mistakesOnly || this.chosen.size > 0;
  }

  passesLabel(label) {
    return !this.chosen.size || this.chosen.has(label);
  }

  passes(track, i) {
    if (this.mistakesOnly && !track.wrong(i)) return false;
    return this.passesLabel(track.label(i)) || (this.chosen.size > 0 && this.chosen.has(track.truth[i]));
  }

  passesClip(clip) {
    return this.passesLabel(clip.truth) || this.passesLabel(clip.decided);
  }
}
