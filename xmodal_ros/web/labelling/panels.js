// The lists at the side, and the banner that says what a person must know or decide.
import {labelColour, swatchOf} from '../colours.js';
import {at, element} from '../elements.js';
import {keyOf} from './keys.js';

function button(text, title, act) {
  const onclick = (event) => { event.stopPropagation(); event.currentTarget.blur(); act(); };
  return element('button', {title, 'aria-label': title, onclick}, text);
}

export function showActivities(activities, segments, current, actions) {
  const totals = new Map();
  for (const s of segments) totals.set(s.label, (totals.get(s.label) ?? 0) + s.end - s.start);
  at('activities').replaceChildren(...activities.map((name, index) => {
    const total = totals.has(name) ? `${(totals.get(name) / 1e9).toFixed(0)} s` : '';
    return element(
      'li', {class: name === current ? 'now' : '', onclick: () => actions.activity(index, false)},
      element('kbd', {}, keyOf(index).toUpperCase()),
      swatchOf(labelColour(index)),
      element('span', {class: 'word', title: name}, name),
      element('span', {class: 'total'}, total),
      element(
        'span', {class: 'tools'},
        button('↑', `give ${name} an earlier key`, () => actions.raise(index)),
        button('✎', `rename ${name}`, () => actions.renameActivity(index)),
        button('×', `take ${name} off the list`, () => actions.removeActivity(index)),
      ),
    );
  }));
}

export function showBags(bags, current, open) {
  at('bags-panel').hidden = bags.length < 2;
  at('bags-count').textContent = `${bags.filter((bag) => bag.segments || bag.offered).length} of ${bags.length} labelled`;
  at('bags').replaceChildren(...bags.map((bag, index) => {
    const share = bag.duration_s ? Math.min(bag.labelled_s / bag.duration_s, 1) : 0;
    const held = `${bag.offered} in ${bag.offers.startsWith('/') ? 'the bag' : bag.offers}`;
    const state = bag.error ? 'unreadable' : bag.offered ? held : `${Math.round(100 * share)} %`;
    const words = element('span', {class: 'soft'}, bag.duration_s || bag.error ? state : '…');
    const line = element('div', {class: 'line'}, element('span', {}, bag.name), words);
    const which = `${index === current ? 'now' : ''}${bag.error ? ' bad' : ''}`;
    const row = element('li', {class: which, title: bag.error || bag.path}, line);
    if (!bag.error) {
      row.append(element('progress', {max: 1, value: share}));
      row.onclick = () => open(index);
    }
    return row;
  }));
}

// choices: [[text, act], …]
export function showBanner(words, choices = []) {
  const banner = at('banner');
  const same = banner.dataset.words === words;
  banner.hidden = !words;
  banner.dataset.words = words;
  if (same) return;
  at('banner-text').textContent = words;
  at('banner-buttons').replaceChildren(...choices.map(([text, act]) => button(text, text, act)));
}
