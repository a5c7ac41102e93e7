// The page: which recording is open, what the keys do, and what is shown of it.
import {labelColour, textColourOn} from '../colours.js';
import {at} from '../elements.js';
import {getJson, GoneError, post} from './api.js';
import {ask, dialogOpen, help, toast} from './dialogs.js';
import {meaning} from './keys.js';
import {Media} from './media.js';
import {showActivities, showBags, showBanner} from './panels.js';
import {Player} from './player.js';
import {Saver} from './saving.js';
import * as edit from './segments.js';
import {Sound} from './sound.js';
import {SegmentTimeline} from './timeline.js';

const TAB = crypto.randomUUID();
const SECOND = 1e9;
const LEAST_NS = 20e6;
const DESK_AGAIN_MS = 5000;
const OVERVIEW_AGAIN_MS = 400;
const RUNNING_SAVED_MS = 2000;

let queue = {bags: [], activities: []};
let activities = [];
let bag = -1;
let media = null, saver = null, sound = null, offered = null, unread = '';
let history = new edit.History(edit.EMPTY);
let mark = null, lastUsed = '', dragged = null, runningSaved = 0;
let turn = 0;

const player = new Player((position) => {
  if (history.state.open) follow(position);
  timeline.moveTo(position, mark, player.playing);
  showNow();
  remember();
});
const timeline = new SegmentTimeline({
  seek: (time) => player.seek(time),
  dragEdge,
  place: (label) => Math.max(activities.indexOf(label), 0),
});

// ------------------------------------------------------------------ which recording

async function openBag(index, {take = false, from = null} = {}) {
  const mine = ++turn;
  let info;
  try {
    leave(index !== bag);
    info = await post(`/api/bags/${index}/open`, {tab: TAB, take});
  } catch (error) {
    showBanner(error.message, [['try again', () => openBag(index)]]);
    return;
  }
  if (mine !== turn) return;
  bag = index;
  media = new Media(index, info, arrived);
  const track = media.tracks('sounds')[0];
  sound = track ? new Sound(media, track, () => player.now()) : null;
  saver = new Saver(index, TAB, info.labels, {onState: showState, onLabels: takeLabels});
  offered = null;
  unread = '';
  history = new edit.History({segments: info.labels.segments, open: null});
  mark = null;
  addActivities(info.labels.segments.map((s) => s.label));
  at('name').textContent = info.name;
  at('facts').textContent = `${info.subject && info.subject !== info.name ? `subject ${info.subject} · ` : ''}${info.file}`;
  at('facts').title = info.file;
  at('sound').hidden = !sound;
  at('sound').classList.add('on');
  document.title = `${info.name} · xmodal label`;
  const last = info.labels.segments.at(-1)?.end ?? 0;
  const start = from ?? (last < info.duration - SECOND ? last : 0);
  player.show(media, sound, start);
  timeline.open(media);
  player.seek(start);
  changed(false);
  watchOverview(media);
  loadDesk();
  if (info.offers && !info.labels.locked) lookForOffer(media);
}

// Labels in the bag itself: to find them all of it may have to be read.
async function lookForOffer(of) {
  const found = await getJson(`${of.base}/offer`).catch((error) => ({problem: error.message, segments: []}));
  if (of.closed) return;
  if (found.problem) {
    unread = `The labels that it holds cannot be read: ${found.problem}`;
    showState();
  }
  if (!found.segments.length || edit.flat(history.state).length || history.past.length) return;
  offered = found;
  addActivities(found.segments.map((s) => s.label));
  showState();
}

// To open the same recording again is no farewell, which could arrive after it.
function leave(farewell = true) {
  player.media && player.pause();
  if (saver) {
    if (saver.writable && history.state.open) finishRunning();
    saver.close(farewell);
  }
  media?.close();
  saver = media = sound = null;
}

async function loadDesk() {
  try {
    queue = await getJson('/api/queue');
    addActivities(queue.activities, false);
    showBags(queue.bags, bag, (index) => index !== bag && openBag(index));
  } catch (error) {
    if (!(error instanceof GoneError)) showBanner(error.message);
  }
}

function beside(direction) {
  let index = bag + direction;
  while (queue.bags[index]?.error) index += direction;
  if (queue.bags[index]) openBag(index);
  else if (queue.bags.length > 1) toast(direction > 0 ? 'this is the last recording' : 'this is the first recording');
}

async function watchOverview(of) {
  while (!of.closed) {
    try {
      if (await of.look()) break;
    } catch { /* the saver says when the server has gone */ }
    await new Promise((resolve) => setTimeout(resolve, OVERVIEW_AGAIN_MS));
  }
  if (!of.closed) showState();
}

let arrivals = 0;
function arrived() {
  // Many things arrive at once; they are drawn once.
  if (arrivals) return;
  arrivals = requestAnimationFrame(() => {
    arrivals = 0;
    if (!media) return;
    player.draw();
    if (media.blocks.size !== arrived.blocks || media.glances.length !== arrived.glances) timeline.changed();
    arrived.blocks = media.blocks.size;
    arrived.glances = media.glances.length;
    at('reading').textContent = media.glances.length < media.info.blocks && !media.damage
      ? `reading ${Math.round(100 * media.glances.length / media.info.blocks)} %` : '';
  });
}

// A reload goes on where it was.
let remembered = '';
function remember() {
  const place = `#${bag}/${(player.position / SECOND).toFixed(1)}`;
  if (player.playing || place === remembered) return;
  remembered = place;
  window.history.replaceState(null, '', place);
}

// ------------------------------------------------------------------ what may be changed

function mayEdit() {
  if (!saver) return false;
  if (saver.writable && !offered) return true;
  if (saver.writable && offered) toast('first choose above whether to start from the labels in the bag');
  else toast('nothing can be changed here: see above');
  return false;
}

// Take a changed state as one step that can be undone.
function commit(state) {
  if (!state) return false;
  history.commit(state);
  changed();
  return true;
}

function changed(save = true) {
  const shown = edit.flat(history.state);
  if (save) saver.save(shown);
  addActivities(shown.map((s) => s.label));
  draw();
  showState();
}

function follow(position) {
  const before = history.state;
  const after = edit.follow(before, position);
  if (after === before) return;
  history.amend(after);
  if (!after.open) {
    toast(`${before.open.label} ends where the next segment begins`);
    changed();
  } else {
    draw(false);
    if (performance.now() - runningSaved > RUNNING_SAVED_MS) {
      runningSaved = performance.now();
      saver.save(edit.flat(after));
    }
  }
}

function finishRunning() {
  history.amend(edit.close(edit.follow(history.state, player.position)));
  saver.save(edit.flat(history.state));
}

function takeLabels(segments) {
  // Loaded from the disk by the one who marks here, it is a step like others.
  if (saver.editor) history.commit({segments, open: null});
  else history = new edit.History({segments, open: null});
  changed(false);
}

function here() {
  const {state} = history;
  if (state.open) return state.open;
  return edit.segmentAt(state.segments, player.position);
}

function dragEdge(segment, side, time, done, alone) {
  if (!dragged) {
    if (!mayEdit()) { dragged = {refused: true}; }
    else dragged = {base: edit.close(history.state), segment};
  }
  if (!dragged.refused) {
    const result = edit.moveEdge(dragged.base, dragged.segment, side, time, LEAST_NS, media.info.duration, alone);
    history.amend(result ?? dragged.base);
    player.seek(result ? time : player.position);
    if (done) {
      history.amend(dragged.base);
      if (result) commit(result);
    }
    draw();
  }
  if (done) dragged = null;
}

// ------------------------------------------------------------------ activities

function addActivities(names, keep = true) {
  const missing = [...new Set(names)].filter((name) => !activities.includes(name));
  if (!missing.length) return;
  activities = [...activities, ...missing];
  if (keep) keepActivities();
}

function keepActivities() {
  post('/api/activities', {activities}).catch(() => {});
  timeline.changed();
  draw();
}

async function chooseActivity(title, value = '') {
  const name = await ask(title, {value, choices: activities});
  if (name === 'unknown') {
    toast('“unknown” stands for no activity: leave that time unlabelled');
    return null;
  }
  return name;
}

const activityActions = {
  activity,
  raise(index) {
    if (index === 0) return;
    const moved = activities.slice();
    [moved[index - 1], moved[index]] = [moved[index], moved[index - 1]];
    activities = moved;
    keepActivities();
  },
  async renameActivity(index) {
    const from = activities[index];
    const to = await chooseActivity(`Rename ${from}, in this recording, to`, from);
    if (!to || to === from) return;
    const used = edit.flat(history.state).some((s) => s.label === from);
    if (used && !mayEdit()) return;
    activities = activities.includes(to) ? activities.filter((name) => name !== from) : activities.map((name) => (name === from ? to : name));
    if (used) commit(edit.renameAll(history.state, from, to));
    keepActivities();
  },
  removeActivity(index) {
    if (edit.flat(history.state).some((s) => s.label === activities[index])) {
      toast(`${activities[index]} is used in this recording`);
      return;
    }
    activities = activities.filter((_, other) => other !== index);
    keepActivities();
  },
};

function activity(index, whole) {
  const label = activities[index];
  if (!label) { toast('no activity has this key: / adds one'); return; }
  use(label, whole);
}

function use(label, whole = false, time = player.position) {
  if (!mayEdit()) return;
  lastUsed = label;
  const target = whole ? here() : null;
  if (whole && !target) { toast('there is no segment here'); return; }
  commit(whole ? edit.relabel(history.state, target, label) : edit.begin(history.state, label, time));
  if (history.state.open) follow(player.position);
}

// ------------------------------------------------------------------ commands

const editing = {
  finish: () => commit(edit.finish(history.state, player.position)),
  startHere: () => commit(edit.startHere(history.state, player.position)),
  endHere: () => commit(edit.endHere(history.state, player.position)),
  split: () => commit(edit.split(history.state, player.position)),
  merge: () => here() && commit(edit.merge(history.state, here())),
  remove: () => here() && commit(edit.remove(history.state, here())),
  undo: () => stepBack(history.undo(), 'nothing to undo'),
  redo: () => stepBack(history.redo(), 'nothing to redo'),
  markIn() {
    mark = player.position;
    timeline.moveTo(player.position, mark);
  },
  async markOut() {
    const [start, end] = [mark, player.position];
    if (start === null || end <= start) { toast('first mark a start before this with I'); return; }
    const label = lastUsed || await chooseActivity('What was done there?');
    if (!label) return;
    mark = null;
    lastUsed = label;
    commit(edit.put(history.state, {start, end, label}));
    timeline.moveTo(player.position, mark);
  },
  async choose() {
    // It may go on while a name is typed.
    const time = player.position;
    const label = await chooseActivity('Which activity begins here?');
    if (label) use(label, false, time);
  },
  async rename() {
    const target = here();
    if (!target) { toast('there is no segment here'); return; }
    const label = await chooseActivity('What is done in this segment?', target.label);
    if (label && here() === target) commit(edit.relabel(history.state, target, label));
  },
};

function stepBack(done, words) {
  if (!done) { toast(words); return; }
  if (history.state.open) history.amend(edit.follow(history.state, player.position));
  changed();
}

const going = {
  play: () => player.toggle(),
  frameBack: () => player.step(-1),
  frameOn: () => player.step(1),
  secondBack: () => player.seek(player.position - SECOND),
  secondOn: () => player.seek(player.position + SECOND),
  tenBack: () => player.seek(player.position - 10 * SECOND),
  tenOn: () => player.seek(player.position + 10 * SECOND),
  edgeBack: () => player.seek(edit.boundary(edit.flat(history.state), player.position, -1, media.info.duration)),
  edgeOn: () => player.seek(edit.boundary(edit.flat(history.state), player.position, 1, media.info.duration)),
  home: () => player.seek(0),
  end: () => player.seek(media.info.duration),
  slower: () => player.faster(-1),
  faster: () => player.faster(1),
  zoomIn: () => timeline.zoom(2, player.position / SECOND),
  zoomOut: () => timeline.zoom(0.5, player.position / SECOND),
  zoomAll: () => timeline.zoomAll(),
  previousBag: () => beside(-1),
  nextBag: () => beside(1),
  sound() {
    if (!sound) { toast('no sound in this recording'); return; }
    sound.on = !sound.on;
    at('sound').classList.toggle('on', sound.on);
    if (sound.on && player.playing) sound.start(player.speed); else sound.stop();
  },
  help,
};

function run(command) {
  if (command === 'help') help();
  else if (!media) return;
  else if (command in editing) mayEdit() && editing[command]();
  else going[command]();
}

addEventListener('keydown', (event) => {
  if (dialogOpen() || event.target instanceof HTMLInputElement) return;
  const asked = meaning(event);
  // Buttons that have the focus are pressed by Enter; the space bar always plays.
  if (!asked || (event.repeat && !(asked.command in going))) return;
  event.preventDefault();
  if (asked.command) run(asked.command);
  else if (media) activity(asked.activity, asked.whole);
});

// ------------------------------------------------------------------ what is shown

function draw(panels = true) {
  if (!media) return;
  const shown = edit.flat(history.state);
  const open = history.state.open;
  drawn.current = here();
  timeline.drawSegments(shown, drawn.current, open);
  if (panels) showActivities(activities, shown, drawn.current?.label, activityActions);
  showNow();
}

const drawn = {current: null};
function showNow() {
  const current = here();
  const chip = at('now-label');
  if (current !== drawn.current) { draw(); return; }
  chip.textContent = current?.label ?? '';
  const place = activities.indexOf(current?.label);
  Object.assign(chip.style, place < 0 ? {background: ''} : {background: labelColour(place), color: textColourOn(place)});
  chip.classList.toggle('running', history.state.open !== null);
}

function showState() {
  if (!saver) return;
  const {busy, gone, pending, complaint, saved} = saver;
  const waiting = pending !== null || busy;
  const failed = gone || (complaint && !saver.taken);
  at('saved').className = failed ? 'bad' : waiting ? 'busy' : '';
  at('saved').textContent = failed ? 'not saved' : waiting ? 'saving …' : saved ? `saved ${saved}` : saver.editor ? 'no changes yet' : 'view only';
  at('undo').disabled = !history.past.length || !saver.writable;
  at('redo').disabled = !history.future.length || !saver.writable;
  at('track').classList.toggle('locked', !saver.writable);
  showBanner(...banner());
}

function banner() {
  if (saver.gone) return [`${saver.complaint}${saver.pending === null ? '' : '; the last change is not saved'}`];
  if (saver.locked) return [`Nothing can be marked here: ${saver.locked}`];
  if (saver.changed) {
    const words = `Another program has changed the labels on the disk${saver.complaint ? ` (${saver.complaint})` : ''}.`;
    if (!saver.editor) return [words, [['take over here', takeOver]]];
    return [words, [
      ['load those', () => saver.takeTheirs()],
      ['keep these', () => saver.keepOurs(edit.flat(history.state))],
    ]];
  }
  if (!saver.editor) {
    const words = saver.taken ? 'Another tab has taken over; here you can only look.' : 'This recording is open in another tab; here you can only look.';
    return [words, [['take over here', takeOver]]];
  }
  if (offered) {
    const words = `The bag holds ${offered.segments.length} labels (${offered.from}), and training uses them. Go on from them? Otherwise training uses only what you mark, from the first mark on.`;
    return [words, [
      ['start from them', () => takeOffer(true)],
      ['start empty', () => takeOffer(false)],
    ]];
  }
  if (saver.complaint) return [`Not saved: ${saver.complaint}`, [['try again', () => changed()]]];
  if (media.damage) return [`The recording is damaged: ${media.damage}`];
  const warnings = media.info.tracks.filter((t) => t.warning && !t.problem).map((t) => t.warning);
  if (unread) warnings.unshift(unread);
  if (!media.info.tracks.some((t) => !t.problem)) warnings.push('No sensor of this recording can be shown.');
  return [warnings.join(' · ')];
}

function takeOver() {
  openBag(bag, {take: true, from: player.position});
}

function takeOffer(yes) {
  const {segments} = offered;
  offered = null;
  if (yes) commit({segments, open: null});
  draw();
  showState();
}

const clicks = {
  play: 'play', slower: 'slower', faster: 'faster', sound: 'sound', undo: 'undo', redo: 'redo', help: 'help',
  'zoom-in': 'zoomIn', 'zoom-out': 'zoomOut', 'zoom-all': 'zoomAll', add: null,
};
for (const [id, command] of Object.entries(clicks)) {
  at(id).addEventListener('click', async () => {
    at(id).blur();
    if (command) { run(command); return; }
    const name = await chooseActivity('Another activity');
    if (name) { addActivities([name]); draw(); }
  });
}

addEventListener('pagehide', () => leave());
setInterval(loadDesk, DESK_AGAIN_MS);

await loadDesk();
const [, place, seconds] = /^#(\d+)\/([\d.]+)$/.exec(location.hash) ?? [];
const known = place !== undefined && queue.bags[place] && !queue.bags[place].error;
await openBag(known ? Number(place) : queue.first, {from: known ? Number(seconds) * SECOND : null});
document.body.dataset.ready = 'yes';
