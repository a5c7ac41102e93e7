// The worst mistakes: confident and wrong, as clips to step through.
import {labelColour, swatchOf} from '../colours.js';
import {element} from '../elements.js';
import {clock} from '../numbers.js';
import {CLIPS, EVALUATIONS, LABELS, recordingAt, RECORDINGS} from './recording.js';

const PICTURES_A_CLIP = 4;
export const AROUND_S = 1.5;

export class Clips {
  constructor(list, count, look) {
    Object.assign(this, {list, count, look});
    this.filter = () => true;
    this.cards = CLIPS.map((clip, i) => this.card(clip, i));
    // A recording's data is not touched before one of its clips comes into sight.
    const observer = new IntersectionObserver((entries) => {
      for (const {isIntersecting, target} of entries) {
        if (!isIntersecting) continue;
        observer.unobserve(target);
        this.drawPictures(this.cards.indexOf(target));
      }
    });
    for (const card of this.cards) observer.observe(card);
    this.show();
  }

  card(clip, i) {
    const {truth, decided, confidence} = clip;
    const swatch = (label) => swatchOf(labelColour(label, LABELS.length));
    return element(
      'li',
      {},
      element(
        'button',
        {type: 'button', class: 'clip', onclick: () => this.chosen(i)},
        element('canvas', {class: 'strip', hidden: '', 'aria-hidden': 'true'}),
        element('span', {class: 'clip-labels'}, swatch(truth), LABELS[truth], ' taken for ', swatch(decided), LABELS[decided]),
        element(
          'span',
          {class: 'soft'},
          `${EVALUATIONS[clip.evaluation]}, confidence ${confidence.toFixed(2)}, `,
          `${RECORDINGS[clip.recording].name} at ${clock(clip.from, 0)}`,
        ),
      ),
    );
  }

  chosen() {}

  show() {
    this.shown = [];
    this.cards.forEach((card, i) => {
      const passes = this.filter(CLIPS[i]);
      if (passes) this.shown.push(i);
    });
    this.list.replaceChildren(...this.shown.map((i) => this.cards[i]));
    this.count.textContent =
      this.shown.length === CLIPS.length ? `${CLIPS.length} clips` : `${this.shown.length} of ${CLIPS.length} clips`;
  }

  mark(current) {
    this.cards.forEach((card, i) => {
      card.firstChild.setAttribute('aria-current', i === current);
      if (i === current) {
        const {offsetLeft, offsetWidth} = card;
        this.list.scrollTo({left: offsetLeft - (this.list.clientWidth - offsetWidth) / 2});
      }
    });
  }

  drawPictures(i) {
    const clip = CLIPS[i];
    const film = recordingAt(clip.recording).films[0];
    if (!film) return;
    const canvas = this.cards[i].querySelector('canvas');
    const {width, height} = film;
    canvas.hidden = false;
    canvas.width = PICTURES_A_CLIP * width;
    canvas.height = height;
    const context = canvas.getContext('2d');
    for (let n = 0; n < PICTURES_A_CLIP; n++) {
      const at = clip.from + ((n + 0.5) / PICTURES_A_CLIP) * (clip.to - clip.from);
      const draw = () => film.draw(context, film.nearest(at), n * width, 0, width - 2, height, draw);
      draw();
    }
  }

  drawAll() {
    this.cards.forEach((_, i) => this.drawPictures(i));
  }
}
