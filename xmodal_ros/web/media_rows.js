// Rows of what the sensors gave: thumbnails, envelopes of traces, spectrograms.

class FilmRow {
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

  values() {
    return [];
  }
}

class TraceRow {
  constructor(trace) {
    this.trace = trace;
    this.title = trace.name;
    this.detail = `${trace.quantity}, ${trace.unit}`;
    this.height = 58;
    this.ofMedia = true;
  }

  draw(painting) {
    const {context, look, width, height} = painting;
    const [low, high] = this.trace.range;
    const room = Math.max(high - low, 1e-6);
    const y = (value) => height - 3 - ((value - low) / room) * (height - 6);
    context.fillStyle = look.line;
    if (low < 0 && high > 0) context.fillRect(0, y(0), width, 1);
    context.font = look.font;
    context.lineWidth = 1.2;
    context.globalAlpha = 0.8;
    AXES.forEach((axis, number) => {
      context.strokeStyle = look[axis];
      context.beginPath();
      this.outline(painting, number, y);
      context.stroke();
    });
    context.globalAlpha = 1;
    context.fillStyle = look.soft;
    context.textBaseline = 'top';
    writeScale(painting, high, 8);
    writeScale(painting, low, height - 7);
  }

  // One stroke up and down through every pixel's (or, zoomed in, every step's) two ends.
  outline({context, view, width}, axis, y) {
    const {trace} = this;
    const lows = trace.low[axis];
    const highs = trace.high[axis];
    const columns = Math.min(width, Math.ceil(view.length / trace.step_s) + 2);
    const first = Math.floor(view.from / trace.step_s);
    const each = Math.max(1, view.length / trace.step_s / width);
    const toX = (step) => (((step + 0.5) * trace.step_s - view.from) * width) / view.length;
    let open = false;
    for (let column = 0; column <= columns; column++) {
      const from = first + Math.floor(column * each);
      const to = Math.max(from + 1, first + Math.floor((column + 1) * each));
      let [low, high] = [Infinity, -Infinity];
      for (let i = Math.max(0, from); i < to && i < trace.steps; i++) {
        if (lows[i] === NOT_MEASURED) continue;
        if (lows[i] < low) low = lows[i];
        if (highs[i] > high) high = highs[i];
      }
      if (low > high) {
        open = false;
        continue;
      }
      const x = each > 1 ? column : toX(from);
      if (open) context.lineTo(x, y(high * trace.scale));
      else context.moveTo(x, y(high * trace.scale));
      context.lineTo(x, y(low * trace.scale) + 0.1);
      open = true;
    }
  }

  values(seconds) {
    const found = [];
    AXES.forEach((axis, number) => {
      const range = this.trace.at(number, seconds);
      if (range) found.push({axis, text: figure((range[0] + range[1]) / 2, 1)});
    });
    return found.length ? [...found, {unit: this.trace.unit}] : [{text: '–'}];
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

class SoundRow {
  constructor(sound) {
    this.sound = sound;
    this.title = sound.name;
    const [, high] = sound.hertz;
    this.detail = `sound to ${(high / 1000).toFixed(0)} kHz`;
    this.height = 58;
    this.ofMedia = true;
  }

  draw(painting) {
    const {context, view, width, height, arrived} = painting;
    const {sound} = this;
    const across = acrossOf(painting);
    const first = Math.floor(view.from / sound.step_s / sound.widest);
    context.imageSmoothingEnabled = true;
    for (let number = Math.max(0, first); number < sound.pictures.length; number++) {
      const start = number * sound.widest;
      const end = Math.min(sound.columns, start + sound.widest);
      if (start * sound.step_s > view.to) break;
      const part = sound.part(number, arrived);
      if (!part) continue;
      const from = clamp(view.from / sound.step_s, start, end);
      const to = clamp(view.to / sound.step_s, start, end);
      const [left, right] = [across(from * sound.step_s), across(to * sound.step_s)];
      if (to <= from || right - left < 0.5) continue;
      context.drawImage(part.canvas, from - start, 0, to - from, sound.bands, left, 0, right - left, height);
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

// All rows of a recording, in the order in which they are read.
function rowsOf(recording) {
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
