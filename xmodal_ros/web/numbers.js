// Numbers as pages carry them, little-endian typed arrays in base64; and as people read them.

export function numbersOf(Kind, text) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return new Kind(bytes.buffer);
}

// The first index whose value is at least `value`; `values` grow.
export function firstAtLeast(values, value) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function nearestIndex(values, value) {
  const index = firstAtLeast(values, value);
  if (index === 0) return 0;
  if (index === values.length) return index - 1;
  return value - values[index - 1] <= values[index] - value ? index - 1 : index;
}

export function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}

export function clock(seconds, decimals = 1) {
  const sign = seconds < 0 ? '−' : '';
  const all = Math.round(Math.abs(seconds) * 10 ** decimals) / 10 ** decimals;
  const hours = Math.floor(all / 3600);
  const minutes = Math.floor(all / 60) % 60;
  const rest = (all % 60).toFixed(decimals).padStart(decimals ? decimals + 3 : 2, '0');
  const short = `${minutes}:${rest}`;
  return sign + (hours ? `${hours}:${short.padStart(rest.length + 3, '0')}` : short);
}

// A rounded number with a true minus sign, and no sign before a zero.
export function figure(value, decimals) {
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace('-', '') : text.replace('-', '−');
}
