// The lists at the side, and the banner that says what a person must know or decide.
import {keyOf} from '/static/keys.js';

const element = (id) => document.getElementById(id);
const make = (tag, className = '', text = '') => Object.assign(document.createElement(tag), {className, textContent: text});

function button(text, title, act) {
  const made = make('button', '', text);
  made.title = title;
  made.setAttribute('aria-label', title);
  made.onclick = (event) => { event.stopPropagation(); made.blur(); act(); };
  return made;
}

// Evenly bright, so that white words are read on all, and neighbours in the list differ much.
export const colourOf = (index) => `oklch(${[0.53, 0.4, 0.6][Math.floor(index / 8) % 3]} 0.13 ${(index * 137.508 + 230) % 360})`;

export function showActivities(activities, segments, current, actions) {
  const totals = new Map();
  for (const s of segments) totals.set(s.label, (totals.get(s.label) ?? 0) + s.end - s.start);
  element('activities').replaceChildren(...activities.map((name, index) => {
    const row = make('li', name === current ? 'now' : '');
    const swatch = make('span', 'swatch');
    swatch.style.background = colourOf(index);
    const total = totals.has(name) ? `${(totals.get(name) / 1e9).toFixed(0)} s` : '';
    const word = make('span', 'word', name);
    word.title = name;
    const tools = make('span', 'tools');
    tools.append(
      button('↑', `give ${name} an earlier key`, () => actions.raise(index)),
      button('✎', `rename ${name}`, () => actions.renameActivity(index)),
      button('×', `take ${name} off the list`, () => actions.removeActivity(index)),
    );
    row.append(make('kbd', '', keyOf(index).toUpperCase()), swatch, word, make('span', 'total', total), tools);
    row.onclick = () => actions.activity(index, false);
    return row;
  }));
}

export function showBags(bags, current, open) {
  element('bags-panel').hidden = bags.length < 2;
  element('bags-count').textContent = `${bags.filter((bag) => bag.segments).length} of ${bags.length} labelled`;
  element('bags').replaceChildren(...bags.map((bag, index) => {
    const row = make('li', index === current ? 'now' : '');
    const line = make('div', 'line');
    const share = bag.duration_s ? Math.min(bag.labelled_s / bag.duration_s, 1) : 0;
    const state = bag.error ? 'unreadable' : `${Math.round(100 * share)} %`;
    line.append(make('span', '', bag.name), make('span', 'soft', bag.duration_s || bag.error ? state : '…'));
    row.append(line);
    row.title = bag.error || bag.path;
    if (bag.error) {
      row.classList.add('bad');
    } else {
      row.append(Object.assign(make('progress'), {max: 1, value: share}));
      row.onclick = () => open(index);
    }
    return row;
  }));
}

// choices: [[text, act], …]
export function showBanner(words, choices = []) {
  const banner = element('banner');
  const same = banner.dataset.words === words;
  banner.hidden = !words;
  banner.dataset.words = words;
  if (same) return;
  element('banner-text').textContent = words;
  element('banner-buttons').replaceChildren(...choices.map(([text, act]) => button(text, text, act)));
}
