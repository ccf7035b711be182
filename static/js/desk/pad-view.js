// How the pad looks: the bar, the entries, the sheet. Pure: a model and the page's own state in, a tree out.
import { t } from '../shared/strings.js';
import { h, icon, dot } from './dom.js';
import { stageKey, cellKey } from './model.js';
import { display, sumPlaces } from './rubric.js';
import { read, percent, over, mul, rounded, shown, ONE } from '../shared/decimal.js';
import { keys, gradeRow } from './pad-keys.js';
import { dialog, refusal } from './pad-dialogs.js';

export const entryName = (entry) => (/^\d+$/.test(entry) ? t('{n} 号', { n: entry }) : entry);
export const leafTitle = (leaf) => (leaf.kind === 'time' ? t('用时') : leaf.title);
const numbered = (entry) => (/^\d+$/.test(entry) ? [h('b.num', {}, entry, h('small', {}, ` ${t('号')}`))] : [h('b.num.code', {}, entry)]);

export function page({ model, ui, sheet, queue }) {
  const stage = model.stage(ui.stage);
  const list = stage ? model.leaves(stage) : [];
  const inline = list.length > 0 && list.length <= 3 && list.every((l) => l.kind === 'grade');
  if (ui.link === 'signed_out') return h('div', { id: 'app', class: 'pad-page alone', data: { page: ui.data.role } }, signedOut(model));
  return h('div', { id: 'app', class: `pad-page${inline ? ' inline' : ''}`, data: { page: ui.data.role, link: ui.link } },
    bar(model, ui, stage, queue),
    notices(ui),
    !model.ready ? waitingPage(ui) : !stage ? emptyPage(ui) : [
      entries(model, ui, stage),
      sheet ? sheetView(model, ui, sheet, stage, list, inline) : h('main.sheet', { data: { k: 'none' } }),
      inline ? null : sheet ? keys({ model, ui, sheet, list }) : h('section.keys'),
    ],
    ui.panel ? dialog({ model, ui, sheet, queue }) : null);
}

// ---- the bar ----
function bar(model, ui, stage, queue) {
  const several = model.stages.length > 1;
  const gaps = stage ? model.list(ui.stage, ui.attempt).filter((s) => s.state !== 'submitted').reduce((n, s) => n + model.missing(s).length, 0) : 0;
  const many = new Set(model.stages.map((s) => s.track)).size > 1;
  return h('header.bar', {},
    h('span.seal', { 'aria-hidden': 'true' }, '擂'),
    h('h1', {}, stage ? `${many ? `${stage.track_title ?? stage.track}·` : ''}${stage.title}${model.several ? `·${stage.judge}` : ''}` : ui.data.title,
      h('small', {}, stage ? `${ui.data.title}·${ui.data.seatLabel}` : ui.data.seatLabel)),
    h('p.faint.push.net', { data: { net: true } }, netHint(ui)),
    badRefusals(model),
    savedChip(model, ui),
    several ? h('button.btn', { data: { action: 'stages' }, 'aria-haspopup': 'dialog' }, t('换环节')) : null,
    stage ? h('button.btn', { data: { action: 'missing' }, 'aria-haspopup': 'dialog' }, t('查缺'), ' ', h('small', {}, gaps ? t('还缺 {n} 项', { n: gaps }) : t('不缺'))) : null,
    h('a.btn.btn-quiet.lang', { href: ui.data.langHref ?? (ui.data.lang === 'en' ? '?lang=zh' : '?lang=en'), lang: ui.data.lang === 'en' ? 'zh-CN' : 'en' }, ui.data.lang === 'en' ? '中文' : 'EN'));
}

function netHint(ui) {
  if (!ui.kept) return t('这台平板存不下数据：发送完之前不要关闭页面');
  const long = Date.now() - ui.since > 2500;
  if (ui.link === 'offline' || (ui.link === 'connecting' && long)) return t('网络中断，评分照常；联网后自动发送');
  if (ui.link === 'http') return t('备用通道：数据照常送达');
  return '';
}

// The words are fixed: saved only after the server's answer, else how many wait
function savedChip(model, ui) {
  const waiting = model.ready || model.queue.items.length ? model.waiting() : 0, refused = model.refusals().length;
  const off = ui.link === 'offline' || ui.link === 'connecting';
  if (waiting) return h('p.saved', { role: 'status', data: { state: 'waiting', saved: 'no', waiting } }, off ? icon('off') : dot('half'), t('{n} 条待发送', { n: waiting }));
  if (refused) return h('p.vh', { role: 'status', data: { saved: 'no', waiting: 0 } }, t('{n} 条没有存上', { n: refused }));
  if (!model.ready) return h('p.saved', { role: 'status', data: { state: 'none', saved: 'unknown', waiting: 0 } }, t('连接中…'));
  return h('p.saved', { role: 'status', data: { saved: 'yes', waiting: 0 } }, t('已保存 ✓'));
}

function badRefusals(model) {
  const n = model.refusals().length;
  return n ? h('button.btn.btn-refused', { data: { action: 'missing', refused: n } }, icon('alert'), t('{n} 条没有存上', { n })) : null;
}

function notices(ui) {
  if (!ui.notices.length) return null;
  return h('div.notices', { role: 'alert' }, ui.notices.slice(-2).map((n) => h('div.notice.notice-steel', { data: { k: n.id } }, icon('info'),
    h('div', {}, h('strong', {}, t('裁判长通知')), n.message),
    h('button.btn', { data: { action: 'dismiss', id: n.id } }, t('知道了')))));
}

// ---- pages without a sheet ----
function waitingPage(ui) {
  return h('main.lone', {}, ui.denied
    ? h('div.notice.notice-red', { role: 'alert' }, icon('alert'), h('div', {}, h('strong', {}, t('服务器没有接受这个席位')), ui.denied.message || ui.denied.code || ''))
    : h('div.loading', { 'aria-busy': 'true' }, h('p', {}, t('正在取评分表…')), [1, 2, 3].map((n) => h('div.skeleton', { data: { k: n } }, '　'))));
}

const emptyPage = (ui) => h('main.lone', {}, h('div.empty', {}, h('strong', {}, ui.data.role === 'recorder' ? t('现在没有要录入的项目') : t('现在没有要您评的作品')), h('p', {}, t('轮到本席时，评分表会自己出现在这里。'))));

function signedOut(model) {
  const n = model.waiting();
  return h('main.lone', { role: 'alert', data: { signedOut: true } }, h('span.seal', { 'aria-hidden': 'true' }, '擂'),
    h('h1', {}, t('登录已失效，请再扫一次桌上的二维码')),
    h('p', {}, n ? t('这台平板上还有 {n} 条没有发送，都存着；扫码后自动接着发送。', { n }) : t('已评的分数都已保存，扫码后接着评。')));
}

// ---- the entries ----
function entries(model, ui, stage) {
  const list = model.list(stageKey(stage), ui.attempt);
  return h('nav.entries', { 'aria-label': t('作品') }, h('ol', {}, list.map((s) => entryRow(model, ui, s))),
    h('footer', {}, t('每次触键都先存在本平板，再发送。')));
}

function entryRow(model, ui, s) {
  const here = s.entry === ui.entry, waiting = model.waiting(s), refused = model.refusals(s).length, missing = model.missing(s);
  let state;
  if (s.state === 'submitted') state = h('span.done', {}, icon('check'), ' ', t('已提交'));
  else if (model.queue.submitting(s.key)) state = h('span.lack', {}, t('提交中'));
  else if (!missing.length) state = h('span.lack', {}, s.state === 'reopened' ? t('待再次提交') : t('已填完，未提交'));
  else if (!model.touched(s)) state = h('span', {}, t('未开始'), h('br'), t('缺 {n} 项', { n: missing.length }));
  else state = h('span.lack', {}, missing.length === 1 ? t('缺 1 项：{title}', { title: leafTitle(missing[0]) }) : t('缺 {n} 项', { n: missing.length }));
  const only = model.needed(s).length === 1 ? display(model.needed(s)[0], model.value(s, model.needed(s)[0].code)) : model.total(s);
  return h('li', { data: { k: s.key } }, h('button', { data: { action: 'entry', entry: s.entry, state: s.state ?? 'open', missing: missing.length, unsent: waiting, view: here ? 'entry' : null }, 'aria-current': here ? 'true' : null },
    numbered(s.entry),
    h('span.of', {}, model.touched(s) ? h('strong.num', {}, only) : null,
      s.state === 'reopened' ? h('span.lack', {}, icon('undo'), ' ', t('退回重评')) : null, state,
      waiting ? h('em', {}, t('{n} 条待发送', { n: waiting })) : null,
      refused ? h('em.bad', {}, t('{n} 条没有存上', { n: refused })) : null)));
}

// ---- the sheet ----
function sheetView(model, ui, sheet, stage, list, inline) {
  const done = model.needed(sheet).length - model.missing(sheet).length;
  const attempts = model.attempts(stageKey(stage));
  const grades = list.every((l) => l.kind === 'grade');
  return h('main.sheet', { data: { k: 'sheet', sheet: sheet.key, sheetState: sheet.state ?? 'open', readonly: model.closed(sheet) ? 'true' : 'false' } },
    h('div.head', { class: attempts.length > 1 ? 'many' : '' }, h('h2', { data: { current: sheet.entry } }, /^\d+$/.test(sheet.entry) ? [h('span.num', {}, sheet.entry), ' ', t('号')] : sheet.entry),
      h('span.muted', {}, (model.timed ? t('已录 {done} / {all} 项', { done, all: model.needed(sheet).length }) : t('已评 {done} / {all} 项', { done, all: model.needed(sheet).length })), grades ? `·${t('由等级折算')}` : ''),
      attempts.length > 1 ? h('div.attempts', { role: 'group', 'aria-label': t('第几次') }, attempts.map((a) => h('button.btn', { data: { action: 'attempt', attempt: a, k: a }, 'aria-pressed': a === ui.attempt ? 'true' : 'false' }, t('第 {n} 次', { n: a })))) : null,
      h('p.sum.num', { data: { total: model.touched(sheet) ? model.total(sheet) : '' } }, h('span.vh', {}, t('合计')), model.touched(sheet) ? model.total(sheet) : '–', ' ', h('small', {}, `/ ${model.maximum(sheet)}`))),
    strip(model, sheet, inline),
    inline
      ? h('div.inline-list', {}, list.map((leaf) => gradeRow({ model, ui, sheet, leaf })))
      : h('div.crit', { role: 'group', 'aria-label': t('评分项') }, rows(model, ui, sheet, list)),
    foot(model, ui, sheet));
}

// Above the criteria: that the chief gave the sheet back; and, where there is no pad beside it, why it is closed
function strip(model, sheet, inline) {
  const why = model.closed(sheet);
  if (why && inline && why !== 'submitted') return h('div.strip.notice.notice-warn', { data: { closed: why } }, icon('pause'), h('div', {}, h('strong', {}, closedTitle(why)), closedText(model, sheet, why)));
  if (sheet.state === 'reopened') return h('div.strip.notice.notice-warn', { data: { reopened: true } }, icon('undo'), h('div', {}, h('strong', {}, t('裁判长退回了这张评分表')), sheet.reason ? `${sheet.reason}${t('。')}` : '', t('改好后请再提交；在此之前，原来提交的分数照旧计算。')));
  return null;
}

export function closedTitle(why) {
  return { submitted: t('已提交'), submitting: t('提交中'), paused: t('评分暂停'), closed: t('评分已关闭'), phase: t('现在不是评分阶段') }[why] ?? t('现在不能评分');
}

export function closedText(model, sheet, why) {
  const reason = model.stageOf(sheet)?.reason;
  if (why === 'submitted') return t('分数已锁定。要改，请裁判长退回这张评分表。');
  if (why === 'submitting') return t('联网后自动送达，送达后显示“已提交”。');
  if (reason) return t('裁判长说明：{reason}', { reason });
  if (why === 'paused') return t('裁判长恢复后可以接着评，已评的都还在。');
  return t('分数可以看，不能改。');
}

function rows(model, ui, sheet, list) {
  const out = [];
  let path = [];
  for (const leaf of list) {
    for (const [n, head] of leaf.headings.entries()) {
      if (path[n]?.code !== head.code) out.push(h('div.heading', { data: { k: `h-${head.code}`, depth: n } }, head.title, head.note ? h('small', {}, head.note) : null));
    }
    path = leaf.headings;
    out.push(critRow(model, ui, sheet, leaf));
  }
  return out;
}

function critRow(model, ui, sheet, leaf) {
  const here = leaf.code === ui.criterion, value = model.value(sheet, leaf.code), wrong = model.faultOf(sheet, leaf.code);
  const bad = model.queue.refusal(cellKey(sheet.key, leaf.code));
  const pending = model.queue.last(cellKey(sheet.key, leaf.code)) && !['socket', 'http'].includes(ui.link);
  const number = read(value);
  const full = leaf.kind === 'grade' ? over(number ?? { n: 0n, d: 1n }, 3) : number ?? { n: 0n, d: 1n };
  return h('div.crit-row', { class: here ? 'here' : '', data: { k: leaf.code, view: here ? 'criterion' : null } },
    h('button.crit-button', { data: { action: 'criterion', criterion: leaf.code, value: value ?? '' }, 'aria-current': here ? 'true' : null },
      h('span.t', {}, leafTitle(leaf), leaf.kind === 'time' ? h('small', {}, t('如有')) : h('small', {}, maxText(leaf)), leaf.factor !== '1' && leaf.kind !== 'time' ? h('small', {}, `× ${leaf.factor}`) : null),
      value === null
        ? h('span.v.none', {}, leaf.kind === 'time' ? '–' : [dot('open'), ' ', t('未评')])
        : h('span.v', {}, leaf.kind === 'grade' ? [h('small', {}, t('等级 {n}', { n: value }), '·'), gradeWorth(model, sheet, leaf, value)] : display(leaf, value)),
      leaf.kind === 'time' ? null : h('span.meter', {}, h('i', { css: { width: percent(full, leaf.kind === 'grade' ? ONE : read(leaf.max)) } })),
      here && leaf.note ? h('span.note', {}, leaf.note) : null,
      wrong ? h('span.wrong', {}, icon('alert'), ' ', t('未成绩：{why}', { why: wrong })) : null,
      pending ? h('span.pending', {}, icon('off'), ' ', t('待发送')) : null),
    bad ? refusal(model, bad) : null);
}

const maxText = (leaf) => (leaf.min === '0' ? t('满分 {max}', { max: leaf.max }) : `${shown(leaf.min)} – ${shown(leaf.max)}`);

export function gradeWorth(model, sheet, leaf, value) {
  const places = sumPlaces(model.needed(sheet), model.stageOf(sheet));
  return rounded(mul(over(mul(read(value), read(leaf.max)), 3), read(leaf.factor) ?? ONE), places);
}

function foot(model, ui, sheet) {
  const why = model.closed(sheet), missing = model.missing(sheet), bad = model.unsettled(sheet).length;
  const after = following(model, ui, sheet);
  if (why === 'submitted' || why === 'submitting') {
    return h('div.foot', {}, h('p.given', { data: { submitted: why === 'submitted' } }, why === 'submitted' ? icon('check') : dot('half'), ' ', `${entryName(sheet.entry)} `, closedTitle(why)),
      after ? h('button.btn', { data: { action: 'entry', entry: after.entry } }, t('下一位：{name}', { name: entryName(after.entry) }), icon('next')) : null);
  }
  const back = undoText(model, ui, sheet);
  return h('div.foot', {},
    h('button.btn', { data: { action: 'undo' }, 'aria-disabled': back && !why ? null : 'true' }, icon('undo'), t('撤销'), ' ', h('small', {}, back ?? t('没有可撤销的'))),
    h('button.btn', { data: { action: 'submit' }, class: !why && !missing.length && !bad ? 'ready' : '', 'aria-disabled': why || missing.length || bad ? 'true' : null },
      t('提交 {name}', { name: entryName(sheet.entry) }), ' ',
      h('small', {}, why ? closedTitle(why) : bad ? t('有 {n} 条没有存上', { n: bad }) : missing.length === 1 ? t('还缺 1 项：{title}', { title: leafTitle(missing[0]) }) : missing.length ? t('还缺 {n} 项', { n: missing.length }) : t('{n} 项都已评', { n: model.needed(sheet).length }))));
}

// Undo says what it returns to
function undoText(model, ui, sheet) {
  const draft = model.draft(sheet, ui.criterion);
  const step = draft ? { criterion: ui.criterion, from: model.marked(sheet, ui.criterion) } : model.undo[sheet.key]?.at(-1);
  const leaf = step && model.leaf(sheet, step.criterion);
  if (!leaf) return null;
  return t('{title}退回 {value}', { title: leafTitle(leaf), value: step.from === null ? t('未评') : display(leaf, step.from) });
}

export function following(model, ui, sheet) {
  const list = model.list(stageKey(sheet), ui.attempt), at = list.indexOf(sheet);
  return [...list.slice(at + 1), ...list.slice(0, at)].find((s) => s.state !== 'submitted' && !model.queue.submitting(s.key)) ?? null;
}
