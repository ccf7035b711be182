// What lies over the pad: what is missing, the last look before handing in, the choice of a stage. And a refused mark.
import { t } from '../shared/strings.js';
import { h, icon, dot } from './dom.js';
import { stageKey } from './model.js';
import { display } from './rubric.js';
import { entryName, leafTitle, gradeWorth } from './pad-view.js';

// A mark that was not taken: the sentence, and what can be done
export function refusal(model, item, named = false) {
  const sheet = model.sheets.get(item.sheet), leaf = sheet && item.event !== 'submit' ? model.leaf(sheet, item.cell.slice(item.sheet.length + 1)) : null;
  const show = (value) => (value === null || value === undefined ? t('未评') : leaf ? display(leaf, value) : value);
  const mine = item.body.value ?? item.body.seconds, op = item.body.op;
  const said = item.error.message || t('没有存上（{code}）', { code: item.error.code });
  const words = /[。.!?！？]$/.test(said) ? said : `${said}${t('。')}`;
  const place = named ? `${entryName(item.body.entry)} ${leaf ? leafTitle(leaf) : item.event === 'submit' ? t('提交') : item.body.criterion ?? ''}${t('：')}` : '';
  const held = item.stored ? item.stored.value : leaf ? model.stored(sheet, leaf.code) : null;
  return h('div.refusal', { role: 'alert', data: { k: `refused-${op}`, refusal: item.error.code } },
    h('p', {}, icon('alert'), ' ', place, words, item.event === 'mark' ? ` ${t('您评的 {mine} 没有存上，服务器上是 {held}。', { mine: show(mine), held: show(held) })}` : ''),
    h('p.acts', {},
      item.event === 'submit' ? h('button.btn', { data: { action: 'stored', op } }, t('知道了')) : h('button.btn', { data: { action: 'stored', op } }, t('用已存的 {held}', { held: show(held) })),
      h('button.btn', { data: { action: 'retry', op } }, item.event === 'submit' ? t('再提交一次') : item.error.code === 'conflict' ? t('改成我的 {mine}', { mine: show(mine) }) : t('再发一次 {mine}', { mine: show(mine) }))));
}

export function dialog({ model, ui, sheet, queue }) {
  const [title, body, foot] = { missing, confirm, stages }[ui.panel](model, ui, sheet, queue);
  return h('dialog.over', { 'aria-labelledby': 'over-title', data: { panel: ui.panel, k: 'over' } },
    h('header', {}, h('h2', { id: 'over-title' }, title), h('button.btn.btn-quiet', { data: { action: 'close' }, 'aria-label': t('关上') }, icon('close'))),
    h('div.body', {}, body), foot ? h('footer', {}, foot) : null);
}

function missing(model, ui) {
  const list = model.list(ui.stage, ui.attempt), refused = model.refusals();
  const open = list.filter((s) => s.state !== 'submitted' && !queueing(model, s));
  const gaps = open.filter((s) => model.missing(s).length), full = open.filter((s) => !model.missing(s).length);
  const count = gaps.reduce((n, s) => n + model.missing(s).length, 0);
  return [count ? t('还缺 {n} 项', { n: count }) : full.length ? t('都评了，还有 {n} 张没有提交', { n: full.length }) : t('都已评完、提交'), [
    refused.map((item) => refusal(model, item, true)),
    gaps.length || full.length ? h('ul.gaps', {}, gaps.map((s) => h('li', { data: { k: s.key } }, h('b', {}, entryName(s.entry)),
      h('div', {}, !model.touched(s) && s.entry !== ui.entry && model.missing(s).length > 1 ? h('button.btn', { data: { action: 'entry', entry: s.entry } }, t('未开始，缺 {n} 项', { n: model.missing(s).length })) : model.missing(s).map((l) => h('button.btn', { data: { action: 'entry', entry: s.entry, criterion: l.code, gap: `${s.entry}/${l.code}` } }, leafTitle(l)))))),
    full.map((s) => h('li', { data: { k: s.key } }, h('b', {}, entryName(s.entry)), h('div', {}, h('button.btn', { data: { action: 'entry', entry: s.entry } }, t('评完了，去提交')))))) : h('p.all-done', {}, icon('check'), ' ', t('本环节您的评分表都已提交。'))],
  h('button.btn', { data: { action: 'close' } }, t('回到评分'))];
}

const queueing = (model, s) => model.queue.submitting(s.key);

function confirm(model, ui, sheet) {
  const list = model.leaves(model.stageOf(sheet));
  const several = model.attempts(stageKey(sheet)).length > 1;
  return [several ? t('提交 {name}，第 {n} 次', { name: entryName(sheet.entry), n: sheet.attempt }) : t('提交 {name}', { name: entryName(sheet.entry) }), [
    h('table.grid-table.check', {}, h('tbody', {}, list.filter((l) => l.kind !== 'time' || model.value(sheet, l.code) !== null).map((l) => h('tr', { data: { k: l.code } }, h('th', { scope: 'row' }, leafTitle(l)),
      h('td.r.num', {}, l.kind === 'grade' ? t('等级 {n}·{worth} 分', { n: model.value(sheet, l.code), worth: gradeWorth(model, sheet, l, model.value(sheet, l.code)) }) : display(l, model.value(sheet, l.code))), h('td.faint', {}, l.kind === 'time' ? '' : `/ ${l.max}`))))),
    h('p.total-line', {}, h('span', {}, t('合计')), h('b.num', {}, model.total(sheet)), h('span.faint', {}, `/ ${model.maximum(sheet)}`)),
    h('p.muted', {}, t('提交后锁定，不能再改；要改须由裁判长退回。'))],
  [h('button.btn', { data: { action: 'close' } }, t('再看看')), h('button.btn.btn-primary', { data: { action: 'confirm-submit' } }, t('提交 {name}', { name: entryName(sheet.entry) }))]];
}

function stages(model, ui) {
  return [t('换环节'), h('ul.stage-list', {}, model.stages.flatMap((s) => model.attempts(stageKey(s)).map((a) => {
    const key = stageKey(s), list = model.list(key, a), done = list.filter((x) => x.state === 'submitted').length, window = s.window ?? 'open';
    const several = model.attempts(key).length > 1, here = key === ui.stage && a === ui.attempt;
    return h('li', { data: { k: `${key}/${a}` } }, h('button.btn', { data: { action: 'stage', stage: key, attempt: a }, 'aria-current': here ? 'true' : null },
      h('span', {}, h('b', {}, s.title, several ? `·${t('第 {n} 次', { n: a })}` : ''), h('small', {}, `${s.track_title ?? s.track}·${model.several ? `${s.judge}·` : ''}`, t('已提交 {done} / {all} 张', { done, all: list.length }))),
      window === 'open' ? h('span.chip.chip-steel', {}, dot('half'), t('评分中')) : h('span.chip', {}, icon('pause'), window === 'paused' ? t('暂停') : t('关闭'))));
  })))];
}
