// What lies under the cursor, in words and figures, beside the nearest picture.
import {labelColour, swatchOf} from './colours.js';
import {element} from './elements.js';
import {clock} from './numbers.js';
import {TraceRow} from './rows.js';

export class Readout {
  constructor(place, canvas, list, time, labels) {
    Object.assign(this, {place, canvas, list, time, labels});
  }

  show({recording, cursor, rows}) {
    this.time.textContent = clock(cursor, 2);
    this.drawPicture(recording, cursor);
    const lines = [];
    for (const row of rows) {
      const values = row.values?.(cursor);
      if (!values) continue;
      const name = row instanceof TraceRow ? `${row.title} ${row.curves.quantity}` : row.title;
      const kind = row.ofMedia ? 'of-media' : 'of-labels';
      lines.push(
        element('dt', {class: kind}, name),
        element('dd', {class: kind}, ...values.map((value) => valueElement(value, this.labels))),
      );
    }
    this.list.replaceChildren(...lines);
  }

  drawPicture(recording, cursor) {
    const film = recording.films[0];
    this.canvas.hidden = !film;
    if (!film) return;
    const i = film.nearest(cursor);
    if (this.canvas.width !== 2 * film.width || this.canvas.height !== 2 * film.height) {
      this.canvas.width = 2 * film.width;
      this.canvas.height = 2 * film.height;
    }
    const context = this.canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    const drawn = film.draw(context, i, 0, 0, this.canvas.width, this.canvas.height, () =>
      this.drawPicture(recording, cursor),
    );
    this.canvas.dataset.picture = drawn ? i : '';
    this.canvas.setAttribute('aria-label', `${film.name} at ${clock(film.times[i], 2)}`);
  }

  // In one sentence, for those who hear it.
  sentence() {
    const parts = [this.time.textContent];
    for (const name of this.list.querySelectorAll('dt')) {
      parts.push(`${name.textContent} ${name.nextElementSibling.textContent.replace(/\s+/g, ' ')}`);
    }
    return parts.slice(0, 6).join('; ');
  }
}

function valueElement(value, labels) {
  if (value.label !== undefined) {
    const swatch = swatchOf(labelColour(value.label, labels.length));
    const text = value.score === undefined ? '' : ` ${value.score.toFixed(2)}`;
    const parts = [swatch, labels[value.label], text, ' '];
    if (value.wrong) parts.push(element('b', {class: 'bad', title: 'wrong', 'aria-label': 'wrong'}, '✗'));
    return element('span', {class: 'value'}, ...parts);
  }
  if (value.axis) {
    const mark = element('b', {class: `axis-${value.axis}`}, value.axis);
    return element('span', {class: 'value'}, mark, ` ${value.text} `);
  }
  if (value.unit) return element('span', {class: 'soft'}, value.unit);
  return element('span', {}, value.text);
}
