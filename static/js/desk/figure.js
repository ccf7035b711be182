// The figure under the finger: what a key makes of it. Pure; the page keeps it and decides when it becomes a mark.
import { ONE, add, sub, read, compare, plain, decimals, seconds } from '../shared/decimal.js';

const LONGEST = 12;

// {text, live}: live while figures are being added to it; the next figure after a rest starts anew
export function press(leaf, figure, stored, key) {
  const live = figure && figure.live;
  const text = live ? figure.text : '';
  if (key === 'back') {
    const from = figure ? figure.text : (stored ?? '');
    return made(from.slice(0, -1));
  }
  if (key === '±') {
    const from = figure ? figure.text : (stored ?? '');
    return made(from.startsWith('-') ? from.slice(1) : `-${from}`);
  }
  if (key === '+' || key === '-') return stepped(leaf, figure ? figure.text : stored, key);
  if (key === ':') return text && /\d$/.test(text) && text.split(':').length < 3 && !text.includes('.') ? made(`${text}:`) : null;
  if (key === '.') return text.includes('.') ? null : made(/\d$/.test(text) ? `${text}.` : `${text}0.`);
  if (key.startsWith('.')) return made(`${text.split('.')[0] || '0'}${key}`, leaf);
  if (!/^\d$/.test(key)) return null;
  if (text === '0' && leaf.kind !== 'time') return made(key, leaf);
  if (text === '-0') return made(`-${key}`, leaf);
  return made(text + key, leaf);
}

// A figure that could only grow further above the maximum is not taken; the page says why
function made(text, leaf) {
  if (text.length > LONGEST) return null;
  if (leaf && leaf.kind !== 'time') {
    const value = read(text);
    if (value && compare(value, read(leaf.max)) > 0) return { text, live: true, refused: true };
    if (leaf.step && decimals(text) > Math.max(decimals(leaf.step), decimals(leaf.min))) return { text, live: true, refused: true };
  }
  return { text, live: true };
}

function stepped(leaf, from, key) {
  const step = leaf.step ? read(leaf.step) : ONE;
  const min = read(leaf.min), max = read(leaf.max), now = read(complete(leaf, from ?? ''));
  let next = now ? (key === '+' ? add(now, step) : sub(now, step)) : (key === '+' ? min : max);
  if (compare(next, min) < 0) next = min;
  if (compare(next, max) > 0) next = max;
  return { text: plain(next), live: false };
}

// What a figure stands for as a mark: '' clears the cell, an unfinished point is dropped, a clock becomes seconds
export function complete(leaf, text) {
  if (text === '' || text === '-') return null;
  if (leaf.kind === 'time') return seconds(text.replace(/[.:]$/, '')) ?? text;
  const bare = text.replace(/\.$/, '').replace(/^(-?)0+(?=\d)/, '$1');
  const value = read(bare);
  return value ? plain(value) : bare;
}
