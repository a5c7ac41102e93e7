// Elements of the page.

export const at = (id) => document.getElementById(id);

// Names that begin with 'on' are listened to.
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  // Strings become text, never markup: names of bags and labels may hold anything.
  made.append(...children);
  return made;
}
