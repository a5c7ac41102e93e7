// On paper there is nothing to zoom: every recording is drawn whole, in lines of a few minutes.
import {lookOf} from '../colours.js';
import {element} from '../elements.js';
import {Filter, rowsOf} from '../label_rows.js';
import {clamp} from '../numbers.js';
import {paintRow} from '../timeline.js';
import {View} from '../view.js';
import {LABELS, recordingAt, RECORDINGS} from './recording.js';

const LINE_S = 300;
const MOST_LINES = 8;
const PAPER_WIDTH = 1000;

export class Paper {
  constructor(place) {
    this.place = place;
    this.details = [];
  }

  // Pictures must be decoded before the printer asks, for it does not wait.
  async prepare() {
    for (let index = 0; index < RECORDINGS.length; index++) {
      await new Promise((resolve) => (window.requestIdleCallback || setTimeout)(resolve));
      const {films, sounds} = recordingAt(index);
      await Promise.all([...films, ...sounds].map((each) => each.load()));
    }
  }

  draw() {
    for (const details of document.querySelectorAll('details:not([open])')) {
      details.open = true;
      this.details.push(details);
    }
    if (this.place.childElementCount) return;
    for (let index = 0; index < RECORDINGS.length; index++) this.drawRecording(recordingAt(index));
  }

  clear() {
    for (const details of this.details.splice(0)) details.open = false;
    this.place.replaceChildren();
  }

  drawRecording(recording) {
    const {seconds} = recording;
    const lines = clamp(Math.ceil(seconds / LINE_S), 1, MOST_LINES);
    const look = lookOf(this.place);
    const section = element('div', {}, element('h3', {}, recording.name));
    for (let line = 0; line < lines; line++) {
      const view = new View(seconds);
      view.set((line * seconds) / lines, ((line + 1) * seconds) / lines);
      const figure = element('div', {class: 'paper-line'});
      for (const row of rowsOf(recording)) {
        const canvas = element('canvas', {role: 'img', 'aria-label': row.title});
        figure.append(element('div', {class: 'row'}, element('div', {class: 'row-name'}, row.title), canvas));
        paintRow(row, canvas, PAPER_WIDTH, {view, look, filter: new Filter(), labels: LABELS, density: 1.5});
      }
      section.append(figure);
    }
    this.place.append(section);
  }
}
