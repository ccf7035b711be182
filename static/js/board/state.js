// What a board is and how it changes (leitai.board/1). No page in here: node runs it as well.

const RANKED = 'ranked';
const PENDING = 'pending';
const DIGITS = /^[0-9]+$/;
const BESIDE = ['complete', 'freeze', 'ties', 'tie_break', 'stages'];

// A whole board → what the page keeps; rows by key
export function begin(payload) {
  return { ...payload, rows: new Map(payload.rows.map((row) => [row.key, row])) };
}

// The board after a delta; null where the delta builds on another version and a whole board must be fetched
export function apply(board, delta) {
  if (delta.base !== board.version) return null;
  const rows = new Map(board.rows);
  for (const key of delta.gone || []) rows.delete(key);
  for (const row of delta.rows || []) rows.set(row.key, row);
  const after = { ...board, rows, version: delta.version, state: delta.state, as_of: delta.as_of };
  for (const name of BESIDE) if (name in delta) after[name] = delta[name];
  if (after.state !== 'frozen') delete after.freeze;
  return after;
}

// A delta that says "frozen" without the reason: only the whole board has it
export function lacksReason(board) {
  return board.state === 'frozen' && !board.freeze;
}

function natural(key) {
  return DIGITS.test(key) ? key.length : 0;
}

export function byOrder(a, b) {
  if (a.order !== b.order) return a.order < b.order ? -1 : 1;
  if (natural(a.key) !== natural(b.key)) return natural(a.key) - natural(b.key);
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

export const reached = (row) => Object.keys(row.stages || {}).length;

// Ranks counted from order keys alone. `rows` stand in their order. A ranked row counts the ranked rows before it
// (dense: their different keys) and the pending rows that stand in a later stage than it does.
export function ranks(rows, ties) {
  const waiting = [];
  for (const row of rows) {
    if (row.status === PENDING) waiting[reached(row)] = (waiting[reached(row)] || 0) + 1;
  }
  const found = new Map();
  let last = null, position = 0, count = 0;
  for (const row of rows) {
    if (row.status !== RANKED) continue;
    count += 1;
    if (row.order !== last) {
      last = row.order;
      position = ties === 'dense' ? position + 1 : count;
    }
    let later = 0;
    for (let stage = reached(row) + 1; stage < waiting.length; stage += 1) later += waiting[stage] || 0;
    found.set(row.key, position + later);
  }
  return found;
}

// The board as people read it: [{key, row, rank, place}], rank null where there is none
export function standing(board) {
  const rows = [...board.rows.values()].sort(byOrder);
  const found = ranks(rows, board.ties);
  return rows.map((row, place) => ({ key: row.key, row, place, rank: found.get(row.key) ?? null }));
}

// How many are judged, begun and in all; who is absent, withdrawn or disqualified is not counted
export function tally(list) {
  const counted = list.filter(({ row }) => row.status === RANKED || row.status === PENDING);
  const done = counted.filter(({ row }) => row.status === RANKED).length;
  const begun = counted.filter(({ row }) => row.status === PENDING && row.progress && row.progress.marked > 0).length;
  return { done, begun, all: counted.length };
}

const content = (row) => JSON.stringify([row.status, row.total, row.so_far, row.stages, Boolean(row.reopened)]);

// The stages whose score is new or another: [{code, from, to}], from null where there was none
export function changedStages(before, after) {
  const found = [];
  for (const [code, to] of Object.entries(after.stages || {})) {
    const from = before && before.stages ? before.stages[code] ?? null : null;
    if (to !== null && to !== from) found.push({ code, from, to });
  }
  return found;
}

// What happened between two standings, row by row, in the new order. `own`: the row's own content changed;
// else it was passed or moved up because others fell.
export function moves(before, after) {
  const old = new Map(before.map((each) => [each.key, each]));
  const found = [];
  for (const now of after) {
    const was = old.get(now.key) || null;
    const own = !was || content(was.row) !== content(now.row);
    const from = was ? was.rank : null;
    if (!own && from === now.rank) continue;
    found.push({
      key: now.key, row: now.row, before: was ? was.row : null, own, from, to: now.rank,
      up: from !== null && now.rank !== null ? from - now.rank : 0,
      entered: from === null && now.rank !== null,
      stages: changedStages(was && was.row, now.row),
    });
  }
  return found;
}

// Whether a row went on to a later stage
export const advanced = (move) => Boolean(move.before) && reached(move.row) > reached(move.before);

// Whether a row's own change is worth a sentence, and how much
function weight(move) {
  const { before, row } = move;
  if (!move.own || !before) return 0;
  if (move.entered || move.up !== 0 || (move.from !== null && move.to === null)) return 3;
  if (row.total !== before.total || row.status !== before.status) return 2;
  return move.stages.length || advanced(move) || (row.reopened && !before.reopened) ? 1 : 0;
}

// The changes that have a sentence of their own, the one to tell first at the head
export function told(list) {
  return list.filter(weight).sort((a, b) => weight(b) - weight(a) || (a.to ?? Infinity) - (b.to ?? Infinity));
}

// The row beside `key` with the same total in the same stage, the one above first; null where there is none
export function tiedWith(list, key) {
  const at = list.findIndex((each) => each.key === key);
  if (at < 0 || list[at].rank === null) return null;
  const mine = list[at];
  if (mine.row.total === null) return null;
  for (const other of [list[at - 1], list[at + 1]]) {
    if (other && other.rank !== null && other.row.total === mine.row.total
        && reached(other.row) === reached(mine.row)) return other;
  }
  return null;
}

// The tie-breaks that may have put one before the other: those shown and equal are passed over
export function deciding(tieBreak, a, b) {
  const rest = [...(tieBreak || [])];
  while (rest.length && rest[0].startsWith('stage:')) {
    const code = rest[0].slice(6);
    if (a.stages[code] !== b.stages[code]) return rest.slice(0, 1);
    rest.shift();
  }
  return rest;
}
