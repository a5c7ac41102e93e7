// Colours of the page, of activities, and of sound.

// Neighbours differ in lightness as well as in hue, for readers who see few hues and for paper.
const LIGHTNESSES = [0.5, 0.75, 0.62, 0.86];

function labelColour(index, count) {
  if (index === count - 1) return 'oklch(0.66 0 0)';
  const hue = (25 + index * 137.5) % 360;
  const lightness = LIGHTNESSES[index % LIGHTNESSES.length];
  return `oklch(${lightness} ${lightness > 0.8 ? 0.12 : 0.15} ${hue})`;
}

function textColourOn(index, count) {
  if (index === count - 1) return '#000';
  return LIGHTNESSES[index % LIGHTNESSES.length] < 0.6 ? '#fff' : '#000';
}

// Names of the page's colours in its style sheet, as they are where `place` stands.
const NAMED = ['ink', 'soft', 'line', 'card', 'paper', 'bad', 'mark', 'x', 'y', 'z'];

function lookOf(place) {
  const probe = element('i', {hidden: ''});
  place.append(probe);
  const look = {};
  for (const name of NAMED) {
    probe.style.color = `var(--${name})`;
    look[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  look.font = '11px system-ui, sans-serif';
  return look;
}

// From silence to the loudest: black, violet, orange, pale yellow.
const HEAT = (() => {
  const stops = [
    [0, 8, 8, 24],
    [70, 66, 20, 110],
    [135, 176, 50, 96],
    [195, 246, 130, 60],
    [255, 252, 246, 200],
  ];
  const table = new Uint8Array(3 * 256);
  for (let shade = 0; shade < 256; shade++) {
    const above = Math.max(1, stops.findIndex((stop) => stop[0] >= shade));
    const [low, high] = [stops[above - 1], stops[above]];
    const share = (shade - low[0]) / (high[0] - low[0]);
    for (let c = 0; c < 3; c++) table[3 * shade + c] = low[c + 1] + share * (high[c + 1] - low[c + 1]);
  }
  return table;
})();
