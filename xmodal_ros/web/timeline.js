// The timeline: one canvas a row, all over the same stretch of time, and a line at the cursor.
import {lookOf} from './colours.js';
import {element} from './elements.js';
import {clamp, firstAtLeast} from './numbers.js';
import {acrossOf} from './rows.js';
import {View} from './view.js';

// A stretch that is `marked` is shaded, and has lines at its ends.
export function paintRow(row, canvas, width, painting) {
  const density = painting.density || window.devicePixelRatio || 1;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(row.height * density);
  canvas.style.height = `${row.height}px`;
  const context = canvas.getContext('2d');
  context.setTransform(density, 0, 0, density, 0, 0);
  const whole = {...painting, context, width, height: row.height};
  const {marked, view, look} = painting;
  const across = acrossOf(whole);
  if (marked && !row.quiet) {
    context.fillStyle = look.mark;
    context.globalAlpha = 0.14;
    context.fillRect(across(marked.from), 0, across(marked.to) - across(marked.from), row.height);
    context.globalAlpha = 1;
  }
  row.draw(whole);
  if (marked && marked.from > view.from) {
    context.fillStyle = look.ink;
    context.globalAlpha = 0.5;
    for (const edge of [marked.from, marked.to]) context.fillRect(Math.round(across(edge)), 0, 1, row.height);
    context.globalAlpha = 1;
  }
}

export class Timeline {
  // Rows are put into `place`, with a line at the cursor or one that is there; `told` hears of
  // every change.
  constructor(place, told, line = null) {
    Object.assign(this, {place, told});
    this.line = line ?? element('div', {class: 'cursor'});
    this.over = line ? [] : [this.line];
    this.cursor = 0;
    this.waiting = 0;
    // What rows need to know beside what all of them do.
    this.painting = {};
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.changed());
  }

  // `length` is what is in view at first, `stops` are the times that steps lead to.
  show(seconds, rows, {cursor = 0, length = seconds, stops = []} = {}) {
    Object.assign(this, {rows, stops, cursor: clamp(cursor, 0, seconds)});
    this.view = new View(seconds);
    this.view.set(0, length);
    this.canvases = rows.map(() => element('canvas'));
    this.place.replaceChildren(
      ...rows.map(({title, detail, quiet}, i) => {
        const name = element('div', {class: 'row-name'}, title, ' ', element('small', {}, ...[detail].flat()));
        return element('div', {class: quiet ? 'row quiet' : 'row'}, name, this.canvases[i]);
      }),
      ...this.over,
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
    if (!this.width) return;
    const {view, painting} = this;
    const look = lookOf(this.place);
    this.drawAll({...painting, view, look, arrived: () => this.changed()});
    this.drawCursor();
    // Read by benchmarks/report.py.
    this.place.dataset.drawnIn = (performance.now() - began).toFixed(1);
    this.told();
  }

  drawAll(painting) {
    this.rows.forEach((row, i) => paintRow(row, this.canvases[i], this.width, painting));
  }

  // What lies over all of the view, from its left to its right.
  get across() {
    return this.canvases[0];
  }

  get width() {
    return this.across?.clientWidth;
  }

  timeAt(clientX) {
    const left = this.across.getBoundingClientRect().left;
    return this.view.from + ((clientX - left) / this.width) * this.view.length;
  }

  moveCursor(seconds, {reveal = false, playing = false} = {}) {
    this.cursor = clamp(seconds, 0, this.view.seconds);
    if (reveal && this.view.reveal(this.cursor, playing)) this.changed();
    this.drawCursor();
    this.told();
  }

  drawCursor() {
    this.moveLine(this.line, this.cursor);
  }

  moveLine(line, seconds) {
    const share = (seconds - this.view.from) / this.view.length;
    line.hidden = share < 0 || share > 1;
    line.style.transform = `translateX(${this.across.offsetLeft + share * this.width}px)`;
  }

  zoom(factor, at = (this.view.from + this.view.to) / 2) {
    this.view.zoom(factor, at);
    this.changed();
  }

  zoomAll() {
    this.view.set(0, this.view.seconds);
    this.changed();
  }

  step(direction) {
    const {stops, cursor} = this;
    if (!stops.length) return;
    const next = direction > 0 ? firstAtLeast(stops, cursor + 1e-3) : firstAtLeast(stops, cursor - 1e-3) - 1;
    this.moveCursor(stops[clamp(next, 0, stops.length - 1)], {reveal: true});
  }
}
