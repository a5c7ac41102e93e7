// Rows of labels: truth, decisions with their confidence, the selector's source; what stands out.
// Labels are places in `painting.labels`, the last of which stands for none.
import {labelColour, textColourOn} from './colours.js';
import {firstAtLeast} from './numbers.js';
import {acrossOf, AxisRow, FilmRow, SoundRow, TraceRow, writeInside} from './rows.js';

const STRIP = 5;
const FAINT = 0.28;
const DIMMED = 0.07;

// Which decisions stand out: those of chosen activities (none chosen: of all), and mistakes only.
export class Filter {
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

class TruthRow {
  constructor(recording) {
    this.recording = recording;
    this.title = 'truth';
    this.detail = '';
    this.height = 26;
  }

  draw(painting) {
    const {context, filter, height, view, labels} = painting;
    const across = acrossOf(painting);
    for (const {from, to, label} of this.recording.truth) {
      if (to < view.from || from > view.to) continue;
      const x = across(from);
      const width = Math.max(1, across(to) - x);
      context.globalAlpha = filter.passesLabel(label) ? 1 : 2 * DIMMED;
      context.fillStyle = labelColour(label, labels.length);
      context.fillRect(x, 0, width - (width > 3 ? 1 : 0), height);
      writeInside(painting, labels[label], x, width, height / 2, textColourOn(label, labels.length));
    }
    context.globalAlpha = 1;
  }

  values(seconds) {
    const here = this.recording.truth.find(({from, to}) => from <= seconds && seconds < to);
    return here ? [{label: here.label}] : [{text: '–'}];
  }
}

// The height of the full colour is the confidence; a strip below marks mistakes.
class TrackRow {
  constructor(track) {
    this.track = track;
    this.title = track.name;
    this.detail = 'confidence';
    this.height = 40;
  }

  draw(painting) {
    const {view} = painting;
    const {track} = this;
    const first = firstAtLeast(track.ends, view.from);
    const last = Math.min(track.count, firstAtLeast(track.ends, view.to + track.hop));
    if ((track.hop * painting.width) / view.length >= 1.5) this.drawWindows(painting, first, last);
    else this.drawColumns(painting, first, last);
    painting.context.globalAlpha = 1;
  }

  drawWindows(painting, first, last) {
    const across = acrossOf(painting);
    const runs = [];
    for (let i = first; i < last; i++) {
      const label = this.track.label(i);
      const x = across(this.track.ends[i] - this.track.hop);
      const right = across(this.track.ends[i]);
      const lit = painting.filter.passes(this.track, i);
      this.bar(painting, x, right - x, label, this.track.score(i), lit, this.track.wrong(i));
      const run = runs[runs.length - 1];
      if (run && run.label === label && run.lit === lit && Math.abs(run.right - x) < 2) {
        run.right = right;
      } else runs.push({label, lit, x, right});
    }
    const {look} = painting;
    painting.context.globalAlpha = 1;
    for (const {label, lit, x, right} of runs) {
      if (lit) writeInside(painting, painting.labels[label], x, right - x, 10, look.ink, look.paper);
    }
  }

  // Several decisions share a pixel: the commonest gives its colour, any mistake is marked.
  drawColumns(painting, first, last) {
    const across = acrossOf(painting);
    const counts = new Map();
    let i = first;
    while (i < last) {
      const column = Math.floor(across(this.track.ends[i]));
      counts.clear();
      let [score, shown, wrong, all] = [0, 0, false, 0];
      for (; i < last && Math.floor(across(this.track.ends[i])) === column; i++) {
        all++;
        if (!painting.filter.passes(this.track, i)) continue;
        const label = this.track.label(i);
        counts.set(label, (counts.get(label) || 0) + 1);
        score += this.track.score(i);
        shown++;
        wrong ||= this.track.wrong(i);
      }
      let [best, most] = [this.track.label(i - 1), 0];
      for (const [label, count] of counts) if (count > most) [best, most] = [label, count];
      this.bar(painting, column, 1, best, shown ? score / shown : 0, shown > 0, wrong);
    }
  }

  bar(painting, x, width, label, score, lit, wrong) {
    const {context, look} = painting;
    const height = painting.height - STRIP;
    context.fillStyle = labelColour(label, painting.labels.length);
    context.globalAlpha = lit ? FAINT : DIMMED;
    context.fillRect(x, 0, width + 0.5, height);
    if (!lit) return;
    context.globalAlpha = 1;
    const full = height * score;
    context.fillRect(x, height - full, width + 0.5, full);
    if (!wrong) return;
    context.fillStyle = look.bad;
    context.fillRect(x, height + 1, Math.max(width, 1) + 0.5, STRIP - 1);
  }

  values(seconds) {
    const i = this.track.at(seconds);
    if (i < 0) return [{text: '–'}];
    return this.track.ranking(i).map(([label, score], rank) => ({
      label,
      score,
      wrong: rank === 0 && this.track.wrong(i),
    }));
  }
}

class SourceRow {
  constructor(track) {
    this.track = track;
    this.title = 'source';
    this.detail = 'of the choice';
    this.height = 18;
  }

  draw(painting) {
    const {context, look, view, height} = painting;
    const {track} = this;
    const across = acrossOf(painting);
    let i = firstAtLeast(track.ends, view.from);
    const last = Math.min(track.count, firstAtLeast(track.ends, view.to + track.hop));
    while (i < last) {
      const source = track.source[i];
      const x = across(track.ends[i] - track.hop);
      let right = x;
      for (; i < last && track.source[i] === source; i++) {
        const from = across(track.ends[i] - track.hop);
        if (from - right > 2) break;
        right = across(track.ends[i]);
      }
      const shade = track.sources.length > 1 ? source / (track.sources.length - 1) : 0.2;
      context.globalAlpha = 0.15 + 0.4 * shade;
      context.fillStyle = look.mark;
      context.fillRect(x, 0, Math.max(0.5, right - x), height);
      context.globalAlpha = 1;
      const name = track.sources[source] || 'silence';
      writeInside(painting, name, x, right - x, height / 2 + 0.5, look.ink, look.paper);
    }
  }

  values(seconds) {
    const i = this.track.at(seconds);
    return [{text: i < 0 ? '–' : this.track.sources[this.track.source[i]] || 'silence'}];
  }
}

// All rows of a recording, in the order in which they are read.
export function rowsOf(recording) {
  const rows = [];
  if (recording.truth.length) rows.push(new TruthRow(recording));
  for (const track of recording.tracks) {
    rows.push(new TrackRow(track));
    if (track.sources) rows.push(new SourceRow(track));
  }
  rows.push(...recording.films.map((film) => new FilmRow(film)));
  rows.push(...recording.traces.map((trace) => new TraceRow(trace)));
  rows.push(...recording.sounds.map((sound) => new SoundRow(sound)));
  rows.push(new AxisRow());
  return rows;
}
