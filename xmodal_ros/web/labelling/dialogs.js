// The two dialogs: a name to choose or type, and the help.
import {KEYS} from '/static/keys.js';

const element = (id) => document.getElementById(id);

// Ask for a name: one of `choices`, or a new one. Gives null when it was cancelled.
export function ask(title, {value = '', choices = []} = {}) {
  const dialog = element('ask'), input = element('ask-text'), list = element('ask-choices');
  let chosen = -1, found = [];
  element('ask-title').textContent = title;
  input.value = value;
  return new Promise((resolve) => {
    const show = () => {
      const typed = input.value.trim().toLowerCase();
      found = choices.filter((choice) => choice.toLowerCase().includes(typed) || typed === value.toLowerCase());
      chosen = found.findIndex((choice) => typed && choice.toLowerCase().startsWith(typed) && typed !== value.toLowerCase());
      paint();
    };
    const paint = () => list.replaceChildren(...found.map((choice, index) => {
      const item = Object.assign(document.createElement('li'), {textContent: choice, className: index === chosen ? 'now' : ''});
      item.onclick = () => end(choice);
      return item;
    }));
    const end = (answer) => {
      input.oninput = input.onkeydown = dialog.oncancel = null;
      // The next key is for the page, even before the browser has put the dialog away.
      input.blur();
      dialog.close();
      resolve(answer);
    };
    input.oninput = show;
    input.onkeydown = (event) => {
      event.stopPropagation();
      if (event.key === 'Enter') {
        event.preventDefault();
        end((chosen >= 0 ? found[chosen] : input.value.trim()) || null);
      } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        event.preventDefault();
        chosen = Math.min(Math.max(chosen + (event.key === 'ArrowDown' ? 1 : -1), -1), found.length - 1);
        paint();
        list.children[chosen]?.scrollIntoView({block: 'nearest'});
      }
    };
    dialog.oncancel = () => end(null);
    show();
    dialog.showModal();
    input.select();
  });
}

export function help() {
  const dialog = element('keys');
  if (dialog.open) { dialog.close(); return; }
  element('keys-table').replaceChildren(...KEYS.filter((row) => row[0]).map(([keys, words]) => {
    if (!words) return Object.assign(document.createElement('h3'), {textContent: keys});
    const line = document.createElement('p');
    const left = document.createElement('span');
    left.append(...keys.split('   ').flatMap((key) => [Object.assign(document.createElement('kbd'), {textContent: key}), ' ']));
    line.append(left, Object.assign(document.createElement('span'), {textContent: words}));
    return line;
  }));
  dialog.showModal();
}

export const dialogOpen = () => element('ask').open || element('keys').open;

element('keys').addEventListener('keydown', (event) => {
  event.preventDefault();
  event.stopPropagation();
  element('keys').close();
});
element('keys').addEventListener('click', () => element('keys').close());

let timer = 0;
export function toast(words) {
  element('toast').textContent = words;
  element('toast').classList.add('shown');
  clearTimeout(timer);
  timer = setTimeout(() => element('toast').classList.remove('shown'), 1800);
}
