// Colours of the page, of activities, and of sound.
import {element} from './elements.js';

// Neighbours differ in lightness as well as in hue, for readers who see few hues and for paper.
const LIGHTNESSES = [0.5, 0.75, 0.62, 0.86];

// Of `count` labels the last one stands for none.
export function labelColour(index, count = Infinity) {
  if (index === count - 1) return 'oklch(0.66 0 0)';
  const hue = (25 + index * 137.5) % 360;
  const lightness = LIGHTNESSES[index % LIGHTNESSES.length];
  return `oklch(${lightness} ${lightness > 0.8 ? 0.12 : 0.15} ${hue})`;
}

export function textColourOn(index, count = Infinity) {
  if (index === count - 1) return '#000';
  return LIGHTNESSES[index % LIGHTNESSES.length] < 0.6 ? '#fff' : '#000';
}

export function swatchOf(colour) {
  const made = element('i', {class: 'swatch'});
  made.style.background = colour;
  return made;
}

// Names of the page's colours in its style sheet; from silence to the loudest there are five.
const NAMED = ['ink', 'soft', 'line', 'card', 'paper', 'bad', 'mark', 'x', 'y', 'z'];
const LOUDNESS = ['loud-0', 'loud-1', 'loud-2', 'loud-3', 'loud-4'];

// The colours as they are where `place` stands.
export function lookOf(place) {
  const probe = element('i', {hidden: ''});
  place.append(probe);
  const read = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const look = Object.fromEntries(NAMED.map((name) => [name, read(name)]));
  look.ramp = rampOf(LOUDNESS.map(read));
  probe.remove();
  look.font = '11px system-ui, sans-serif';
  return look;
}

const ramps = new Map();

// Red, green and blue of 256 shades between colours; the same table for the same colours.
function rampOf(colours) {
  const key = colours.join();
  if (ramps.has(key)) return ramps.get(key);
  const stops = colours.map((colour) => colour.match(/[\d.]+/g).map(Number));
  const table = new Uint8Array(3 * 256);
  for (let shade = 0; shade < 256; shade++) {
    const place = (shade / 255) * (stops.length - 1);
    const step = Math.min(Math.floor(place), stops.length - 2);
    for (let c = 0; c < 3; c++) {
      table[3 * shade + c] = stops[step][c] + (place - step) * (stops[step + 1][c] - stops[step][c]);
    }
  }
  ramps.set(key, table);
  return table;
}
