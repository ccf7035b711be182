// The rubric editor: rows move by keys, buttons and dragging, sums follow every key, every step can be undone, and
// what is not saved lies in this browser until it is.
import Sortable from '../../vendor/sortable.esm.js';
import { t } from '../shared/strings.js';
import { dropped, endOf, moved, numbers, settled, sums } from './outline.js';
import { newRow } from './rows.js';

const form = document.getElementById('edit');
const list = form.querySelector('[data-outline]');
const blank = form.querySelector('[data-blank]');
const unsaved = form.querySelector('[data-unsaved]');
const undoButton = form.querySelector('[data-undo]');
const live = form.querySelector('[data-live]');
const restored = document.querySelector('[data-restored]');
const FIELDS = ['code', 'title', 'kind', 'max', 'min', 'step', 'factor', 'note', 'd0', 'd1', 'd2', 'd3'];
const KEY = `leitai:rubric:${form.dataset.rubric}`;

const keyOf = (row) => row.querySelector('input[name="rows"]').value;
const control = (row, name) => row.querySelector(`[name="rows-${keyOf(row)}-${name}"]`);
const elements = () => [...list.children];

function rowData(row) {
  const data = { key: keyOf(row), depth: Number(row.dataset.depth) };
  for (const name of FIELDS) data[name] = control(row, name).value;
  return data;
}
const state = () => elements().map(rowData);
const content = (rows) => JSON.stringify(rows.map(({ key, ...rest }) => rest));

function fill(row, data) {
  for (const name of FIELDS) control(row, name).value = data[name] ?? '';
}

// Puts the rows into the page: those that stand there are moved, so that focus and open details stay.
function show(rows) {
  const known = new Map(elements().map((row) => [keyOf(row), row]));
  const wanted = rows.map((data) => {
    const row = known.get(data.key) || newRow(blank);
    known.delete(data.key);
    if (keyOf(row) !== data.key) rows[rows.indexOf(data)] = { ...data, key: keyOf(row) };
    fill(row, data);
    row.dataset.depth = data.depth;
    return row;
  });
  for (const gone of known.values()) gone.remove();
  wanted.forEach((row, at) => { if (list.children[at] !== row) list.insertBefore(row, list.children[at] || null); });
  refresh();
}

// Numbers, depths, sums and which buttons do something.
function refresh() {
  const rows = settled(state());
  const { each, total } = sums(rows);
  const count = numbers(rows);
  elements().forEach((row, at) => {
    const { depth, kind } = rows[at];
    row.dataset.depth = depth;
    row.dataset.kind = kind;
    row.className = `crit depth-${depth}${kind === 'heading' ? ' is-heading' : ''}`;
    control(row, 'depth').value = depth;
    row.querySelector('[data-number]').textContent = count[at];
    row.setAttribute('aria-label', t('评分项 {n}', { n: count[at] }));
    row.querySelector('[data-sum]').textContent = each[at];
    for (const button of row.querySelectorAll('[data-do]')) {
      const idle = ['up', 'down', 'in', 'out'].includes(button.dataset.do) && moved(rows, at, button.dataset.do) === rows;
      if (idle) button.setAttribute('aria-disabled', 'true');
      else button.removeAttribute('aria-disabled');
    }
  });
  form.querySelector('[data-total]').textContent = total;
}

// What is stored on the server, as the page first showed it; a page that came back refused shows what was typed.
const saved = form.dataset.typed ? null : content(state());
const base = form.querySelector('[name="base"]').value;
const undone = [];
let last = content(state());
let lastRows = state();
let leaving = false;

function keep() {
  const now = content(state());
  const dirty = now !== saved;
  unsaved.hidden = !dirty;
  try {
    if (dirty) localStorage.setItem(KEY, JSON.stringify({ base, rows: state() }));
    else localStorage.removeItem(KEY);
  } catch { /* a browser that keeps nothing still saves to the server */ }
  return dirty;
}

// One step that can be undone; keys typed into one field one after another are one step.
let typing = null;
function step(field = null) {
  const now = content(state());
  if (now === last) return;
  if (!field || field !== typing) undone.push(lastRows);
  typing = field;
  if (undone.length > 200) undone.shift();
  [last, lastRows] = [now, state()];
  undoButton.hidden = undone.length === 0;
  keep();
}

function undo() {
  const rows = undone.pop();
  if (!rows) return;
  typing = null;
  show(rows);
  [last, lastRows] = [content(state()), state()];
  undoButton.hidden = undone.length === 0;
  keep();
  live.textContent = t('已撤销一步');
}

function act(verb, at) {
  const rows = state();
  if (verb === 'add' || verb === 'addh') {
    const row = newRow(blank);
    const data = { ...rowData(row), kind: verb === 'addh' ? 'heading' : 'judgement', depth: 0 };
    let place = rows.length;
    if (at !== null) {
      data.depth = rows[at].depth + (rows[at].kind === 'heading' ? 1 : 0);
      place = endOf(rows, at);
    }
    fill(row, data);
    row.dataset.depth = data.depth;
    list.insertBefore(row, list.children[place] || null);
    refresh();
    control(row, 'title').focus();
  } else if (verb === 'remove') {
    const gone = elements().slice(at, endOf(rows, at));
    const next = gone.at(-1).nextElementSibling || gone[0].previousElementSibling;
    for (const row of gone) row.remove();
    refresh();
    (next ? control(next, 'title') : form.querySelector('[data-do="add"]')).focus();
    live.textContent = t('已删去，可以撤销');
  } else {
    const row = elements()[at];
    const focus = document.activeElement;
    const turned = moved(rows, at, verb);
    if (turned === rows) return;
    show(turned);
    if (row.contains(focus)) focus.focus();
    row.scrollIntoView({ block: 'nearest' });
    live.textContent = t('现在是 {n}', { n: row.querySelector('[data-number]').textContent });
  }
  step();
}

form.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do]');
  if (!button) return;
  event.preventDefault();
  if (button.getAttribute('aria-disabled') === 'true') return;
  const row = button.closest('[data-row]');
  act(button.dataset.do, row ? elements().indexOf(row) : null);
});

const ARROWS = { ArrowUp: 'up', ArrowDown: 'down', ArrowLeft: 'out', ArrowRight: 'in' };
form.addEventListener('keydown', (event) => {
  const row = event.target.closest('[data-row]');
  if (event.altKey && row && ARROWS[event.key]) {
    event.preventDefault();
    act(ARROWS[event.key], elements().indexOf(row));
  } else if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === 'z') {
    event.preventDefault();
    undo();
  }
});
form.addEventListener('input', (event) => {
  refresh();
  step(event.target.name);
});
undoButton.addEventListener('click', undo);

// Dragging takes all that stands under a heading along.
let from = -1;
Sortable.create(list, {
  handle: '[data-grip]',
  animation: 120,
  ghostClass: 'carried',
  onStart: (event) => {
    from = event.oldIndex;
    elements().slice(from + 1, endOf(lastRows, from)).forEach((row) => row.classList.add('carried-below'));
  },
  onEnd: (event) => {
    const rows = lastRows;
    const end = endOf(rows, from);
    // Counted among the rows that stay: those of the block that were passed do not count.
    const stay = elements().slice(0, event.newIndex).filter((row) => {
      const at = rows.findIndex((one) => one.key === keyOf(row));
      return at < from || at >= end;
    }).length;
    show(dropped(rows, from, stay));
    step();
  },
});

form.addEventListener('submit', () => { leaving = true; });
window.addEventListener('beforeunload', (event) => {
  if (!leaving && !unsaved.hidden) event.preventDefault();
});
for (const link of document.querySelectorAll('[data-discard], [data-drop]')) {
  link.addEventListener('click', () => {
    leaving = true;
    localStorage.removeItem(KEY);
    if (link.matches('[data-drop]')) location.reload();
  });
}

// What this browser kept of an earlier visit, unless this page itself brings back what was typed.
function restore() {
  if (form.dataset.typed) return;
  let kept = null;
  try { kept = JSON.parse(localStorage.getItem(KEY)); } catch { /* nothing that can be read */ }
  if (!kept || !Array.isArray(kept.rows) || content(kept.rows) === saved) {
    localStorage.removeItem(KEY);
    return;
  }
  show(kept.rows.map((row) => ({ ...row })));
  // What was typed over an older state is told so by the server when it is saved.
  form.querySelector('[name="base"]').value = kept.base;
  restored.hidden = false;
  step();
}

document.documentElement.classList.add('scripted');
refresh();
restore();
keep();
document.documentElement.dataset.ready = 'true';
