// Which key does what; the help shows this same table.
const LETTERS = 'qwetyuadfghjkzxcvb';
export const keyOf = (index) => (index < 9 ? String(index + 1) : LETTERS[index - 9] ?? '');

export const KEYS = [
  ['Mark'],
  ['1 … 9, Q W E …', 'from here on it is this activity; the same key again ends it', null],
  ['0', 'the activity ends here', '0', 'finish'],
  ['I   O', 'mark the start; mark the end of the activity last used', 'i', 'markIn'],
  [null, null, 'o', 'markOut'],
  ['/', 'choose or add an activity by name', '/', 'choose'],
  ['Correct'],
  ['[   ]', 'the nearest start, the nearest end comes here', '[', 'startHere'],
  [null, null, ']', 'endHere'],
  ['Shift 1 … 9, Q …', 'the segment here is this activity', null],
  ['R', 'rename the segment here', 'r', 'rename'],
  ['S', 'split it here', 's', 'split'],
  ['M', 'merge it with the next one', 'm', 'merge'],
  ['Delete', 'delete it', 'Delete', 'remove'],
  [null, null, 'Backspace', 'remove'],
  ['drag an edge', 'move it (with Alt: not the neighbour’s)', null],
  ['Ctrl Z', 'undo', null],
  ['Ctrl Shift Z', 'redo', null],
  ['Go'],
  ['space', 'play, pause', ' ', 'play'],
  ['←   →', 'one picture back, on', 'ArrowLeft', 'frameBack'],
  [null, null, 'ArrowRight', 'frameOn'],
  ['Shift ←   →', 'one second back, on', 'Shift+ArrowLeft', 'secondBack'],
  [null, null, 'Shift+ArrowRight', 'secondOn'],
  ['Page up, down', 'ten seconds back, on', 'PageUp', 'tenBack'],
  [null, null, 'PageDown', 'tenOn'],
  ['↑   ↓', 'where a segment begins or ends: before, after', 'ArrowUp', 'edgeBack'],
  [null, null, 'ArrowDown', 'edgeOn'],
  ['Home   End', 'start, end of the recording', 'Home', 'home'],
  [null, null, 'End', 'end'],
  ['<   >', 'slower, faster', '<', 'slower'],
  [null, null, '>', 'faster'],
  ['+   −', 'zoom in, out (or the wheel)', '+', 'zoomIn'],
  [null, null, '=', 'zoomIn'],
  [null, null, '-', 'zoomOut'],
  ['L', 'sound on, off', 'l', 'sound'],
  ['P   N', 'previous, next recording', 'p', 'previousBag'],
  [null, null, 'n', 'nextBag'],
  ['?', 'these keys', '?', 'help'],
];

const COMMANDS = Object.fromEntries(KEYS.filter((row) => row[3]).map((row) => [row[2], row[3]]));

// What a key press asks for: {command}, or {activity, whole} by number, or null.
export function meaning(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey) {
    if (event.altKey) return COMMANDS[key] && '[]'.includes(key) ? {command: COMMANDS[key]} : null;
    if (key === 'z') return {command: event.shiftKey ? 'redo' : 'undo'};
    return key === 'y' ? {command: 'redo'} : null;
  }
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1];
  if (digit && (event.shiftKey || event.key === digit)) {
    // With Shift many layouts put a command's sign on a digit.
    if (!(event.shiftKey && COMMANDS[key] && !/[0-9]/.test(key) && key !== ' ')) return {activity: Number(digit) - 1, whole: event.shiftKey};
  }
  if (event.altKey) return null;
  const letter = key.length === 1 ? LETTERS.indexOf(key) : -1;
  if (letter >= 0) return {activity: letter + 9, whole: event.shiftKey};
  const command = COMMANDS[event.shiftKey && key.startsWith('Arrow') ? `Shift+${key}` : key];
  return command ? {command} : null;
}
