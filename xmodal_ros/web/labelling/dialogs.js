// The two dialogs: a name to choose or type, and the help.
import {at, element} from '../elements.js';
import {clamp} from '../numbers.js';
import {KEYS} from './keys.js';

// Ask for a name: one of `choices`, or a new one. Gives null when it was cancelled.
export function ask(title, {value = '', choices = []} = {}) {
  const dialog = at('ask'), input = at('ask-text'), list = at('ask-choices');
  let chosen = -1, found = [];
  at('ask-title').textContent = title;
  input.value = value;
  return new Promise((resolve) => {
    const show = () => {
      const typed = input.value.trim().toLowerCase();
      found = choices.filter((choice) => choice.toLowerCase().includes(typed) || typed === value.toLowerCase());
      chosen = found.findIndex((choice) => typed && choice.toLowerCase().startsWith(typed) && typed !== value.toLowerCase());
      paint();
    };
    const paint = () => list.replaceChildren(...found.map((choice, index) =>
      element('li', {class: index === chosen ? 'now' : '', onclick: () => end(choice)}, choice)));
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
        chosen = clamp(chosen + (event.key === 'ArrowDown' ? 1 : -1), -1, found.length - 1);
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
  const dialog = at('keys');
  if (dialog.open) { dialog.close(); return; }
  at('keys-table').replaceChildren(...KEYS.filter((row) => row[0]).map(([keys, words]) => {
    if (!words) return element('h3', {}, keys);
    const left = element('span', {}, ...keys.split('   ').flatMap((key) => [element('kbd', {}, key), ' ']));
    return element('p', {}, left, element('span', {}, words));
  }));
  dialog.showModal();
}

export const dialogOpen = () => at('ask').open || at('keys').open;

at('keys').addEventListener('keydown', (event) => {
  event.preventDefault();
  event.stopPropagation();
  at('keys').close();
});
at('keys').addEventListener('click', () => at('keys').close());

let timer = 0;
export function toast(words) {
  at('toast').textContent = words;
  at('toast').classList.add('shown');
  clearTimeout(timer);
  timer = setTimeout(() => at('toast').classList.remove('shown'), 1800);
}
