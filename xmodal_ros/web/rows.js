// Rows of what the sensors gave, and the time axis. A row draws itself into a painting: {context,
// width, height, view, look, arrived} and whatever else a page's own rows need to know. Traces and
// sound come in pieces; one that is not here yet is null.
import {element} from './elements.js';
import {clamp, clock, figure} from './numbers.js';

export const AXES = ['x', 'y', 'z'];

export function acrossOf({width, view}) {
  const scale = width / view.length;
  return (seconds) => (seconds - view.from) * scale;
}

export function writeInside(painting, text, x, width, y, colour, halo) {
  const {context, look} = painting;
  const left = Math.max(x, 0) + 4;
  const room = Math.min(x + width, painting.width) - left - 3;
  if (room < 14) return;
  context.font = look.font;
  if (context.measureText(text).width > room) return;
  context.textBaseline = 'middle';
  if (halo) {
    context.strokeStyle = halo;
    context.lineWidth = 3;
    context.lineJoin = 'round';
    context.strokeText(text, left, y);
  }
  context.fillStyle = colour;
  context.fillText(text, left, y);
}

export class FilmRow {
  constructor(film) {
    this.film = film;
    this.title = film.name;
    this.detail = 'pictures';
    this.height = 66;
    this.ofMedia = true;
  }

  // Thumbnails stand on a grid in time, so that they move with the rest when panned.
  draw(painting) {
    const {context, view, width, height, arrived} = painting;
    const {film} = this;
    const across = acrossOf(painting);
    const wide = (height * film.width) / film.height;
    const period = (wide * view.length) / width;
    for (let slot = Math.floor(view.from / period); slot * period < view.to; slot++) {
      const middle = (slot + 0.5) * period;
      const i = film.nearest(middle);
      // None was taken near this time: a gap is shown as one.
      if (Math.abs(film.times[i] - middle) > Math.max(period, 2 * film.step)) continue;
      film.draw(context, i, across(slot * period), 0, wide - 1, height, arrived);
    }
  }
}

export class TraceRow {
  constructor(curves) {
    this.curves = curves;
    this.title = curves.name;
    this.detail = `${curves.quantity}, ${curves.unit}`;
    this.height = 58;
    this.ofMedia = true;
  }

  draw(painting) {
    const {context, look, view, width, height, bare} = painting;
    const [low, high] = this.curves.range;
    const room = Math.max(high - low, 1e-6);
    const y = (value) => height - 3 - ((value - low) / room) * (height - 6);
    context.fillStyle = look.line;
    if (low < 0 && high > 0) context.fillRect(0, y(0), width, 1);
    context.lineWidth = 1.2;
    context.globalAlpha = 0.8;
    const pieces = this.curves.pieces(view);
    AXES.forEach((axis, number) => {
      context.strokeStyle = look[axis];
      context.beginPath();
      let open = false;
      for (const piece of pieces) open = piece?.outline(painting, number, y, open);
      context.stroke();
    });
    context.globalAlpha = 1;
    if (bare) return;
    context.font = look.font;
    context.fillStyle = look.soft;
    writeScale(painting, high, 8);
    writeScale(painting, low, height - 7);
  }

  values(seconds) {
    const found = [];
    AXES.forEach((axis, number) => {
      const range = this.curves.at(number, seconds);
      if (range) found.push({axis, text: figure((range[0] + range[1]) / 2, 1)});
    });
    return found.length ? [...found, {unit: this.curves.unit}] : [{text: '–'}];
  }
}

function writeScale(painting, value, y) {
  const {context, look} = painting;
  const text = figure(value, Math.abs(value) >= 10 ? 0 : 1);
  context.textBaseline = 'middle';
  context.strokeStyle = look.card;
  context.lineWidth = 3;
  context.strokeText(text, 3, y);
  context.fillText(text, 3, y);
}

// All curves of a sensor in one row, in parts of equal height.
export class StackedRow {
  constructor(rows, height) {
    this.rows = rows;
    this.height = height;
    this.title = rows[0].title;
    const units = rows.map(({curves}, i) => `${curves.unit}${['', ' above, ', ' below'][rows.length > 1 ? i + 1 : 0]}`);
    this.detail = [...AXES.flatMap((axis) => [element('b', {class: `axis-${axis}`}, axis), ' ']), ...units];
  }

  draw(painting) {
    const {context, width} = painting;
    const height = this.height / this.rows.length;
    this.rows.forEach((row, i) => {
      context.save();
      context.translate(0, i * height);
      context.beginPath();
      context.rect(0, 0, width, height);
      context.clip();
      row.draw({...painting, height, bare: true});
      context.restore();
    });
  }
}

export class SoundRow {
  constructor(sound) {
    this.sound = sound;
    this.title = sound.name;
    this.detail = `sound to ${(sound.hertz[1] / 1000).toFixed(0)} kHz`;
    this.height = 58;
    this.ofMedia = true;
  }

  draw(painting) {
    const {context, view, height, look, arrived} = painting;
    const across = acrossOf(painting);
    context.imageSmoothingEnabled = true;
    for (const piece of this.sound.pieces(view, arrived)) {
      if (!piece) continue;
      const column = (seconds) => clamp((seconds - piece.from) / piece.step, 0, piece.columns);
      const [first, last] = [column(view.from), column(view.to)];
      // Whole pixels, or seams are seen between pieces.
      const left = Math.floor(across(piece.from + first * piece.step));
      const right = Math.ceil(across(piece.from + last * piece.step));
      if (last <= first) continue;
      const picture = piece.picture(look.ramp, this.sound.scale);
      context.drawImage(picture, first, 0, last - first, piece.bands, left, 0, right - left, height);
    }
  }

  values(seconds) {
    const loudest = this.sound.loudest(seconds);
    if (!loudest) return [{text: '–'}];
    const [hertz, decibels] = loudest;
    const note = hertz >= 1000 ? `${(hertz / 1000).toFixed(1)} kHz` : `${hertz.toFixed(0)} Hz`;
    return [{text: `loudest ${note}, ${figure(decibels, 0)} dB`}];
  }
}

const TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

export class AxisRow {
  // It may stand above the rows, or below them.
  constructor({above = false} = {}) {
    this.title = 'time';
    this.detail = '';
    this.height = 22;
    this.above = above;
    this.quiet = true;
  }

  draw(painting) {
    const {context, look, view, width, height} = painting;
    const across = acrossOf(painting);
    const step = TICKS.find((tick) => (tick * width) / view.length >= 62) || 7200;
    context.font = look.font;
    context.textBaseline = 'middle';
    context.fillStyle = look.soft;
    for (let tick = Math.ceil(view.from / step) * step; tick <= view.to; tick += step) {
      const x = across(tick);
      context.fillRect(x, this.above ? height - 5 : 0, 1, 5);
      const text = painting.timeOf?.(tick) ?? clock(tick, step < 1 ? 1 : 0);
      const half = context.measureText(text).width / 2;
      context.fillText(text, clamp(x - half, 0, width - 2 * half), this.above ? 8 : 14);
    }
  }
}
