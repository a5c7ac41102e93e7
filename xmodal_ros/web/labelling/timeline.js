// The rows below the pictures: overview, time, segments, traces; zoom, drag and click. Segments are
// in whole nanoseconds, the view is in seconds.
import {labelColour, textColourOn} from '../colours.js';
import {at, element} from '../elements.js';
import {listenToGestures} from '../gestures.js';
import {clamp, clock} from '../numbers.js';
import {acrossOf, AxisRow, SoundRow, StackedRow, TraceRow} from '../rows.js';
import {paintRow, Timeline} from '../timeline.js';
import {View} from '../view.js';

const SECOND = 1e9;
const FIRST_VIEW_S = 60;
const OVERVIEW_HEIGHT = 26;
// What of a row's height all IMUs share, and what one needs and can use.
const MOTION_HEIGHT = 190;
const LEAST_HEIGHT = 34;
const MOST_HEIGHT = 95;
// Shades of sound until its loudness is known.
const USUAL_SHADES = [70, 200];

function rowsOf(media) {
  const imus = media.tracks('traces');
  const height = clamp(MOTION_HEIGHT / imus.length, LEAST_HEIGHT, MOST_HEIGHT);
  const motion = imus.map(({name, number, quantities}) => {
    const rows = quantities.map(([quantity, unit, usual], i) => new TraceRow({
      name, quantity, unit,
      get range() { return media.scales[number]?.[i] ?? usual; },
      pieces: (view) => media.pieces('traces', number, view).map((traces) => traces?.[i]),
    }));
    return new StackedRow(rows, height);
  });
  const sounds = media.tracks('sounds').map(({name, number, spectrum_hz}) => new SoundRow({
    name, hertz: [0, spectrum_hz],
    get scale() { return media.scales[number]?.[0] ?? USUAL_SHADES; },
    pieces: (view) => media.pieces('sounds', number, view),
  }));
  return [...motion, ...sounds];
}

export class SegmentTimeline extends Timeline {
  // actions: seek(time), dragEdge(segment, side, time, done, alone), place(label) among the activities
  constructor(actions) {
    super(at('traces'), () => this.tellZoom(), at('playhead'));
    this.actions = actions;
    this.axis = new AxisRow({above: true});
    listenToGestures(this, at('timeline'), {scrub: (seconds) => actions.seek(seconds * SECOND), scrolls: false});
    at('overview').addEventListener('pointerdown', (event) => {
      const {left, width} = at('overview').getBoundingClientRect();
      if (this.media) this.pursue(event, (e) => actions.seek((e.clientX - left) / width * this.media.info.duration));
    });
  }

  open(media) {
    Object.assign(this, {media, segments: [], current: null, running: null, mark: null});
    const seconds = Math.max(media.info.duration, 1) / SECOND;
    this.show(seconds, rowsOf(media), {length: FIRST_VIEW_S});
    const problems = media.info.tracks.filter((track) => track.problem);
    this.place.append(...problems.map(({warning}) => element('div', {class: 'row'}, element('p', {}, warning))));
  }

  get across() {
    return at('track');
  }

  tellZoom() {
    const {length} = this.view;
    at('zoom').textContent = length >= 120 ? `${Math.round(length / 6) / 10} min` : `${Math.round(length * 10) / 10} s`;
  }

  drawAll(painting) {
    this.look = painting.look;
    super.drawAll(painting);
    paintRow(this.axis, at('ticks'), this.width, painting);
    this.drawSegments(this.segments, this.current, this.running, true);
    this.drawMark();
  }

  drawSegments(segments, current, running, always = false) {
    const old = this.segments;
    Object.assign(this, {segments, current, running});
    const {from, to, length} = this.view;
    const share = (seconds) => `${(seconds / length) * 100}%`;
    const shown = segments.filter((s) => s.end > from * SECOND && s.start < to * SECOND);
    at('track').replaceChildren(...shown.map((s) => {
      const [left, right] = [Math.max(s.start / SECOND, from - length), Math.min(s.end / SECOND, to + length)];
      const edge = (side, place) => element('div', {class: `edge ${place}`, onpointerdown: (event) => this.drag(event, s, side)});
      const box = element('div', {
        class: `segment${s === current ? ' now' : ''}${s === running ? ' running' : ''}`,
        title: `${s.label}: ${clock(s.start / SECOND, 2)} to ${clock(s.end / SECOND, 2)} (${((s.end - s.start) / SECOND).toFixed(2)} s)`,
        'data-label': s.label, 'data-start': s.start, 'data-end': s.end,
      }, s.label, edge('start', 'left'), edge('end', 'right'));
      const place = this.actions.place(s.label);
      Object.assign(box.style, {
        left: share(left - from), width: share(right - left), background: labelColour(place), color: textColourOn(place),
      });
      return box;
    }));
    if (always || old !== segments) this.drawOverview();
  }

  drawOverview() {
    const {media, look, view, cursor, segments} = this;
    if (!look) return;
    this.overviewAt = cursor;
    const draw = (painting) => {
      const {context, width, height} = painting;
      const across = acrossOf(painting);
      for (const {start, end, label} of segments) {
        context.fillStyle = labelColour(this.actions.place(label));
        context.fillRect(across(start / SECOND), 3, Math.max(across((end - start) / SECOND), 1), height - 6);
      }
      const seen = across(media.glances.length * media.info.block / SECOND);
      context.fillStyle = look.line;
      if (seen < width) context.fillRect(seen, height - 2, width - seen, 2);
      context.strokeStyle = look.ink;
      context.lineWidth = 1.5;
      context.strokeRect(across(view.from) + 1, 1, Math.max(across(view.length) - 2, 2), height - 2);
      context.fillStyle = getComputedStyle(this.line).backgroundColor;
      context.fillRect(across(cursor) - 1, 0, 2, height);
    };
    const canvas = at('overview');
    paintRow({height: OVERVIEW_HEIGHT, draw}, canvas, canvas.clientWidth, {view: new View(view.seconds), look});
  }

  moveTo(position, mark, playing) {
    this.mark = mark;
    this.moveCursor(position / SECOND, {reveal: true, playing});
    this.drawMark();
    if (Math.abs(this.cursor - this.overviewAt) > this.view.seconds / 1000) this.drawOverview();
  }

  drawMark() {
    if (this.mark === null) at('mark').hidden = true;
    else this.moveLine(at('mark'), this.mark / SECOND);
  }

  // Follow the pointer from here on until it is let go.
  pursue(event, move, end = () => {}) {
    event.preventDefault();
    event.stopPropagation();
    if (event.button !== 0) return;
    const stop = (last) => {
      removeEventListener('pointermove', move);
      removeEventListener('pointerup', stop);
      end(last);
    };
    addEventListener('pointermove', move);
    addEventListener('pointerup', stop);
    move(event);
  }

  drag(event, segment, side) {
    // The edge keeps its distance to the pointer.
    const timeAt = (e) => Math.round(clamp(this.timeAt(e.clientX), 0, this.view.seconds) * SECOND);
    const off = segment[side] - timeAt(event);
    const move = (e, done = false) => this.actions.dragEdge(segment, side, timeAt(e) + off, done, e.altKey);
    this.pursue(event, (e) => move(e), (e) => move(e, true));
  }
}
