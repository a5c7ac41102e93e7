// Starts the page of a running robot: asks the server a few times a second, and draws what is new.
import {labelColour, swatchOf} from '../colours.js';
import {at, element} from '../elements.js';
import {listenToGestures} from '../gestures.js';
import {Filter, rowsOf} from '../label_rows.js';
import {clock} from '../numbers.js';
import {Readout} from '../readout.js';
import {Timeline} from '../timeline.js';
import {Robot} from './robot.js';

const ASK_EVERY_MS = 500;
const FIRST_LENGTH_S = 60;
const EVENTS_SHOWN = 12;

const robot = new Robot();
const readout = new Readout(at('readout'), at('picture'), at('values'), at('cursor-time'), robot.labels.names);
const timeline = new Timeline(at('rows'), told);
timeline.painting = {filter: new Filter(), labels: robot.labels.names, marked: null, timeOf: timeOfDay};
let [following, hovering, length, known] = [true, false, FIRST_LENGTH_S, ''];

// ---- what the server says ----

async function ask() {
  let answer;
  try {
    const response = await fetch(`/api/live?after=${robot.number}`);
    answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
  } catch (error) {
    at('about').className = 'lost';
    at('about').textContent =
      error instanceof TypeError ? 'the server has ended: start `xmodal watch --web` again' : error.message;
    return;
  }
  const changed = robot.add(answer);
  show(changed);
}

async function askAgainAndAgain() {
  for (;;) {
    // A page that nobody sees costs the robot nothing.
    if (!document.hidden) await ask();
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}

// ---- what is shown ----

function show(changed) {
  at('about').className = 'soft';
  at('about').textContent = robot.absence || summary();
  showClashes();
  showCards();
  showTimeline(changed);
  showPicture();
  showBelow();
  document.body.dataset.answers = Number(document.body.dataset.answers ?? 0) + 1;
}

function summary() {
  const count = (number, word) => `${number} ${word}${number === 1 ? '' : 's'}`;
  const shown = robot.sensors.filter(({kind}) => kind).length;
  return `${count(robot.rows.length, 'topic')} of labels, ${count(shown, 'sensor')} shown`;
}

// Said anew only where it has changed, for it is read aloud.
function showClashes() {
  const words = robot.clashes.map((each) => `Warning: ${each}`);
  const shown = [...at('clashes').children].map((each) => each.textContent);
  if (words.join() !== shown.join()) at('clashes').replaceChildren(...words.map((each) => cell('p', each)));
}

function showCards() {
  at('cards').replaceChildren(...robot.rows.map(card));
}

function card(row) {
  const mixed = row.lately.length ? `mixed: ${row.lately.join(', ')}` : '';
  const name = mixed || (row.label === null ? 'nothing yet' : row.label || 'nothing');
  const place = row.label && !row.mixed ? robot.labels.placeOf(row.label) : undefined;
  const swatch = row.fresh && place !== undefined ? [swatchOf(labelColour(place, robot.labels.names.length))] : [];
  const share = row.fresh && !row.mixed && row.kind !== 'truth' ? Math.max(0, Math.min(1, row.confidence ?? 0)) : null;
  const parts = [
    element('span', {class: 'name'}, row.topic),
    element('b', {}, ...swatch, row.fresh || mixed || row.label === null ? name : `silent, was ${name}`),
  ];
  if (share !== null) {
    const fill = element('i');
    fill.style.width = `${100 * share}%`;
    parts.push(element('div', {class: row.label === 'unknown' ? 'bar unsure' : 'bar'}, fill));
    const next = row.scores.slice(1).map(([label, score]) => `${label} ${score.toFixed(2)}`).join(', ');
    parts.push(line(share.toFixed(2), next));
  }
  if (row.source !== null) parts.push(line('source', row.source || 'none'));
  if (row.kind !== 'truth') {
    const rate = row.rate_hz === null ? '' : `${row.rate_hz.toFixed(1)} Hz`;
    parts.push(line(rate, row.age_s === null ? '' : `${row.age_s.toFixed(1)} s ago`));
  }
  if (row.health && row.level !== 'ok') parts.push(element('span', {class: 'health soft'}, row.health));
  const made = element('div', {class: ['card', row.kind, row.level ?? '', row.fresh ? '' : 'old'].join(' ')}, ...parts);
  made.dataset.topic = row.topic;
  return made;
}

const cell = (tag, text) => element(tag, {}, text);
const line = (left, right) => element('div', {class: 'line soft'}, element('span', {}, left), element('span', {}, right));

function showTimeline(changed) {
  const seconds = Math.max(robot.now, 1);
  if (changed || !timeline.rows) {
    const {from, to} = timeline.view ?? {from: seconds - length, to: seconds};
    timeline.show(seconds, rowsOf({truth: robot.truth, tracks: robot.decisions, films: robot.films, traces: robot.traces, sounds: robot.sounds}));
    timeline.recording = robot;
    timeline.view.set(from, to);
  }
  timeline.view.seconds = seconds;
  if (following) {
    timeline.view.set(seconds - length, seconds);
    if (!hovering) timeline.cursor = seconds;
  }
  timeline.changed();
  at('missing').textContent = robot.sensors.filter(({problem}) => problem).map(({topic, problem}) => `${topic}: ${problem}.`).join(' ');
}

function told() {
  const {view} = timeline;
  if (!timeline.recording) return;
  readout.show(timeline);
  at('cursor-time').textContent = timeOfDay(timeline.cursor);
  at('range').textContent = `${clock(view.length, 0)} ${following ? 'until now' : `until ${timeOfDay(view.to)}`}`;
  const now = following && !hovering;
  at('cursor-is').textContent = now ? 'now' : 'at the cursor';
  at('live-picture').hidden = !(now && robot.films.length && at('live-picture').naturalWidth);
  if (!at('live-picture').hidden) at('picture').hidden = true;
}

function timeOfDay(seconds) {
  return new Date(1000 * ((robot.began ?? 0) + seconds)).toTimeString().slice(0, 8);
}

let asked = false;

// One at a time: where pictures come slowly there are fewer.
function showPicture() {
  const camera = robot.sensors.find(({kind}) => kind === 'films');
  if (!camera || asked || !following || hovering) return;
  asked = true;
  const next = new Image();
  next.onload = () => {
    asked = false;
    at('live-picture').src = next.src;
    at('live-picture').alt = `newest picture of ${camera.name}`;
  };
  next.onerror = () => (asked = false);
  next.src = `/api/picture?topic=${encodeURIComponent(camera.topic)}&number=${robot.number}`;
}

function showBelow() {
  const key = JSON.stringify([robot.others, robot.events]);
  if (key === known) return;
  known = key;
  at('others-part').hidden = !robot.others.length;
  at('others').replaceChildren(
    ...robot.others.map(({node, level, health}) => {
      const words = cell('td', health);
      words.className = level === 'ok' ? 'name' : 'name bad';
      return element('tr', {}, element('th', {class: 'name', scope: 'row'}, node), words);
    }),
  );
  at('events-part').hidden = !robot.events.length;
  const newest = robot.events.slice(-EVENTS_SHOWN).reverse();
  at('events').replaceChildren(
    ...newest.map(([when, topic, text]) => element('li', {}, cell('time', timeOfDay(when)), cell('span', `${topic}: ${text}`))),
  );
}

// ---- what a person does ----

function follow(yes) {
  following = yes;
  at('follow').setAttribute('aria-pressed', yes);
  at('follow').textContent = yes ? '● live' : '○ go live';
  if (yes) {
    timeline.view.set(robot.now - length, robot.now);
    timeline.cursor = robot.now;
  }
  timeline.changed();
}

function looked() {
  const {view} = timeline;
  length = view.length;
  follow(view.to >= robot.now - 0.05 * length);
}

function zoom(factor) {
  timeline.view.zoom(factor, following ? robot.now : timeline.cursor);
  length = timeline.view.length;
  timeline.changed();
}

function pressed({key}) {
  const direction = key === 'ArrowLeft' ? -1 : key === 'ArrowRight' ? 1 : 0;
  if (direction) {
    timeline.view.pan((direction * timeline.view.length) / 4);
    looked();
  } else if (key === '+' || key === '=') zoom(1.6);
  else if (key === '-') zoom(1 / 1.6);
  else if (key === ' ') follow(!following);
  else return false;
  return true;
}

function prepareTheme() {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  let chosen = null;
  const isDark = () => (chosen === null ? dark.matches : chosen === 'dark');
  const tell = () => {
    at('theme').textContent = isDark() ? '☀ light' : '☾ dark';
    timeline.changed();
  };
  at('theme').addEventListener('click', () => {
    chosen = isDark() ? 'light' : 'dark';
    document.documentElement.style.colorScheme = chosen;
    tell();
  });
  dark.addEventListener('change', tell);
  tell();
}

at('follow').addEventListener('click', () => follow(!following));
at('zoom-in').addEventListener('click', () => zoom(2));
at('zoom-out').addEventListener('click', () => zoom(0.5));
at('rows').addEventListener('pointerenter', ({pointerType}) => (hovering = pointerType !== 'touch'));
at('rows').addEventListener('pointerleave', () => (hovering = false));
at('rows').addEventListener('pointerup', looked);
at('rows').addEventListener('wheel', () => requestAnimationFrame(looked), {passive: true});
at('rows').addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (pressed(event)) event.preventDefault();
});
listenToGestures(timeline, at('rows'));
prepareTheme();
askAgainAndAgain();
