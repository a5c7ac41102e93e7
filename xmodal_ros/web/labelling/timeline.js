// The rows below the pictures: overview, time, segments, traces; zoom, drag and click.
import {axisColours, drawMotion, fit, rangeOf, scheme, SpectrumPainter} from '/static/traces.js';

const SHORTEST_NS = 1e9;
const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600];
const element = (id) => document.getElementById(id);

export function clock(time, decimals = 0) {
  const sign = time < 0 ? '-' : '';
  const total = Math.abs(time) / 1e9;
  const whole = decimals ? total : Math.round(total * 1000) / 1000;
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  const seconds = (Math.floor((whole % 60) * 10 ** decimals) / 10 ** decimals).toFixed(decimals);
  const padded = seconds.padStart(decimals ? decimals + 3 : 2, '0');
  return `${sign}${hours ? `${hours}:${String(minutes).padStart(2, '0')}` : minutes}:${padded}`;
}

export class Timeline {
  // actions: seek(time), dragEdge(segment, side, time, done, alone), colour(label)
  constructor(actions) {
    this.actions = actions;
    this.view = {start: 0, span: 60e9};
    this.segments = [];
    this.listen();
    new ResizeObserver(() => this.draw()).observe(element('rows'));
  }

  show(media) {
    this.media = media;
    this.duration = Math.max(media.info.duration, 1);
    this.ranges = new Map();
    this.setView(0, Math.min(this.duration, 60e9));
    this.makeRows();
  }

  makeRows() {
    const rows = [];
    const imus = this.media.tracks('imu');
    const height = Math.min(Math.max(190 / Math.max(imus.length, 1), 34), 95);
    for (const track of imus) {
      rows.push({track, height, paint: (c, w, h) => this.paintMotion(c, track.number, w, h)});
    }
    for (const track of this.media.tracks('audio')) {
      const painter = new SpectrumPainter(this.media, track.number);
      rows.push({track, height: 58, paint: (c, w, h) => painter.draw(c, this.view, w, h)});
    }
    element('traces').replaceChildren(...rows.map((row) => this.makeRow(row)));
    const problems = this.media.info.tracks.filter((t) => t.problem);
    element('traces').append(...problems.map((t) => {
      const box = document.createElement('div');
      box.className = 'row';
      box.append(Object.assign(document.createElement('p'), {textContent: t.warning}));
      return box;
    }));
    this.rows = rows;
  }

  makeRow(row) {
    const box = document.createElement('div');
    box.className = 'row';
    const name = document.createElement('b');
    if (row.track.modality === 'imu') {
      name.append(`${row.track.name} `, ...['x', 'y', 'z'].flatMap((axis, i) => {
        const letter = Object.assign(document.createElement('i'), {textContent: axis});
        letter.dataset.axis = i;
        return [letter, ' '];
      }), ' m/s² above, rad/s below');
    } else {
      name.textContent = `${row.track.name}, 0 to ${(row.track.spectrum_hz / 1000).toPrecision(2)} kHz`;
    }
    row.canvas = document.createElement('canvas');
    row.canvas.style.height = `${row.height}px`;
    box.append(name, row.canvas);
    return box;
  }

  paintMotion(context, track, width, height) {
    const half = height / 2;
    [0, 3].forEach((first, i) => {
      drawMotion(context, this.media, track, first, this.view, width, i * half + 2, half - 4, this.range(track, first));
    });
  }

  range(track, first) {
    const seen = this.media.glances.length;
    const key = `${track}/${first}`;
    const known = this.ranges.get(key);
    const due = !known || seen >= 2 * known.seen || seen === this.media.info.blocks;
    if (seen && due && known?.seen !== seen) this.ranges.set(key, {seen, range: rangeOf(this.media, track, first)});
    return this.ranges.get(key)?.range ?? null;
  }

  setView(start, span) {
    span = Math.min(Math.max(span, SHORTEST_NS), Math.max(this.duration, SHORTEST_NS));
    start = Math.min(Math.max(start, 0), Math.max(this.duration - span, 0));
    this.view = {start, span};
  }

  // Zoom about a time, which stays where it is.
  zoom(factor, about) {
    const {start, span} = this.view;
    const share = Math.min(Math.max((about - start) / span, 0), 1);
    const next = Math.min(Math.max(span * factor, SHORTEST_NS), this.duration);
    this.setView(about - share * next, next);
    this.draw();
  }

  zoomAll() {
    this.setView(0, this.duration);
    this.draw();
  }

  // Turn the page when the playhead leaves it.
  reveal(time, playing) {
    const {start, span} = this.view;
    if (time >= start && time <= start + span * (playing ? 0.97 : 1)) return;
    this.setView(playing ? time - 0.05 * span : time - span / 2, span);
    this.draw();
  }

  xOf(time) {
    return (time - this.view.start) / this.view.span * element('track').clientWidth;
  }

  timeAt(clientX) {
    const box = element('track').getBoundingClientRect();
    const time = this.view.start + (clientX - box.left) / box.width * this.view.span;
    return Math.round(Math.min(Math.max(time, 0), this.duration));
  }

  draw() {
    if (!this.media) return;
    for (const letter of document.querySelectorAll('.row i')) letter.style.color = axisColours()[letter.dataset.axis];
    this.drawTicks();
    for (const row of this.rows) {
      const [context, width, height] = fit(row.canvas);
      row.paint(context, width, height);
    }
    this.drawSegments(this.segments, this.current, this.open, true);
    this.movePlayhead(this.position ?? 0, this.markTime ?? null);
    element('zoom').textContent = this.view.span >= 120e9 ? `${Math.round(this.view.span / 6e9) / 10} min` : `${Math.round(this.view.span / 1e8) / 10} s`;
  }

  drawTicks() {
    const [context, width, height, scale] = fit(element('ticks'));
    const most = width / (90 * scale);
    const seconds = STEPS_S.find((s) => this.view.span / 1e9 / s <= most) ?? STEPS_S.at(-1);
    context.fillStyle = getComputedStyle(document.body).getPropertyValue('--soft');
    context.font = `${11 * scale}px system-ui, sans-serif`;
    const step = seconds * 1e9;
    for (let time = Math.ceil(this.view.start / step) * step; time <= this.view.start + this.view.span; time += step) {
      const x = (time - this.view.start) / this.view.span * width;
      context.fillRect(Math.round(x), height - 4 * scale, scale, 4 * scale);
      context.fillText(clock(time, seconds < 1 ? 1 : 0), x + 3 * scale, height - 5 * scale);
    }
  }

  drawSegments(segments, current, open, always = false) {
    Object.assign(this, {segments, current, open});
    if (!this.media) return;
    const {start, span} = this.view;
    const end = start + span;
    const shown = segments.filter((s) => s.end > start && s.start < end);
    element('track').replaceChildren(...shown.map((s) => {
      const box = document.createElement('div');
      const [left, right] = [Math.max(s.start, start - span), Math.min(s.end, end + span)];
      box.className = `segment${s === current ? ' now' : ''}${s === open ? ' running' : ''}`;
      box.style.left = `${(left - start) / span * 100}%`;
      box.style.width = `${(right - left) / span * 100}%`;
      box.style.background = this.actions.colour(s.label);
      box.textContent = s.label;
      box.title = `${s.label}: ${clock(s.start, 2)} to ${clock(s.end, 2)} (${((s.end - s.start) / 1e9).toFixed(2)} s)`;
      Object.assign(box.dataset, {label: s.label, start: s.start, end: s.end});
      for (const side of ['left', 'right']) {
        const edge = document.createElement('div');
        edge.className = `edge ${side}`;
        edge.onpointerdown = (event) => this.drag(event, s, side === 'left' ? 'start' : 'end');
        box.append(edge);
      }
      return box;
    }));
    if (always || this.overviewOf !== segments) this.drawOverview();
  }

  drawOverview() {
    this.overviewOf = this.segments;
    const [context, width, height, scale] = fit(element('overview'));
    const toX = (time) => time / this.duration * width;
    for (const s of this.segments) {
      context.fillStyle = this.actions.colour(s.label);
      context.fillRect(toX(s.start), 3 * scale, Math.max(toX(s.end) - toX(s.start), 1), height - 6 * scale);
    }
    const seen = toX(Math.min(this.media.glances.length * this.media.info.block, this.duration));
    context.fillStyle = scheme() === 'dark' ? '#ffffff30' : '#00000020';
    if (seen < width) context.fillRect(seen, height - 2 * scale, width - seen, 2 * scale);
    context.strokeStyle = getComputedStyle(document.body).getPropertyValue('--ink');
    context.lineWidth = 1.5 * scale;
    const {start, span} = this.view;
    context.strokeRect(toX(start) + scale, scale, Math.max(toX(span) - 2 * scale, 2 * scale), height - 2 * scale);
    if (this.position !== undefined) {
      context.fillStyle = getComputedStyle(document.body).getPropertyValue('--head');
      context.fillRect(toX(this.position) - scale, 0, 2 * scale, height);
    }
  }

  movePlayhead(position, mark) {
    const far = Math.abs(position - (this.overviewAt ?? -1)) > this.duration / 1000;
    Object.assign(this, {position, markTime: mark});
    element('playhead').style.transform = `translateX(${this.xOf(position)}px)`;
    element('mark').hidden = mark === null;
    if (mark !== null) element('mark').style.transform = `translateX(${this.xOf(mark)}px)`;
    if (far) {
      this.overviewAt = position;
      this.drawOverview();
    }
  }

  // Follow the pointer from here on until it is let go.
  pursue(event, move, end = () => {}) {
    event.preventDefault();
    event.stopPropagation();
    if (event.button !== 0) return;
    const stop = (last) => {
      removeEventListener('pointermove', follow);
      removeEventListener('pointerup', stop);
      end(last);
    };
    const follow = (e) => move(e);
    addEventListener('pointermove', follow);
    addEventListener('pointerup', stop);
    move(event);
  }

  drag(event, segment, side) {
    // The edge keeps its distance to the pointer.
    const off = segment[side] - this.timeAt(event.clientX);
    const move = (e, done = false) => this.actions.dragEdge(segment, side, this.timeAt(e.clientX) + off, done, e.altKey);
    this.pursue(event, move, (e) => move(e, true));
  }

  listen() {
    element('rows').addEventListener('pointerdown', (event) => {
      if (this.media) this.pursue(event, (e) => this.actions.seek(this.timeAt(e.clientX)));
    });
    element('overview').addEventListener('pointerdown', (event) => {
      const box = element('overview').getBoundingClientRect();
      const at = (e) => Math.min(Math.max((e.clientX - box.left) / box.width, 0), 1) * this.duration;
      if (this.media) this.pursue(event, (e) => this.actions.seek(Math.round(at(e))));
    });
    element('timeline').addEventListener('wheel', (event) => {
      if (!this.media) return;
      event.preventDefault();
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
        this.setView(this.view.start + sideways / 800 * this.view.span, this.view.span);
        this.draw();
      } else {
        this.zoom(Math.exp(event.deltaY / 400), this.timeAt(event.clientX));
      }
    }, {passive: false});
  }
}
