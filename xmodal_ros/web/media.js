// What the sensors gave, as the server or the report has prepared it. Times are in seconds.
import {element} from './elements.js';
import {nearestIndex, numbersOf} from './numbers.js';

const AXIS_COUNT = 3;
const NOT_MEASURED = -32768;

// Thumbnails, many on a sheet.
export class Film {
  constructor(data) {
    Object.assign(this, data);
    this.times = Float64Array.from(numbersOf(Uint32Array, data.times), (ms) => ms / 1000);
    this.images = new Array(data.sheets.length);
    const steps = this.times.length - 1;
    this.step = steps > 0 ? (this.times[steps] - this.times[0]) / steps : 1;
  }

  // The sheet that holds thumbnail i, once it is there; `arrived` is called when it comes.
  sheet(i, arrived) {
    const number = Math.floor(i / this.perSheet);
    const image = (this.images[number] ??= imageOf(this.sheets[number]));
    return whenLoaded(image, arrived);
  }

  draw(context, i, x, y, width, height, arrived) {
    const sheet = this.sheet(i, arrived);
    if (!sheet) return false;
    const place = i % this.perSheet;
    const left = (place % this.columns) * this.width;
    const top = Math.floor(place / this.columns) * this.height;
    context.drawImage(sheet, left, top, this.width, this.height, x, y, width, height);
    return true;
  }

  nearest(seconds) {
    return nearestIndex(this.times, seconds);
  }

  load() {
    this.sheets.forEach((_, number) => this.sheet(number * this.perSheet));
    return loaded(this.images);
  }
}

function imageOf(address) {
  const image = new Image();
  image.src = address;
  return image;
}

function whenLoaded(image, arrived) {
  if (image.complete) return image.naturalWidth ? image : null;
  if (arrived) image.addEventListener('load', arrived, {once: true});
  return null;
}

const loaded = (images) => Promise.all(images.map((image) => image.decode().catch(() => null)));

// The least and the greatest value of three axes in every step from `from` on.
export class Trace {
  constructor({step_s, scale, values, ...rest}, from = 0) {
    Object.assign(this, rest, {step: step_s, scale, from});
    const all = numbersOf(Int16Array, values);
    this.steps = all.length / (2 * AXIS_COUNT);
    const part = (i) => all.subarray(i * this.steps, (i + 1) * this.steps);
    this.low = [0, 1, 2].map(part);
    this.high = [3, 4, 5].map(part);
  }

  pieces() {
    return [this];
  }

  // [low, high] of an axis at a time in its unit, or null where nothing was measured.
  at(axis, seconds) {
    const i = Math.floor((seconds - this.from) / this.step);
    const low = this.low[axis][i];
    if (low === undefined || low === NOT_MEASURED) return null;
    return [low * this.scale, this.high[axis][i] * this.scale];
  }

  // One stroke up and down through every pixel's (or, zoomed in, every step's) two ends, joined to
  // the one before where that is `open`; says whether it ends so.
  outline({context, view, width}, axis, y, open) {
    const {from, step, scale} = this;
    const [lows, highs] = [this.low[axis], this.high[axis]];
    const each = Math.max(1, view.length / step / width);
    const first = Math.max(0, Math.floor((view.from - from) / step));
    const last = Math.min(this.steps, Math.ceil((view.to - from) / step) + 1);
    const toX = (place) => ((place * step + from - view.from) * width) / view.length;
    for (let column = 0, i = first; i < last; column++) {
      const start = i;
      const end = Math.min(last, first + Math.max(1, Math.floor((column + 1) * each)));
      let [low, high] = [Infinity, -Infinity];
      for (; i < end; i++) {
        if (lows[i] === NOT_MEASURED) continue;
        if (lows[i] < low) low = lows[i];
        if (highs[i] > high) high = highs[i];
      }
      if (low > high) {
        open = false;
        continue;
      }
      const x = toX((start + end) / 2);
      if (open) context.lineTo(x, y(high * scale));
      else context.moveTo(x, y(high * scale));
      context.lineTo(x, y(low * scale) + 0.1);
      open = true;
    }
    return open;
  }
}

// Shades of sound, row by row from high notes to low ones; a column covers `step` from `from` on.
export class Spectrum {
  constructor(shades, bands, step, from) {
    Object.assign(this, {shades, bands, step, from});
    this.columns = shades.length / bands;
  }

  // Coloured: the shade `low` as silence, `high` as the loudest.
  picture(ramp, [low, high]) {
    const {painted} = this;
    if (painted?.ramp === ramp && painted.low === low && painted.high === high) return painted.canvas;
    const {columns: width, bands: height} = this;
    const canvas = element('canvas', {width, height});
    const pixels = new ImageData(width, height);
    const colours = new Uint32Array(256);
    const bytes = new Uint8Array(colours.buffer);
    for (let shade = 0; shade < 256; shade++) {
      const share = Math.max(0, Math.min(1, (shade - low) / (high - low)));
      const place = 3 * Math.round(255 * share);
      bytes.set([ramp[place], ramp[place + 1], ramp[place + 2], 255], 4 * shade);
    }
    const words = new Uint32Array(pixels.data.buffer);
    for (let i = 0; i < words.length; i++) words[i] = colours[this.shades[i]];
    canvas.getContext('2d').putImageData(pixels, 0, 0);
    this.painted = {ramp, low, high, canvas};
    return canvas;
  }
}

// Grey pictures, each `widest` columns wide but the last.
export class Sound {
  constructor({step_s, ...data}) {
    Object.assign(this, data, {step: step_s, scale: [0, 255]});
    this.images = new Array(data.pictures.length);
    this.parts = new Array(data.pictures.length);
  }

  // The part of the spectrogram from column `number * widest` on, once it is there.
  part(number, arrived) {
    if (this.parts[number]) return this.parts[number];
    const image = (this.images[number] ??= imageOf(this.pictures[number]));
    if (!whenLoaded(image, arrived)) return null;
    const from = number * this.widest * this.step;
    return (this.parts[number] = new Spectrum(shadesOf(image), this.bands, this.step, from));
  }

  pieces(view, arrived) {
    const number = (seconds) => Math.max(0, Math.floor(seconds / this.step / this.widest));
    const last = Math.min(number(view.to), this.pictures.length - 1);
    const found = [];
    for (let i = number(view.from); i <= last; i++) found.push(this.part(i, arrived));
    return found;
  }

  // The loudest note at a time: [hertz, decibels], or null.
  loudest(seconds) {
    const column = Math.floor(seconds / this.step);
    if (column < 0 || column >= this.columns) return null;
    const part = this.part(Math.floor(column / this.widest));
    if (!part) return null;
    const x = column % this.widest;
    return loudestOf(part, x, this.hertz, this.decibels);
  }

  async load() {
    this.pictures.forEach((picture, number) => (this.images[number] ??= imageOf(picture)));
    await loaded(this.images);
    this.pictures.forEach((_, number) => this.part(number));
  }
}

// The loudest note in a column of a spectrum: [hertz, decibels], or null. Rows lie evenly on the mel
// scale, the highest on top.
export function loudestOf({shades, columns, bands}, column, hertz, [quiet, loud]) {
  const shadeOf = (row) => shades[row * columns + column];
  let best = 0;
  for (let row = 1; row < bands; row++) if (shadeOf(row) > shadeOf(best)) best = row;
  if (!shadeOf(best)) return null;
  const [low, high] = hertz.map((each) => 2595 * Math.log10(1 + each / 700));
  const mel = low + ((high - low) * (bands - best - 0.5)) / bands;
  return [700 * (10 ** (mel / 2595) - 1), quiet + ((loud - quiet) * shadeOf(best)) / 255];
}

function shadesOf(image) {
  const {naturalWidth: width, naturalHeight: height} = image;
  const context = element('canvas', {width, height}).getContext('2d', {willReadFrequently: true});
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, width, height).data;
  const shades = new Uint8Array(width * height);
  for (let i = 0; i < shades.length; i++) shades[i] = pixels[4 * i];
  return shades;
}
