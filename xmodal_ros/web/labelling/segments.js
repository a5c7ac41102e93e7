// Segments and what can be done to them, as pure functions of a state:
//   {segments: [{start, end, label}], open: {start, end, label} | null}
// Times are whole nanoseconds since the recording's start. Segments are in order and never
// overlap; an open one ends where the playhead is. A function that changes nothing gives null.

const byStart = (a, b) => a.start - b.start;

export const EMPTY = Object.freeze({segments: [], open: null});

// All that lasts, in order: what is shown and saved.
export function flat(state) {
  const {segments, open} = state;
  return open && open.end > open.start ? [...segments, open].sort(byStart) : segments;
}

export function segmentAt(segments, time) {
  return segments.find((s) => s.start <= time && time < s.end) ?? null;
}

const replaced = (segments, old, ...by) => [...segments.filter((s) => s !== old), ...by].sort(byStart);

// Free a stretch of time: what lies in it is cut.
export function carve(segments, start, end) {
  return segments.flatMap((s) => {
    if (s.end <= start || end <= s.start) return [s];
    const parts = [];
    if (s.start < start) parts.push({...s, end: start});
    if (end < s.end) parts.push({...s, start: end});
    return parts;
  });
}

export function put(state, segment) {
  const {segments} = close(state);
  return {segments: [...carve(segments, segment.start, segment.end), segment].sort(byStart), open: null};
}

// The open segment becomes one like the others.
export function close(state) {
  return {segments: flat(state), open: null};
}

// Let the open segment end at the playhead, at most where the next one starts.
export function follow(state, time) {
  const {segments, open} = state;
  if (!open) return state;
  if (time < open.start) return close(state);
  const next = segments.find((s) => s.start >= open.start);
  if (next && time >= next.start) return close({segments, open: {...open, end: next.start}});
  return time === open.end ? state : {segments, open: {...open, end: time}};
}

// From here on it is `label`: within a segment its rest is relabelled, else one is opened. The key
// of what is running ends it.
export function begin(state, label, time) {
  const running = state.open?.label === label;
  const {segments} = close(follow(state, time));
  if (running) return {segments, open: null};
  const here = segmentAt(segments, time);
  if (!here) return {segments, open: {start: time, end: time, label}};
  if (here.label === label) return null;
  const rest = {...here, start: time, label};
  const head = here.start < time ? [{...here, end: time}] : [];
  return {segments: replaced(segments, here, ...head, rest), open: null};
}

// Nothing is done from here on, until the next segment.
export function finish(state, time) {
  if (state.open) return close(follow(state, time));
  const here = segmentAt(state.segments, time);
  if (!here || here.start === time) return null;
  return {segments: replaced(state.segments, here, {...here, end: time}), open: null};
}

export function remove(state, segment) {
  if (segment === state.open) return {...state, open: null};
  return {...state, segments: state.segments.filter((s) => s !== segment)};
}

export function relabel(state, segment, label) {
  if (segment.label === label) return null;
  if (segment === state.open) return {...state, open: {...segment, label}};
  return {...state, segments: replaced(state.segments, segment, {...segment, label})};
}

export function renameAll(state, from, to) {
  const rename = (s) => (s && s.label === from ? {...s, label: to} : s);
  return {segments: state.segments.map(rename), open: rename(state.open)};
}

export function split(state, time) {
  const {segments} = close(state);
  const here = segmentAt(segments, time);
  if (!here || here.start === time) return null;
  return {segments: replaced(segments, here, {...here, end: time}, {...here, start: time}), open: null};
}

// With the one that follows; the gap between is filled.
export function merge(state, segment) {
  const {segments} = close(state);
  const index = segments.findIndex((s) => s.start === segment.start);
  const next = segments[index + 1];
  if (index < 0 || !next) return null;
  const rest = segments.filter((s) => s !== next && s !== segments[index]);
  return {segments: [...rest, {...segments[index], end: next.end}].sort(byStart), open: null};
}

// The nearest start comes here, of the segment here or of the next one; what is between is cut.
export function startHere(state, time) {
  const {segments} = close(state);
  const here = segmentAt(segments, time);
  const next = segments.find((s) => s.start > time);
  const target = here && !(next && next.start - time < time - here.start) ? here : next;
  if (!target || target.start === time) return null;
  return put({segments: segments.filter((s) => s !== target), open: null}, {...target, start: time});
}

// The nearest end comes here, of the segment here or of the last one; what is between is cut.
export function endHere(state, time) {
  const {segments} = close(state);
  const here = segments.find((s) => s.start < time && time < s.end);
  if (!here && segmentAt(segments, time - 1)) return null;
  const last = segments.findLast((s) => s.end < time);
  const target = here && !(last && time - last.end < here.end - time) ? here : last;
  if (!target) return null;
  return put({segments: segments.filter((s) => s !== target), open: null}, {...target, end: time});
}

// An edge is dragged; it stops at its own other edge and at neighbours, but takes a neighbour's
// edge at the same time along unless it is to come `alone`.
export function moveEdge(state, segment, side, time, least, duration, alone) {
  const {segments} = close(state);
  const index = segments.findIndex((s) => s.start === segment.start && s.end === segment.end);
  if (index < 0) return null;
  const moved = {...segments[index]};
  const neighbour = segments[index + (side === 'start' ? -1 : 1)];
  const other = side === 'start' ? 'end' : 'start';
  const joined = !alone && neighbour && neighbour[other] === moved[side];
  let [low, high] = side === 'start' ? [0, moved.end - least] : [moved.start + least, duration];
  if (neighbour && side === 'start') low = joined ? neighbour.start + least : neighbour.end;
  if (neighbour && side === 'end') high = joined ? neighbour.end - least : neighbour.start;
  const target = Math.min(Math.max(time, low), Math.max(low, high));
  if (target === moved[side]) return null;
  moved[side] = target;
  const result = segments.slice();
  result[index] = moved;
  if (joined) result[index + (side === 'start' ? -1 : 1)] = {...neighbour, [other]: target};
  return {segments: result, open: null};
}

// Where the next segment starts or ends, or the one before.
export function boundary(segments, time, direction, duration) {
  const times = [...new Set([0, ...segments.flatMap((s) => [s.start, s.end]), duration])].sort((a, b) => a - b);
  return direction > 0 ? times.find((t) => t > time) ?? duration : times.findLast((t) => t < time) ?? 0;
}

export class History {
  constructor(state) {
    this.state = state;
    this.past = [];
    this.future = [];
  }

  commit(state) {
    this.past.push(this.state);
    this.future = [];
    this.state = state;
  }

  // The playhead moved: part of the step that opened the segment.
  amend(state) {
    this.state = state;
  }

  undo() {
    if (!this.past.length) return false;
    this.future.push(this.state);
    this.state = this.past.pop();
    return true;
  }

  redo() {
    if (!this.future.length) return false;
    this.past.push(this.state);
    this.state = this.future.pop();
    return true;
  }
}
