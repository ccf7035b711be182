// The pad: one seat's page, a judge's or the recorder's. Touches come in here, marks go out through the queue.
import { t } from '../shared/strings.js';
import { morph, onAction, pageData } from './dom.js';
import { Queue, localStore } from './queue.js';
import { Link } from './link.js';
import { Model, cellKey, stageKey, sheetKey } from './model.js';
import { press, complete } from './figure.js';
import { fault, leafPlaces } from './rubric.js';
import { page } from './pad-view.js';

const REST = 1500;          // a figure at rest this long is a mark
const UNDO_KEPT = 60;

export function startPad({ kinds, timed = false }) {
  const data = pageData();
  const root = document.getElementById('app');
  const model = new Model({ kinds, timed, label: data.seatLabel });
  let work = null;
  const ui = { data, stage: null, attempt: 1, entry: null, criterion: null, panel: null, says: null, notices: [], link: 'connecting', since: Date.now(), denied: null, kept: true, started: false };

  const link = new Link({
    contest: data.contest, api: data.api, csrf: document.querySelector('meta[name=csrf-token]')?.content,
    on: {
      state(state) { ui.link = state; ui.since = Date.now(); draw(); if (link.ready) queue.pump(); },
      async open(answer) { await takeSeat(answer); model.open(answer); ui.denied = null; settlePlace(); queue.retry(mayGo); restoreRest(); draw(); queue.pump(); },
      event(kind, body) { heard(kind, body); },
      signedOut() { draw(); },
    },
  });
  const queue = new Queue({
    store: null, send: (items) => link.send(items), batch: () => (link.state === 'http' ? 10 : 1),
    revisionOf: (cell) => model.revisionOf(cell), onKept: (kept) => { ui.kept = kept; },
    onAnswer(item, answer) {
      if (!answer.ok && answer.error?.code === 'signed_out') return link.signOut();
      model.answered(item, answer);
      return null;
    },
    onChange: () => draw(),
  });
  model.queue = queue;

  const mayGo = (item) => { const sheet = model.sheets.get(item.sheet); return Boolean(sheet) && !model.closed(sheet); };
  const sheet = () => model.sheets.get(`${ui.stage}/${ui.entry}/${ui.attempt}`) ?? null;

  // Whose tablet it is comes with the first answer; then what it kept for that seat is taken up
  async function takeSeat(answer) {
    if (work) return;
    const name = `leitai:${data.contest}:${model.seatName(answer)}`;
    queue.store = localStore(`${name}:queue`);
    const kept = await localStore(`${name}:work`).load();
    Object.assign(model, { drafts: kept?.drafts ?? {}, undo: kept?.undo ?? {} });
    await queue.load();
    work = localStore(`${name}:work`);
  }

  // ---- where the judge stands ----
  function settlePlace() {
    if (!model.stage(ui.stage)) {
      const open = model.stages.find((s) => (s.window ?? 'open') === 'open' && unfinished(stageKey(s))) ?? model.stages.find((s) => (s.window ?? 'open') === 'open') ?? model.stages[0];
      goStage(open ? stageKey(open) : null);
    } else if (!sheet()) goStage(ui.stage, ui.attempt);
  }
  const unfinished = (key) => model.attempts(key).some((a) => model.list(key, a).some((s) => s.state !== 'submitted'));

  function goStage(key, attempt = null) {
    ui.stage = key;
    if (!key) { ui.entry = null; return; }
    const all = model.attempts(key);
    ui.attempt = attempt && all.includes(attempt) ? attempt : all.find((a) => model.list(key, a).some((s) => s.state !== 'submitted')) ?? all[0] ?? 1;
    const list = model.list(key, ui.attempt);
    const next = list.find((s) => s.entry === ui.entry) ?? list.find((s) => s.state !== 'submitted') ?? list[0];
    goEntry(next?.entry ?? null);
  }

  function goEntry(entry, criterion = null) {
    settleFigure();
    ui.entry = entry;
    ui.says = null;
    const s = sheet();
    const first = s && (model.missing(s)[0] ?? model.leaves(model.stageOf(s))[0]);
    ui.criterion = criterion ?? first?.code ?? null;
  }

  // ---- figures and marks ----
  let rest = null;

  function keep() {
    work.save({ drafts: model.drafts, undo: model.undo }).catch(() => { ui.kept = false; });
  }

  function touch(key) {
    const s = sheet(), leaf = s && model.leaf(s, ui.criterion);
    if (!leaf || model.closed(s)) return;
    const cell = cellKey(s.key, leaf.code);
    const figure = press(leaf, model.drafts[cell] ?? null, padded(leaf, model.marked(s, leaf.code)), key);
    ui.says = null;
    if (!figure) return;
    if (figure.refused) {
      ui.says = fault(leaf, complete(leaf, figure.text)) ?? t('满分 {max}', { max: leaf.max });
      draw();
      return;
    }
    model.drafts[cell] = figure;
    keep();
    clearTimeout(rest);
    rest = setTimeout(() => { settleFigure(true); draw(); }, REST);
    draw();
  }

  // Backspace works on the figure as it is shown: 13.0, not 13
  function padded(leaf, value) {
    if (value === null || leaf.kind === 'time') return value;
    const places = leafPlaces(leaf), [head, part = ''] = String(value).split('.');
    return places ? `${head}.${part.padEnd(places, '0')}` : String(value);
  }

  // The figure becomes a mark when it is complete; what cannot stand stays on the tablet, with its reason
  function settleFigure(resting = false) {
    clearTimeout(rest);
    const s = sheet();
    if (!s || !ui.criterion) return true;
    const cell = cellKey(s.key, ui.criterion), draft = model.drafts[cell];
    if (!draft) return true;
    const leaf = model.leaf(s, ui.criterion), value = complete(leaf, draft.text), wrong = value === null ? null : fault(leaf, value);
    if (wrong) {
      if (!resting) ui.says = wrong;
      return false;
    }
    delete model.drafts[cell];
    if (value !== model.marked(s, leaf.code) && !model.closed(s)) put(s, leaf, value);
    keep();
    return true;
  }

  function put(s, leaf, value, undoing = false) {
    const cell = cellKey(s.key, leaf.code), from = model.marked(s, leaf.code);
    if (!undoing) (model.undo[s.key] ??= []).push({ criterion: leaf.code, from });
    if (model.undo[s.key]?.length > UNDO_KEPT) model.undo[s.key].shift();
    const where = { contest: data.contest, track: s.track, stage: s.stage, entry: s.entry }, judge = s.judge ?? null;
    if (leaf.kind === 'time') queue.add('time', { ...where, seconds: value }, cell, s.key);
    else queue.mark({ ...where, judge, criterion: leaf.code, attempt: s.attempt, value }, cell, s.key);
  }

  function undo() {
    const s = sheet();
    if (!s || model.closed(s)) return;
    const cell = cellKey(s.key, ui.criterion);
    ui.says = null;
    clearTimeout(rest);
    if (model.drafts[cell]) delete model.drafts[cell];
    else {
      const step = model.undo[s.key]?.pop();
      const leaf = step && model.leaf(s, step.criterion);
      if (!leaf) return draw();
      ui.criterion = step.criterion;
      put(s, leaf, step.from, true);
    }
    keep();
    return draw();
  }

  function grade(criterion, value) {
    const s = sheet();
    if (!s || model.closed(s)) return;
    if (ui.criterion !== criterion) settleFigure();
    ui.criterion = criterion;
    ui.says = null;
    const leaf = model.leaf(s, criterion);
    if (model.marked(s, criterion) !== value) put(s, leaf, value);
    keep();
    draw();
  }

  function next() {
    const s = sheet();
    if (!settleFigure()) return draw();
    const list = model.way(s), at = list.findIndex((l) => l.code === ui.criterion);
    const after = list[at + 1] ?? model.missing(s)[0];
    if (after) ui.criterion = after.code;
    else return ask();
    return draw();
  }

  function ask() {
    const s = sheet();
    if (!s || model.closed(s)) return;
    if (!settleFigure()) return draw();
    ui.panel = model.missing(s).length || model.unsettled(s).length ? 'missing' : 'confirm';
    draw();
  }

  function submit() {
    const s = sheet();
    ui.panel = null;
    if (!s || model.closed(s) || model.missing(s).length || model.unsettled(s).length) return draw();
    delete model.undo[s.key];
    keep();
    return queue.add('submit', { contest: data.contest, track: s.track, stage: s.stage, entry: s.entry, attempt: s.attempt, judge: s.judge ?? null }, `${s.key}/`, s.key);
  }

  // Figures that were under the finger when the page went away become marks now
  function restoreRest() {
    if (ui.started) return;
    ui.started = true;
    const place = [ui.stage, ui.attempt, ui.entry, ui.criterion];
    for (const cell of Object.keys(model.drafts)) {
      const at = cell.lastIndexOf('/'), s = model.sheets.get(cell.slice(0, at));
      if (!s || model.closed(s) || !model.leaf(s, cell.slice(at + 1))) continue;
      [ui.stage, ui.attempt, ui.entry, ui.criterion] = [stageKey(s), s.attempt, s.entry, cell.slice(at + 1)];
      settleFigure(true);
    }
    [ui.stage, ui.attempt, ui.entry, ui.criterion] = place;
  }

  // ---- what the server says ----
  function heard(kind, body) {
    if (kind === 'refused') ui.denied = body;
    else if (kind === 'notice') ui.notices.push({ id: Date.now(), message: body.message });
    else if (model.event(kind, body)) queue.retry(mayGo);
    if (kind === 'sheet' && body.state === 'reopened') delete model.undo[sheetKey(body)];
    // Sheets may have come or gone with a ruling, a phase or a window: look again
    if ((['phase', 'window', 'ruling'].includes(kind) || (kind === 'sheet' && body.state === 'reopened')) && link.state === 'socket') { clearTimeout(heard.timer); heard.timer = setTimeout(() => link.open(), 300 + Math.random() * 700); }
    draw();
  }

  // ---- touches ----
  const actions = {
    entry: (el) => { ui.panel = null; goEntry(el.dataset.entry, el.dataset.criterion ?? null); },
    criterion: (el) => { settleFigure(); ui.says = null; ui.criterion = el.dataset.criterion; },
    key: (el) => touch(el.dataset.key),
    grade: (el) => grade(el.dataset.criterion, el.dataset.grade),
    next, undo, submit: ask, 'confirm-submit': submit,
    missing: () => { settleFigure(); ui.panel = 'missing'; },
    stages: () => { settleFigure(); ui.panel = 'stages'; },
    stage: (el) => { settleFigure(); ui.panel = null; goStage(el.dataset.stage, Number(el.dataset.attempt) || null); },
    attempt: (el) => { settleFigure(); goStage(ui.stage, Number(el.dataset.attempt)); },
    close: () => { ui.panel = null; },
    dismiss: (el) => { ui.notices = ui.notices.filter((n) => String(n.id) !== el.dataset.id); },
    retry: (el) => { const item = queue.refused.find((i) => i.body.op === el.dataset.op); if (item) queue.again(item); },
    stored: (el) => { const item = queue.refused.find((i) => i.body.op === el.dataset.op); if (item) queue.drop(item); },
  };
  onAction(root, (el) => {
    if (el.getAttribute('aria-disabled') === 'true' && el.dataset.action !== 'submit') return;
    actions[el.dataset.action]?.(el);
    paint();     // at once: the next touch finds what this one made
  });
  root.addEventListener('cancel', () => { ui.panel = null; setTimeout(draw); }, true);
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || ui.panel) {
      if ((event.ctrlKey || event.metaKey) && event.key === 'z' && !ui.panel) { event.preventDefault(); undo(); }
      return;
    }
    const s = sheet(), leaf = s && model.leaf(s, ui.criterion);
    if (!leaf || model.closed(s)) return;
    const onButton = event.target.closest?.('button:not(.crit-button), a, select');
    if (/^[0-9.:]$/.test(event.key)) leaf.kind === 'grade' ? /^[0-3]$/.test(event.key) && grade(leaf.code, event.key) : touch(event.key);
    else if (event.key === 'Backspace' && leaf.kind !== 'grade') touch('back');
    else if (event.key === 'Enter' && !onButton) { event.preventDefault(); next(); }
    else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const list = model.leaves(model.stageOf(s)), at = list.findIndex((l) => l.code === ui.criterion) + (event.key === 'ArrowDown' ? 1 : -1);
      if (!list[at]) return;
      event.preventDefault();
      settleFigure();
      ui.criterion = list[at].code;
      draw();
    }
  });

  // ---- drawing ----
  let frame = null, shownAt = '';
  function draw() { frame ??= requestAnimationFrame(paint); }
  function paint() {
    cancelAnimationFrame(frame);
    frame = null;
    if (!ui.panel) root.querySelector('dialog[open]')?.close();     // gives the focus back to where it was
    morph(root, page({ model, ui, sheet: sheet(), queue }));
    const dialog = root.querySelector('dialog');
    if (dialog && ui.panel && !dialog.open) dialog.showModal();
    const place = [ui.stage, ui.attempt, ui.entry, ui.criterion].join('/');
    if (place !== shownAt) {
      shownAt = place;
      for (const el of root.querySelectorAll('[data-view]')) el.scrollIntoView({ block: 'nearest' });
    }
  }

  window.addEventListener('resize', () => { shownAt = ''; draw(); });
  draw();
  link.start();
  setInterval(() => { if (queue.items.length && link.ready) queue.pump(); if (ui.link !== 'socket') draw(); }, 1000);
  return { model, queue, link, ui };
}
