// The keys: digits with the step's own fractions, four grades with their descriptors, or why there are none.
import { t } from '../shared/strings.js';
import { h, icon, dot } from './dom.js';
import { display, range, extraKeys, gradeText } from './rubric.js';
import { shown } from '../shared/decimal.js';
import { entryName, leafTitle, closedTitle, closedText, following, gradeWorth } from './pad-view.js';
import { refusal } from './pad-dialogs.js';
import { cellKey } from './model.js';

export function keys({ model, ui, sheet, list }) {
  const why = model.closed(sheet), leaf = list.find((l) => l.code === ui.criterion) ?? list[0];
  if (why) return closedPane(model, ui, sheet, why);
  const name = leafTitle(leaf);
  return leaf.kind === 'grade'
    ? h('section.keys.of-grades', { 'aria-label': t('等级：{title}', { title: name }), data: { k: 'grades' } }, now(model, ui, sheet, leaf), grades(model, sheet, leaf), nextKey(model, sheet, model.way(sheet), leaf))
    : h('section.keys.of-digits', { 'aria-label': t('数字键盘：{title}', { title: name }), data: { k: 'digits' } }, now(model, ui, sheet, leaf), digits(leaf), nextKey(model, sheet, model.way(sheet), leaf));
}

function now(model, ui, sheet, leaf) {
  const draft = model.draft(sheet, leaf.code);
  let text;
  if (leaf.kind === 'grade') text = model.marked(sheet, leaf.code) === null ? '–' : gradeWorth(model, sheet, leaf, model.marked(sheet, leaf.code));
  else if (draft) text = draft.live ? shown(draft.text) : display(leaf, draft.text);
  else text = display(leaf, model.marked(sheet, leaf.code));
  const says = ui.says ?? (draft && !draft.live ? model.faultOf(sheet, leaf.code) : null);
  return h('div.now', {},
    h('p', {}, h('b', {}, leafTitle(leaf)), says ? h('span.bad', { role: 'alert' }, icon('alert'), ' ', says) : h('span', {}, leaf.kind === 'grade' ? t('满分 {max}', { max: leaf.max }) : range(leaf))),
    h('output', { class: `${draft?.live ? 'live' : ''} ${text && text !== '–' ? '' : 'empty-figure'} ${text.length > 5 ? 'long' : ''}`, 'aria-label': t('正在输入'), data: { figure: text } }, text || '–'));
}

function digits(leaf) {
  const extra = extraKeys(leaf), key = (k, label, props = {}) => h('button.key', { data: { action: 'key', key: k }, ...props }, label ?? k);
  const slot = extra.length === 1 ? key(extra[0], shown(extra[0]), extra[0] === '±' ? { 'aria-label': t('正负号') } : {}) : null;
  const step = leaf.step ?? '1';
  return [
    h('div.digits', { class: extra.length > 1 ? 'more' : '' },
      ['1', '2', '3', '4', '5', '6', '7', '8', '9'].map((k) => key(k)),
      slot, key('0', '0', slot ? {} : { class: 'broad' }), key('back', icon('erase'), { 'aria-label': t('退格') }),
      extra.length > 1 ? h('div.extra', {}, extra.map((k) => key(k, shown(k), k === '±' ? { 'aria-label': t('正负号') } : {}))) : null),
    leaf.kind === 'time' ? null : h('div.steps2', {}, h('button.key', { data: { action: 'key', key: '-' }, 'aria-label': t('减 {step}', { step }) }, `− ${step}`), h('button.key', { data: { action: 'key', key: '+' }, 'aria-label': t('加 {step}', { step }) }, `+ ${step}`)),
  ];
}

function grades(model, sheet, leaf, labelled = null) {
  const value = model.marked(sheet, leaf.code), closed = model.closed(sheet);
  return h('div.grades', { role: 'group', 'aria-labelledby': labelled, 'aria-label': labelled ? null : leafTitle(leaf) }, ['0', '1', '2', '3'].map((g) => h('button.key.grade', {
    data: { action: 'grade', grade: g, criterion: leaf.code, k: g }, 'aria-pressed': value === g ? 'true' : 'false', 'aria-disabled': closed ? 'true' : null,
  }, h('b', {}, g), h('span', {}, gradeText(leaf, g)), value === g ? icon('check') : null)));
}

// A grade with its keys in the sheet itself, where three at most stand on one screen
export function gradeRow({ model, ui, sheet, leaf }) {
  const value = model.marked(sheet, leaf.code), bad = model.queue.refusal(cellKey(sheet.key, leaf.code)), id = `g-${leaf.code}`;
  const pending = model.queue.last(cellKey(sheet.key, leaf.code)) && !['socket', 'http'].includes(ui.link);
  return h('section.grade-row', { class: leaf.code === ui.criterion ? 'here' : '', data: { k: leaf.code, criterionRow: leaf.code, view: leaf.code === ui.criterion ? 'criterion' : null } },
    h('h3', { id }, h('span', {}, leaf.title), ' ', h('small', {}, t('满分 {max}', { max: leaf.max }), leaf.headings.length && !leaf.title.startsWith(leaf.headings.at(-1).title) ? `·${leaf.headings.map((x) => x.title).join(' / ')}` : ''),
      value === null ? h('span.got.none', {}, dot('open'), ' ', t('未评'))
        : h('span.got.num', {}, pending ? h('span.pending', {}, icon('off'), ' ', t('待发送'), '·') : null, t('等级 {n}·{worth} 分', { n: value, worth: gradeWorth(model, sheet, leaf, value) }))),
    leaf.note ? h('p.note', {}, leaf.note) : null,
    grades(model, sheet, leaf, id),
    bad ? refusal(model, bad) : null);
}

function nextKey(model, sheet, list, leaf) {
  const at = list.findIndex((l) => l.code === leaf.code);
  const gap = list[at + 1] ? null : model.missing(sheet).find((l) => l.code !== leaf.code);
  const to = list[at + 1] ?? gap;
  return h('button.btn.btn-primary.wide', { data: { action: 'next', k: 'next' } },
    to ? [h('span', {}, list[at + 1] ? t('下一项：{title}', { title: leafTitle(to) }) : t('还缺：{title}', { title: leafTitle(to) })), icon('next')] : t('看一遍，提交'));
}

function closedPane(model, ui, sheet, why) {
  const after = following(model, ui, sheet);
  return h('section.keys.is-closed', { 'aria-label': closedTitle(why), data: { k: 'closed', closed: why } },
    h('div.why-closed', {}, h('span.mark', {}, icon(why === 'submitted' ? 'check' : why === 'submitting' ? 'off' : 'pause')), h('h2', {}, why === 'submitted' || why === 'submitting' ? `${entryName(sheet.entry)} ${closedTitle(why)}` : closedTitle(why)), h('p', {}, closedText(model, sheet, why))),
    after && (why === 'submitted' || why === 'submitting') ? h('button.btn.btn-primary.wide', { data: { action: 'entry', entry: after.entry } }, t('下一位：{name}', { name: entryName(after.entry) }), icon('next')) : null);
}
