// One recording: truth, decisions and what its sensors gave. Decoded when it is first looked at.

const decoded = new Map();

function recordingAt(index) {
  if (!decoded.has(index)) {
    const data = JSON.parse(document.getElementById(`recording-${index}`).textContent);
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

class Film {
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
    if (!this.images[number]) {
      const image = new Image();
      image.src = this.sheets[number];
      this.images[number] = image;
    }
    const image = this.images[number];
    if (image.complete) return image.naturalWidth ? image : null;
    if (arrived) image.addEventListener('load', arrived, {once: true});
    return null;
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
    return Promise.all(
      this.sheets.map((_, number) => {
        this.sheet(number * this.perSheet);
        return this.images[number].decode().catch(() => null);
      }),
    );
  }
}

const AXES = ['x', 'y', 'z'];

class Trace {
  constructor(data) {
    Object.assign(this, data);
    this.steps = 0;
    const values = numbersOf(Int16Array, data.values);
    this.steps = values.length / (2 * AXES.length);
    const part = (i) => values.subarray(i * this.steps, (i + 1) * this.steps);
    this.low = AXES.map((_, axis) => part(axis));
    this.high = AXES.map((_, axis) => part(AXES.length + axis));
  }

  // [low, high] of an axis at a time in its unit, or null where nothing was measured.
  at(axis, seconds) {
    const i = Math.floor(seconds / this.step_s);
    const low = this.low[axis][i];
    if (low === undefined || low === NOT_MEASURED) return null;
    return [low * this.scale, this.high[axis][i] * this.scale];
  }
}

const NOT_MEASURED = -32768;

class Sound {
  constructor(data) {
    Object.assign(this, data);
    this.parts = new Array(data.pictures.length);
  }

  // The coloured part of the spectrogram from column `number * widest` on, once it is there.
  part(number, arrived) {
    if (!this.parts[number]) {
      const image = new Image();
      image.src = this.pictures[number];
      this.parts[number] = {image, canvas: null, shades: null};
    }
    const part = this.parts[number];
    if (part.canvas) return part;
    if (!part.image.complete) {
      if (arrived) part.image.addEventListener('load', arrived, {once: true});
      return null;
    }
    if (!part.image.naturalWidth) return null;
    Object.assign(part, colouredPicture(part.image));
    return part;
  }

  // The loudest note at a time: [hertz, decibels], or null.
  loudest(seconds) {
    const column = Math.floor(seconds / this.step_s);
    const part = this.part(Math.floor(column / this.widest));
    if (!part || column < 0 || column >= this.columns) return null;
    let best = 0;
    const x = column % this.widest;
    for (let row = 0; row < this.bands; row++) {
      if (part.shades[row * part.width + x] > part.shades[best * part.width + x]) best = row;
    }
    const shade = part.shades[best * part.width + x];
    if (!shade) return null;
    const [quiet, loud] = this.decibels;
    return [this.hertzOf(best), quiet + ((loud - quiet) * shade) / 255];
  }

  // Rows lie evenly on the mel scale, the highest on top.
  hertzOf(row) {
    const mel = (hertz) => 2595 * Math.log10(1 + hertz / 700);
    const [low, high] = this.hertz.map(mel);
    const place = low + ((high - low) * (this.bands - row)) / (this.bands + 1);
    return 700 * (10 ** (place / 2595) - 1);
  }

  load() {
    return Promise.all(
      this.pictures.map((_, number) => {
        this.part(number);
        const part = this.parts[number];
        return part.image.decode().then(() => this.part(number)).catch(() => null);
      }),
    );
  }
}

function colouredPicture(image) {
  const {naturalWidth: width, naturalHeight: height} = image;
  const canvas = element('canvas', {width, height});
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, width, height);
  const shades = new Uint8Array(width * height);
  for (let i = 0; i < shades.length; i++) {
    const shade = pixels.data[4 * i];
    shades[i] = shade;
    pixels.data.set(HEAT.subarray(3 * shade, 3 * shade + 3), 4 * i);
  }
  context.putImageData(pixels, 0, 0);
  return {canvas, shades, width};
}
