// The outline of a rubric as rows {depth, kind, …}: the same moves as competition/contests/outline.py, and exact sums.
import { ZERO, add, mul, plain, read } from '../shared/decimal.js';

export const DEEPEST = 8;
const heading = (row) => row.kind === 'heading';

export function endOf(rows, at) {
  let end = at + 1;
  while (end < rows.length && rows[end].depth > rows[at].depth) end += 1;
  return end;
}

function before(rows, at) {
  for (let place = at - 1; place >= 0; place -= 1) {
    if (rows[place].depth < rows[at].depth) return -1;
    if (rows[place].depth === rows[at].depth) return place;
  }
  return -1;
}

const shifted = (block, by) => block.map((row) => ({ ...row, depth: row.depth + by }));

export function moved(rows, at, verb) {
  const { depth } = rows[at];
  const end = endOf(rows, at);
  const block = rows.slice(at, end);
  if (verb === 'up') {
    const place = before(rows, at);
    return place < 0 ? rows : [...rows.slice(0, place), ...block, ...rows.slice(place, at), ...rows.slice(end)];
  }
  if (verb === 'down') {
    if (end >= rows.length || rows[end].depth !== depth) return rows;
    const after = endOf(rows, end);
    return [...rows.slice(0, at), ...rows.slice(end, after), ...block, ...rows.slice(after)];
  }
  if (verb === 'in') {
    const place = before(rows, at);
    if (place < 0 || !heading(rows[place]) || depth >= DEEPEST) return rows;
    return [...rows.slice(0, at), ...shifted(block, 1), ...rows.slice(end)];
  }
  if (verb === 'out' && depth > 0) {
    let parent = end;
    while (parent < rows.length && rows[parent].depth >= depth) parent += 1;
    return [...rows.slice(0, at), ...rows.slice(end, parent), ...shifted(block, -1), ...rows.slice(parent)];
  }
  return rows;
}

// A block dropped so that it begins at place `to` of the other rows: its depth stays where that makes an outline.
export function dropped(rows, at, to) {
  const end = endOf(rows, at);
  const block = rows.slice(at, end);
  const others = [...rows.slice(0, at), ...rows.slice(end)];
  const above = others[to - 1], below = others[to];
  const most = above ? above.depth + (heading(above) ? 1 : 0) : 0;
  const least = below ? Math.min(below.depth, most) : 0;
  const depth = Math.max(least, Math.min(block[0].depth, most));
  return [...others.slice(0, to), ...shifted(block, depth - block[0].depth), ...others.slice(to)];
}

export function settled(rows) {
  let deepest = 0;
  return rows.map((row) => {
    const depth = Math.max(0, Math.min(row.depth, deepest, DEEPEST));
    deepest = heading(row) ? depth + 1 : depth;
    return { ...row, depth };
  });
}

export function worth(row) {
  const most = read(row.max.trim()), factor = read(row.factor.trim() || '1');
  return most && factor ? mul(most, factor) : ZERO;
}

export function sums(rows) {
  const leaves = (some) => some.filter((row) => !heading(row)).reduce((sum, row) => add(sum, worth(row)), ZERO);
  return {
    each: rows.map((row, at) => plain(heading(row) ? leaves(rows.slice(at, endOf(rows, at))) : worth(row))),
    total: plain(leaves(rows)),
  };
}

export function numbers(rows) {
  const counted = [];
  return rows.map((row) => {
    counted.length = Math.min(counted.length, row.depth + 1);
    while (counted.length <= row.depth) counted.push(0);
    counted[row.depth] += 1;
    return counted.join('.');
  });
}
