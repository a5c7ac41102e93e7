// The timeline: one canvas a row, all over the same stretch of time, and a line at the cursor.

function paintRow(row, canvas, width, painting) {
  const density = painting.density || window.devicePixelRatio || 1;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(row.height * density);
  canvas.style.height = `${row.height}px`;
  const context = canvas.getContext('2d');
  context.setTransform(density, 0, 0, density, 0, 0);
  const {clip, view, look} = painting;
  const whole = {...painting, context, width, height: row.height};
  if (clip && !row.quiet) {
    const across = acrossOf(whole);
    context.fillStyle = look.mark;
    context.globalAlpha = 0.14;
    context.fillRect(across(clip.from), 0, across(clip.to) - across(clip.from), row.height);
    context.globalAlpha = 1;
  }
  row.draw(whole);
  if (clip && clip.from > view.from) {
    context.fillStyle = look.ink;
    context.globalAlpha = 0.5;
    for (const edge of [clip.from, clip.to]) {
      context.fillRect(Math.round(acrossOf(whole)(edge)), 0, 1, row.height);
    }
    context.globalAlpha = 1;
  }
}

// When the first window was decided, or the first labelled segment begins: before, there is little
// to tell.
function firstMoment({tracks, truth, seconds}) {
  const decided = tracks.filter((track) => track.count).map((track) => track.ends[0]);
  const first = decided.length ? Math.min(...decided) : truth.length ? truth[0].from : 0;
  return clamp(first, 0, seconds);
}

class Timeline {
  constructor(place, filter, told) {
    this.place = place;
    this.filter = filter;
    this.told = told;
    this.line = element('div', {class: 'cursor', hidden: ''});
    this.hidden = new Set();
    this.clip = null;
    this.cursor = 0;
    this.waiting = 0;
  }

  show(recording) {
    this.recording = recording;
    this.view = new View(recording.seconds);
    this.cursor = firstMoment(recording);
    this.clip = null;
    this.rows = rowsOf(recording);
    this.canvases = this.rows.map(() => element('canvas'));
    this.place.replaceChildren(
      ...this.rows.map((row, i) =>
        element(
          'div',
          {class: row.quiet ? 'row quiet' : 'row'},
          element('div', {class: 'row-name'}, row.title, ' ', element('small', {}, row.detail)),
          this.canvases[i],
        ),
      ),
      this.line,
    );
    this.resized ||= this.followSize();
    this.draw();
  }

  followSize() {
    const observer = new ResizeObserver(() => this.changed());
    observer.observe(this.place);
    return observer;
  }

  changed() {
    if (!this.rows || this.waiting) return;
    this.waiting = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.waiting = 0;
    const began = performance.now();
    const width = this.canvases[0].clientWidth;
    if (!width) return;
    const painting = {
      view: this.view,
      filter: this.filter,
      clip: this.clip,
      look: lookOf(this.place),
      arrived: () => this.changed(),
    };
    this.rows.forEach((row, i) => paintRow(row, this.canvases[i], width, painting));
    this.drawCursor();
    // Read by benchmarks/report.py.
    this.place.dataset.drawnIn = (performance.now() - began).toFixed(1);
    this.told();
  }

  get left() {
    return this.canvases[0].offsetLeft;
  }

  get width() {
    return this.canvases[0].clientWidth;
  }

  timeAt(clientX) {
    const left = this.canvases[0].getBoundingClientRect().left;
    return this.view.from + ((clientX - left) / this.width) * this.view.length;
  }

  moveCursor(seconds, {reveal = false} = {}) {
    this.cursor = clamp(seconds, 0, this.recording.seconds);
    if (reveal && (this.cursor < this.view.from || this.cursor > this.view.to)) {
      this.view.reveal(this.cursor);
      this.changed();
    }
    this.drawCursor();
    this.told();
  }

  drawCursor() {
    const share = (this.cursor - this.view.from) / this.view.length;
    this.line.hidden = share < 0 || share > 1;
    this.line.style.left = `${this.left + share * this.width}px`;
  }

  // One picture on, or one decision where there are no pictures.
  step(direction) {
    const times = this.recording.films[0]?.times || this.recording.tracks[0]?.ends;
    if (!times || !times.length) return;
    const next =
      direction > 0 ? firstAtLeast(times, this.cursor + 1e-3) : firstAtLeast(times, this.cursor - 1e-3) - 1;
    this.moveCursor(times[clamp(next, 0, times.length - 1)], {reveal: true});
  }
}
