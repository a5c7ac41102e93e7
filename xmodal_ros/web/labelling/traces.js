// Rows of motion and sound for the stretch in view: samples when near, extremes from afar.
const FINE_NS = 150e9;
const GAP_S = 0.5;
const CHANNELS = 6;
const AXES = {light: ['#e03131', '#2f9e44', '#1971c2'], dark: ['#ff8787', '#69db7c', '#74c0fc']};
const RAMP = {
  light: [[255, 255, 255], [190, 215, 240], [70, 120, 190], [45, 30, 110], [10, 5, 40]],
  dark: [[8, 10, 16], [45, 25, 90], [150, 45, 120], [245, 125, 85], [252, 250, 190]],
};
const darkness = matchMedia('(prefers-color-scheme: dark)');
export const scheme = () => (darkness.matches ? 'dark' : 'light');

export function fit(canvas) {
  const scale = devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * scale), height = Math.round(canvas.clientHeight * scale);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, {width, height});
  const context = canvas.getContext('2d');
  context.clearRect(0, 0, width, height);
  return [context, width, height, scale];
}

const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

// What all of the recording that has been seen stays between, without rare outliers.
export function rangeOf(media, track, first) {
  const low = [], high = [];
  for (const glance of media.glances) {
    const table = glance.motion[track];
    for (let at = 0; table && at < table.length; at += 2 * CHANNELS) {
      for (let c = first; c < first + 3; c += 1) {
        if (!Number.isNaN(table[at + c])) { low.push(table[at + c]); high.push(table[at + CHANNELS + c]); }
      }
    }
  }
  if (!low.length) return null;
  low.sort((a, b) => a - b);
  high.sort((a, b) => a - b);
  const [a, b] = [percentile(low, 0.005), percentile(high, 0.995)];
  const margin = Math.max((b - a) * 0.1, 0.05);
  return [a - margin, b + margin];
}

// Three channels from `first` on, between `top` and `top + height`.
export function drawMotion(context, media, track, first, view, width, top, height, range) {
  const [low, high] = range ?? (first ? [-5, 5] : [-20, 20]);
  const toY = (value) => top + height - (Math.min(Math.max(value, low), high) - low) / (high - low) * height;
  const perNs = width / view.span;
  const from = Math.max(0, Math.floor(view.start / media.info.block));
  const to = Math.min(media.info.blocks - 1, Math.floor((view.start + view.span) / media.info.block));
  const paths = [0, 1, 2].map(() => new Path2D());
  for (let index = from; index <= to; index += 1) {
    const start = (index * media.info.block - view.start) * perNs;
    const fine = view.span <= FINE_NS ? media.block(index)?.motion[track] : null;
    if (fine) trace(paths, fine, first, start, perNs * 1e9, toY);
    else extremes(paths, media.glances[index]?.motion[track], first, start, media.info.block * perNs / media.info.glances, toY);
  }
  context.lineWidth = Math.max(1, devicePixelRatio || 1);
  paths.forEach((path, axis) => {
    context.strokeStyle = AXES[scheme()][axis];
    context.stroke(path);
  });
}

function trace(paths, {seconds, values}, first, start, perSecond, toY) {
  paths.forEach((path, axis) => {
    let before = -Infinity, column = NaN, low = 0, high = 0;
    for (let i = 0; i < seconds.length; i += 1) {
      const value = values[i * CHANNELS + first + axis];
      if (Number.isNaN(value)) continue;
      const x = start + seconds[i] * perSecond, y = toY(value);
      // Of many samples in one column of pixels only the extremes are seen.
      if (Math.floor(x) === column) {
        if (y < low) { low = y; path.lineTo(x, y); } else if (y > high) { high = y; path.lineTo(x, y); }
      } else {
        if (seconds[i] - before > GAP_S) path.moveTo(x, y); else path.lineTo(x, y);
        column = Math.floor(x);
        low = high = y;
      }
      before = seconds[i];
    }
  });
}

function extremes(paths, table, first, start, step, toY) {
  for (let at = 0, x = start; table && at < table.length; at += 2 * CHANNELS, x += step) {
    paths.forEach((path, axis) => {
      const low = table[at + first + axis];
      if (Number.isNaN(low)) return;
      path.moveTo(x + step / 2, toY(low));
      path.lineTo(x + step / 2, toY(table[at + CHANNELS + first + axis]) - 1);
    });
  }
}

export class SpectrumPainter {
  constructor(media, track) {
    this.media = media;
    this.track = track;
    this.pictures = new WeakMap();
    this.seen = 0;
    this.contrast = [70, 200];
  }

  // Loudness from which on there is colour, and where it ends; only looked at now and then, for
  // all pictures are painted anew then.
  look() {
    const {glances, info} = this.media;
    const due = glances.length >= 2 * this.seen || glances.length === info.blocks;
    if (glances.length === this.seen || !due && scheme() === this.scheme) return;
    this.seen = glances.length;
    this.scheme = scheme();
    this.pictures = new WeakMap();
    const levels = glances.flatMap((glance) => Array.from(glance.spectra[this.track] ?? []).filter((v, i) => v && i % 7 === 0));
    if (levels.length < 20) return;
    levels.sort((a, b) => a - b);
    const low = percentile(levels, 0.3);
    this.contrast = [low, Math.max(percentile(levels, 0.998), low + 30)];
  }

  draw(context, view, width, height) {
    this.look();
    const {media, track} = this;
    const perNs = width / view.span;
    const from = Math.max(0, Math.floor(view.start / media.info.block));
    const to = Math.min(media.info.blocks - 1, Math.floor((view.start + view.span) / media.info.block));
    context.imageSmoothingEnabled = true;
    for (let index = from; index <= to; index += 1) {
      const fine = view.span <= FINE_NS ? media.block(index)?.spectra[track] : null;
      const spectrum = fine ?? media.glances[index]?.spectra[track];
      if (!spectrum?.length) continue;
      const x = (index * media.info.block - view.start) * perNs;
      // Whole pixels, or seams are seen between blocks.
      const left = Math.floor(x), right = Math.ceil(x + media.info.block * perNs);
      context.drawImage(this.picture(spectrum), left, 0, right - left, height);
    }
  }

  picture(spectrum) {
    if (!this.pictures.has(spectrum)) this.pictures.set(spectrum, this.paint(spectrum));
    return this.pictures.get(spectrum);
  }

  paint(spectrum) {
    const {bands} = this.media.info;
    const columns = spectrum.length / bands;
    const canvas = Object.assign(document.createElement('canvas'), {width: columns, height: bands});
    const image = new ImageData(columns, bands);
    const ramp = RAMP[scheme()];
    const [low, high] = this.contrast;
    for (let column = 0; column < columns; column += 1) {
      for (let band = 0; band < bands; band += 1) {
        const share = Math.min(Math.max((spectrum[column * bands + band] - low) / (high - low), 0), 0.999) * (ramp.length - 1);
        const step = Math.floor(share), at = 4 * ((bands - 1 - band) * columns + column);
        for (let c = 0; c < 3; c += 1) image.data[at + c] = ramp[step][c] + (share - step) * (ramp[step + 1][c] - ramp[step][c]);
        image.data[at + 3] = 255;
      }
    }
    canvas.getContext('2d').putImageData(image, 0, 0);
    return canvas;
  }
}

export const axisColours = () => AXES[scheme()];
export const onSchemeChange = (listener) => darkness.addEventListener('change', listener);
