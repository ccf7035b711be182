// The chief's console: the wall, the windows, the rulings. What a button does is done when the server has answered, not before.
import { t } from '../shared/strings.js';
import { read, seconds } from '../shared/decimal.js';
import { morph, onAction, pageData } from './dom.js';
import { Link } from './link.js';
import { uuid } from './queue.js';
import { Wall, placeKey } from './wall.js';
import { page } from './chief-view.js';
import { RULINGS } from './rulings.js';

const data = pageData();
const root = document.getElementById('app');
const wall = new Wall();
const ui = { data, stage: null, attempt: 1, panel: 'control', form: null, sheet: null, made: [], link: 'connecting', since: Date.now(), heard: 0, denied: null };

const link = new Link({
  contest: data.contest, api: data.api, csrf: document.querySelector('meta[name=csrf-token]')?.content,
  on: {
    state(state) { ui.link = state; ui.since = Date.now(); draw(); },
    open(answer) {
      wall.open(answer);
      ui.denied = null;
      ui.heard = Date.now();
      if (!wall.stage(ui.stage)) goStage(first());
      if (answer.rulings) ui.made = [];
      draw();
    },
    event(name, body) {
      ui.heard = Date.now();
      if (name === 'refused') ui.denied = body;
      else wall.event(name, body);
      if (name === 'sheet') setTimeout(draw, 8100);
      if (['ruling', 'phase', 'window'].includes(name)) refresh();
      draw();
    },
    signedOut: () => draw(),
  },
});

let again = null;
function refresh() {
  clearTimeout(again);
  again = setTimeout(() => { if (link.state === 'socket') link.open(); else if (link.state === 'http') link.poll(); }, 400);
}

const first = () => { const own = wall.stages.filter((s) => s.track === data.track), all = own.length ? own : wall.stages; const open = all.find((s) => s.window === 'open' && wall.gaps(placeKey(s)).length) ?? all.find((s) => s.window === 'open') ?? all[0]; return open ? placeKey(open) : null; };

function goStage(key) {
  ui.stage = key;
  ui.attempt = wall.attempts(key)[0] ?? 1;
  ui.sheet = null;
  ui.panel = 'control';
  ui.form = null;
}

// ---- forms: opened, filled, sent with one op until an answer has come ----
function openForm(kind, given = {}) {
  const stage = wall.stage(ui.stage);
  ui.form = { kind, op: uuid(), id: uuid(), given: { track: stage?.track, stage: stage?.stage, ...given }, error: null, busy: false, answer: null };
  ui.panel = 'form';
}

function message(form, fields) {
  const spec = RULINGS[form.kind], out = { track: form.given.track, ...spec.fixed?.(form.given) };
  for (const name of spec.fields) {
    let value = (fields.get(name) ?? '').trim();
    if (name === 'stage') { const [track, stage] = value.split('/'); Object.assign(out, { track, stage }); continue; }
    if (name === 'track') { out.track = value; continue; }
    if (name === 'on') { out.on = value === 'on'; continue; }
    if (name === 'amount') {
      value = value.replace(/^[−–]/, '-').replace(/^\+/, '');
      if (!read(value)) return { wrong: ['amount', t('写成数字，如 -5 或 0.5')] };
    }
    if (name === 'seconds') {
      value = seconds(value.replaceAll('：', ':')) ?? '';
      if (!value) return { wrong: ['seconds', t('时间写成 分:秒 或 秒数')] };
    }
    if (value) out[name] = value;
    else if (spec.required.includes(name)) return { wrong: [name, name === 'reason' ? t('请写明理由') : t('请选一项')] };
  }
  if (out.entry === '*') delete out.entry;
  if (form.kind === 'status' && out.status === 'ok') delete out.status_from;
  return { out };
}

async function send(el) {
  const form = ui.form;
  if (!form || form.busy) return;
  const { out, wrong } = message(form, new FormData(el));
  form.error = wrong ? { field: wrong[0], message: wrong[1] } : null;
  if (wrong) { draw(); el.elements[wrong[0]]?.focus?.(); return; }
  const said = JSON.stringify(out);
  if (form.said && form.said !== said) form.op = uuid();    // other words are another ruling
  form.said = said;
  form.busy = true;
  draw();
  try {
    const event = RULINGS[form.kind].event ?? form.kind;
    const answer = await link.ask(event, { ...out, op: form.op });
    if (answer?.ok) {
      form.answer = answer;
      ui.made.unshift({ kind: event, ...out, at: answer.at ?? null, seq: answer.seq ?? null });
      if (event === 'window') wall.event('window', out);
      if (event === 'freeze') wall.event('freeze', out);
      ui.form = null;
      ui.panel = ui.sheet ? 'sheet' : 'control';
      ui.toast = { text: RULINGS[form.kind].done(out), id: form.op };
      setTimeout(() => { if (ui.toast?.id === form.op) { ui.toast = null; draw(); } }, 6000);
      refresh();
    } else form.error = answer?.error ?? { code: 'bad_request', message: t('服务器没有说明原因') };
  } catch {
    form.error = { code: 'no_answer', message: t('没有收到服务器的回答，也许没有送到。再点一次：同一件事不会做两遍。') };
  }
  form.busy = false;
  draw();
}

const actions = {
  cell: (el) => { ui.sheet = el.dataset.sheet; ui.panel = 'sheet'; ui.form = null; },
  attempt: (el) => { ui.attempt = Number(el.dataset.attempt); },
  form: (el) => openForm(el.dataset.kind, el.dataset.given ? JSON.parse(el.dataset.given) : {}),
  back: () => { ui.form = null; ui.panel = ui.panel === 'form' && ui.sheet ? 'sheet' : 'control'; if (ui.panel === 'control') ui.sheet = null; },
};

onAction(root, (el) => {
  if (el.getAttribute('aria-disabled') === 'true') return;
  actions[el.dataset.action]?.(el);
  draw();
  if (['form', 'cell'].includes(el.dataset.action)) requestAnimationFrame(() => requestAnimationFrame(() => root.querySelector('aside')?.scrollTo(0, 0)));
});
root.addEventListener('submit', (event) => { event.preventDefault(); send(event.target); });
root.addEventListener('change', (event) => {
  if (event.target.dataset.action === 'choose-stage') { goStage(event.target.value); draw(); }
  else if (ui.form && ['stage', 'track'].includes(event.target.name)) {
    const [track, stage] = event.target.value.split('/');
    Object.assign(ui.form.given, stage ? { track, stage } : { track });
    draw();
  }
});
document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && ui.panel !== 'control') { actions.back(); draw(); } });

let frame = null;
function draw() { frame ??= requestAnimationFrame(() => { frame = null; morph(root, page({ wall, ui })); }); }

draw();
link.start();
setInterval(() => { if (ui.link !== 'socket') draw(); }, 1000);
