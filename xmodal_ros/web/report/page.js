// Starts the page: what is chosen above the timeline, and what the other parts do to it.
import {labelColour, swatchOf} from '../colours.js';
import {at, element} from '../elements.js';
import {listenToGestures} from '../gestures.js';
import {Filter, rowsOf} from '../label_rows.js';
import {clock} from '../numbers.js';
import {Readout} from '../readout.js';
import {Timeline} from '../timeline.js';
import {AROUND_S, Clips} from './clips.js';
import {Paper} from './paper.js';
import {CLIPS, EVALUATIONS, LABELS, recordingAt, RECORDINGS} from './recording.js';

const filter = new Filter();
const readout = new Readout(at('readout'), at('picture'), at('values'), at('cursor-time'), LABELS);
const timeline = new Timeline(at('rows'), () => {
  readout.show(timeline);
  tellRange();
});
timeline.painting = {filter, labels: LABELS, marked: null};
const clips = CLIPS.length ? new Clips(at('clips'), at('clip-count')) : null;
const paper = new Paper(at('paper'));
let openClip = -1;

function tellRange() {
  const {view, recording} = timeline;
  at('range').textContent = view.whole
    ? `all ${clock(recording.seconds, 0)}`
    : `${clock(view.from)} – ${clock(view.to)} of ${clock(recording.seconds, 0)}`;
}

// ---- which recording ----

function showRecording(index) {
  at('recording').value = index;
  closeClip();
  const recording = (timeline.recording = recordingAt(index));
  timeline.show(recording.seconds, rowsOf(recording), {
    cursor: firstMoment(recording),
    stops: recording.films[0]?.times || recording.tracks[0]?.ends,
  });
  at('missing').textContent = timeline.recording.missing.join(' ');
  at('before').disabled = index === 0;
  at('after').disabled = index === RECORDINGS.length - 1;
  tellFilter();
  document.body.dataset.drawnAt = performance.now().toFixed(1);
}

// When the first window was decided, or the first labelled segment begins: before, there is little
// to tell.
function firstMoment({tracks, truth}) {
  const decided = tracks.filter((track) => track.count).map((track) => track.ends[0]);
  return decided.length ? Math.min(...decided) : truth.length ? truth[0].from : 0;
}

function preparePicker() {
  RECORDINGS.forEach(({name, subject, seconds}, index) => {
    const who = subject && subject !== name ? `, subject ${subject}` : '';
    at('recording').append(element('option', {value: index}, `${name}${who}, ${clock(seconds, 0)}`));
  });
  at('recording').addEventListener('change', () => showRecording(Number(at('recording').value)));
  at('before').addEventListener('click', () => showRecording(timeline.recording.index - 1));
  at('after').addEventListener('click', () => showRecording(timeline.recording.index + 1));
  at('picker').hidden = RECORDINGS.length < 2;
}

// ---- filters ----

function prepareFilters() {
  at('mistakes').addEventListener('change', () => {
    filter.mistakesOnly = at('mistakes').checked;
    filterChanged();
  });
  LABELS.forEach((name, label) => {
    const swatch = swatchOf(labelColour(label, LABELS.length));
    const chip = element('button', {type: 'button', class: 'chip', 'aria-pressed': 'false'}, swatch, name);
    chip.addEventListener('click', () => {
      const chosen = !filter.chosen.delete(label);
      if (chosen) filter.chosen.add(label);
      chip.setAttribute('aria-pressed', chosen);
      filterChanged();
    });
    at('chips').append(chip);
  });
  at('clear-filters').addEventListener('click', () => {
    filter.chosen.clear();
    filter.mistakesOnly = at('mistakes').checked = false;
    for (const chip of at('chips').children) chip.setAttribute('aria-pressed', 'false');
    filterChanged();
  });
}

function filterChanged() {
  timeline.changed();
  tellFilter();
  if (clips) {
    clips.filter = (clip) => filter.passesClip(clip);
    clips.show();
  }
}

function tellFilter() {
  let [shown, all] = [0, 0];
  for (const track of timeline.recording.tracks) {
    all += track.count;
    for (let i = 0; i < track.count; i++) shown += filter.passes(track, i);
  }
  at('clear-filters').hidden = !filter.active;
  at('filtered').textContent = filter.active ? `${shown} of ${all} decisions` : '';
}

// ---- clips ----

function openClipAt(i) {
  const clip = CLIPS[i];
  if (timeline.recording.index !== clip.recording) showRecording(clip.recording);
  openClip = i;
  timeline.painting.marked = clip;
  timeline.view.set(clip.from - AROUND_S, clip.to + AROUND_S);
  timeline.moveCursor(clip.from);
  timeline.draw();
  clips.mark(i);
  const place = clips.shown.indexOf(i) + 1;
  at('clip-title').textContent =
    `Mistake ${place} of ${clips.shown.length}: ${LABELS[clip.truth]} taken for ${LABELS[clip.decided]} ` +
    `by ${EVALUATIONS[clip.evaluation]}`;
  at('clip-bar').hidden = false;
  at('rows').focus({preventScroll: true});
  at('timeline').scrollIntoView({block: 'start'});
  announce(at('clip-title').textContent);
}

function stepClip(direction) {
  if (!clips || !clips.shown.length) return;
  const place = clips.shown.indexOf(openClip) + direction;
  const count = clips.shown.length;
  openClipAt(clips.shown[(Math.max(place, openClip < 0 ? 0 : place) + count) % count]);
}

function closeClip() {
  openClip = -1;
  timeline.painting.marked = null;
  at('clip-bar').hidden = true;
  if (clips) clips.mark(-1);
}

function prepareClips() {
  if (!clips) return;
  clips.chosen = openClipAt;
  at('clip-before').addEventListener('click', () => stepClip(-1));
  at('clip-after').addEventListener('click', () => stepClip(1));
  at('clip-close').addEventListener('click', () => {
    closeClip();
    timeline.zoomAll();
  });
}

// A cell of a confusion matrix that holds mistakes shows them.
function prepareMatrices() {
  for (const cell of document.querySelectorAll('td[data-truth]')) {
    const [truth, decided, evaluation] = ['truth', 'decided', 'evaluation'].map((name) => Number(cell.dataset[name]));
    const wanted = (clip) => clip.truth === truth && clip.decided === decided && clip.evaluation === evaluation;
    if (!CLIPS.some(wanted)) continue;
    cell.tabIndex = 0;
    cell.setAttribute('role', 'button');
    cell.classList.add('has-clip');
    const go = () => {
      clips.filter = wanted;
      clips.show();
      openClipAt(clips.shown[0]);
    };
    cell.addEventListener('click', go);
    cell.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        go();
      }
    });
  }
}

// ---- the rest ----

function announce(text) {
  at('announcer').textContent = text;
}

function pressed({key, shiftKey}) {
  const {view, cursor} = timeline;
  const direction = key === 'ArrowLeft' ? -1 : key === 'ArrowRight' ? 1 : 0;
  if (direction && shiftKey) view.pan((direction * view.length) / 4);
  else if (direction) timeline.step(direction);
  else if (key === '+' || key === '=') view.zoom(1.6, cursor);
  else if (key === '-') view.zoom(1 / 1.6, cursor);
  else if (key === '0') view.set(0, view.seconds);
  else if (key === 'Home') timeline.moveCursor(0, {reveal: true});
  else if (key === 'End') timeline.moveCursor(view.seconds, {reveal: true});
  else if (key === 'n' || key === 'p') stepClip(key === 'n' ? 1 : -1);
  else if (key === ' ') play();
  else if (key === 'Escape' && openClip >= 0) at('clip-close').click();
  else return false;
  timeline.changed();
  return true;
}

let playing = 0;

function play() {
  const button = at('play');
  if (playing) {
    cancelAnimationFrame(playing);
    playing = 0;
    button.textContent = '▶';
    button.setAttribute('aria-label', 'play');
    return;
  }
  button.textContent = '❚❚';
  button.setAttribute('aria-label', 'pause');
  const clip = CLIPS[openClip];
  if (timeline.cursor >= (clip?.to ?? timeline.view.seconds) - 0.05) timeline.moveCursor(clip?.from ?? 0);
  let before = performance.now();
  const tick = (now) => {
    const next = timeline.cursor + (now - before) / 1000;
    before = now;
    playing = requestAnimationFrame(tick);
    timeline.moveCursor(next, {reveal: true, playing: true});
    if (next >= (CLIPS[openClip]?.to ?? timeline.view.seconds)) play();
  };
  playing = requestAnimationFrame(tick);
}

function prepareButtons() {
  at('zoom-in').addEventListener('click', () => timeline.zoom(2));
  at('zoom-out').addEventListener('click', () => timeline.zoom(0.5));
  at('zoom-all').addEventListener('click', () => timeline.zoomAll());
  at('play').addEventListener('click', play);
  at('rows').addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (pressed(event)) event.preventDefault();
  });
  at('rows').addEventListener('keyup', (event) => {
    if (event.key.startsWith('Arrow')) announce(readout.sentence());
  });
}

function prepareTheme() {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const button = at('theme');
  let chosen = null;
  const isDark = () => (chosen === null ? dark.matches : chosen === 'dark');
  const tell = () => {
    button.textContent = isDark() ? '☀ light' : '☾ dark';
    timeline.changed();
  };
  button.addEventListener('click', () => {
    chosen = isDark() ? 'light' : 'dark';
    document.documentElement.style.colorScheme = chosen;
    tell();
  });
  dark.addEventListener('change', tell);
  tell();
}

function preparePaper() {
  for (const swatch of document.querySelectorAll('[data-label]')) {
    swatch.style.background = labelColour(Number(swatch.dataset.label), LABELS.length);
  }
  const draw = () => {
    paper.draw();
    if (clips) clips.drawAll();
  };
  window.addEventListener('beforeprint', draw);
  window.addEventListener('afterprint', () => paper.clear());
  matchMedia('print').addEventListener('change', ({matches}) => (matches ? draw() : paper.clear()));
  paper.prepare().then(() => (document.body.dataset.ready = 'yes'));
}

document.documentElement.classList.add('scripted');
if (RECORDINGS.length) {
  preparePicker();
  prepareFilters();
  prepareClips();
  prepareMatrices();
  prepareButtons();
  listenToGestures(timeline, at('rows'));
  showRecording(0);
  preparePaper();
}
prepareTheme();
