// The console's side: windows, freeze, rulings; one sheet; one form. Pure.
import { t, listed } from '../shared/strings.js';
import { h, icon, dot } from './dom.js';
import { RECORDER, placeKey } from './wall.js';
import { RULINGS, PANEL, STATUS, WINDOW } from './rulings.js';
import { display } from './rubric.js';
import { gradeValue } from './wall-grade.js';
import { entryName } from './pad-view.js';
import { options, stateWord } from './chief-view.js';

const judgeName = (judge) => (judge === RECORDER || !judge ? t('记录员') : judge);

export function aside({ wall, ui, stage }) {
  const sheet = ui.sheet ? wall.sheets.get(ui.sheet) : null;
  const inside = ui.panel === 'form' ? form(wall, ui) : ui.panel === 'sheet' && sheet ? oneSheet(wall, ui, sheet) : control(wall, ui, stage);
  return h('aside', { 'aria-label': t('裁定与窗口'), data: { k: 'aside', panel: ui.panel } }, inside);
}

const back = () => h('button.btn.btn-quiet.back', { data: { action: 'back' } }, icon('back'), t('返回'));
const open = (kind, given, label, props = {}) => h('button.btn', { data: { action: 'form', kind, given: JSON.stringify(given), ...props } }, label);

function control(wall, ui, stage) {
  const window = stage.window, frozen = wall.frozen.get(stage.track), due = wall.gaps(ui.stage).reduce((n, [, cells]) => n + cells.length, 0);
  const change = (state, label, extra = null) => h('button.btn', { data: { action: 'form', kind: 'window', window: state, given: JSON.stringify({ track: stage.track, stage: stage.stage, state }) }, 'aria-pressed': window === state ? 'true' : 'false', 'aria-disabled': window === state ? 'true' : null, class: window === state ? 'is-now' : '' }, label, extra);
  return h('div.side', { data: { k: 'control' } },
    h('section', {}, h('h2', {}, t('评分窗口'), h('small', {}, stage.title)),
      h('p.window-state', { data: { window: window ?? '' } }, window === 'open' ? dot('half') : icon('pause'), ' ', h('b', {}, window ? { open: t('开放中'), paused: t('已暂停'), closed: t('已关闭') }[window] : t('未设')), stage.reason ? `${t('：')}${stage.reason}` : ''),
      h('div.three', {}, change('open', WINDOW().open), change('paused', WINDOW().paused), change('closed', WINDOW().closed, due && window !== 'closed' ? h('small', {}, t('还差 {n} 张', { n: due })) : null))),
    h('section', {}, h('h2', {}, t('榜单'), frozen ? h('span.chip.chip-warn', {}, icon('pause'), t('已冻结')) : null),
      h('div.two', {}, frozen !== true ? open('freeze', { track: stage.track, on: true }, t('冻结榜单'), { freeze: 'on' }) : null, frozen !== false ? open('freeze', { track: stage.track, on: false }, t('解除冻结'), { freeze: 'off' }) : null)),
    h('section', {}, h('h2', {}, t('裁定')), h('div.two', {}, PANEL.map((kind) => open(kind, { track: stage.track, stage: stage.stage }, RULINGS[kind].title(), { k: kind })))),
    history(wall, ui));
}

// ---- rulings already made ----
const KIND = () => ({ amend: t('更正') });

function history(wall, ui) {
  const list = [...ui.made, ...wall.rulings.filter((r) => r.track === (wall.stage(ui.stage)?.track ?? r.track)).sort((a, b) => (b.seq ?? 0) - (a.seq ?? 0))].filter((r) => r.kind !== 'window' || r.reason);
  return h('section', {}, h('h2', {}, t('已作裁定'), h('small', {}, t('{n} 件', { n: list.length }))),
    list.length ? h('ol.made', { data: { rulings: list.length } }, list.slice(0, 40).map((r, n) => h('li', { data: { k: `${r.seq ?? 'x'}-${n}`, ruling: r.kind } },
      h('b', {}, RULINGS[r.kind]?.title(r) ?? KIND()[r.kind] ?? r.kind), ' ', h('time', {}, hour(r.at)), h('p', {}, told(r)), r.reason ? h('p.faint', {}, t('理由：{reason}', { reason: r.reason })) : null)))
      : h('p.faint', {}, t('还没有。每一件都记下理由，只能由另一件撤回。')));
}

function told(r) {
  const m = { ...r, ...(r.payload || {}) };
  try { return m.entry || m.judge || ['window', 'freeze'].includes(r.kind) ? RULINGS[r.kind].done({ ...m, amount: String(m.amount ?? '') }) : ''; } catch { return ''; }
}

function hour(at) {
  if (!at) return '';
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
}

// ---- one sheet ----
function oneSheet(wall, ui, sheet) {
  const cell = wall.cell(sheet), stage = wall.stage(placeKey(sheet)), several = wall.attempts(placeKey(sheet)).length > 1;
  return h('div.side', { data: { k: 'sheet', openSheet: sheet.key } }, back(),
    h('section', {}, h('h2', {}, `${judgeName(sheet.judge)}·${entryName(sheet.entry)}`, h('small', {}, several ? `${stage.title}·${t('第 {n} 次', { n: sheet.attempt })}` : stage.title)),
      h('p', {}, h('span.chip', { class: { submitted: 'chip-ok', marking: 'chip-steel', reopened: 'chip-warn' }[cell.state] ?? '' }, cell.state === 'submitted' ? icon('check') : cell.state === 'empty' ? dot('open') : dot('half'), stateWord(cell))),
      h('table.grid-table.check', {}, h('tbody', {}, wall.leaves(sheet).map((leaf) => {
        const value = sheet.values.get(leaf.code)?.value ?? null, revision = sheet.values.get(leaf.code)?.revision ?? 0;
        return h('tr', { data: { k: leaf.code, mark: leaf.code, value: value ?? '' } }, h('th', { scope: 'row' }, leaf.title, revision > 1 ? h('small.faint', {}, ` ${t('改过 {n} 次', { n: revision - 1 })}`) : null),
          h('td.r.num', {}, value === null ? h('span.none', {}, dot('open'), ' ', t('未评')) : leaf.kind === 'grade' ? gradeValue(leaf, value, stage) : display(leaf, value)), h('td.faint.nowrap', {}, `/ ${leaf.max}`));
      }))),
      cell.all > 1 ? h('p.total-line', {}, h('span', {}, t('合计')), h('b.num', {}, cell.total || '–')) : null),
    cell.state === 'submitted'
      ? open('reopen', { track: sheet.track, stage: sheet.stage, entry: sheet.entry, attempt: sheet.attempt, judge: sheet.judge || null }, [icon('undo'), t('退回这张评分表')], { action: 'form', reopen: sheet.key })
      : h('p.faint', {}, t('提交以后才能退回。')),
    sheet.judge !== RECORDER ? h('div.two', {}, open('absent', { track: sheet.track, stage: sheet.stage, judge: sheet.judge, entry: sheet.entry }, t('评委缺席')), open('recuse', { track: sheet.track, stage: sheet.stage, judge: sheet.judge, entry: sheet.entry }, t('评委回避'))) : null);
}

// ---- one form ----
function form(wall, ui) {
  const f = ui.form, spec = RULINGS[f.kind], reason = !spec.required.includes('reason') && !(f.kind === 'window' && f.given.state !== 'open');
  return h('form.side', { novalidate: true, data: { k: f.id, form: f.kind } }, back(),
    h('h2', {}, spec.title(f.given)), spec.hint ? h('p.hint', {}, spec.hint()) : null,
    f.kind === 'reopen' ? h('p', {}, h('b', {}, `${judgeName(f.given.judge)}·${entryName(f.given.entry)}`)) : null,
    f.kind === 'window' && f.given.state === 'closed' ? gaps(wall, ui) : null,
    f.kind === 'window' && f.given.state === 'paused' ? h('p.hint', {}, t('暂停后平板只能看，已评的都留着；恢复即可接着评。')) : null,
    f.kind === 'freeze' ? h('p.hint', {}, f.given.on ? t('公众看到的榜单停在现在，评分照常。') : t('公众重新看到实时榜单。')) : null,
    spec.fields.map((name) => field(wall, ui, f, name, name === 'reason' && reason)),
    f.error && !spec.fields.includes(f.error.field) ? h('p.says.says-red', { role: 'alert', data: { error: f.error.code ?? '' } }, icon('alert'), f.error.message || f.error.code) : null,
    h('button.btn.btn-primary', { type: 'submit', 'aria-disabled': f.busy ? 'true' : null, data: { send: f.kind } }, f.busy ? t('发送中…') : t('作出裁定：{title}', { title: spec.title(f.given) })));
}

// What closing would leave open, by name
function gaps(wall, ui) {
  const list = wall.gaps(ui.stage), n = list.reduce((so, [, cells]) => so + cells.length, 0);
  if (!n) return h('p.says.says-ok', {}, icon('check'), t('所有评分表都已提交。'));
  return h('div.notice.notice-warn', { data: { gaps: n } }, icon('alert'), h('div', {}, h('strong', {}, t('还差 {n} 张评分表', { n })),
    h('ul', {}, list.map(([judge, cells]) => h('li', { data: { k: judge, gapJudge: judge } }, h('b', {}, judgeName(judge)), t('：'), listed(cells.map((c) => (c.done ? t('{entry}（评 {done} / {all}）', { entry: entryName(c.sheet.entry), done: c.done, all: c.all }) : entryName(c.sheet.entry))))))),
    t('仍要关闭，请写明理由；没有提交的不会当作 0 分。')));
}

const LABELS = () => ({ stage: t('环节'), track: t('赛项'), entry: t('作品'), judge: t('评委'), amount: t('分数'), seconds: t('用时'), status: t('状态'), status_from: t('从哪个环节起'), on: t('怎样裁定'), reason: t('理由') });

function field(wall, ui, f, name, optional) {
  const id = `f-${name}`, given = f.given, wrong = f.error?.field === name ? f.error.message : null;
  const common = { id, name, 'aria-invalid': wrong ? 'true' : null, 'aria-describedby': wrong ? `${id}-says` : null, data: { held: true } };
  const select = (list) => h('select.input', common, list.map(([value, label, chosen]) => h('option', { value, selected: chosen, data: { k: value } }, label)));
  let input;
  if (name === 'stage') input = h('select.input', common, options(wall, `${given.track}/${given.stage}`));
  else if (name === 'track') { const tracks = wall.tracks(); if (tracks.length < 2) return h('input', { type: 'hidden', name, value: given.track, data: { k: 'track' } }); input = select(tracks.map(([code, title]) => [code, title, code === given.track])); }
  else if (name === 'entry') input = select([f.kind === 'absent' ? ['*', t('整个环节'), !given.entry] : ['', t('请选'), !given.entry], ...wall.entries(given.track).map((e) => [e, entryName(e), e === given.entry])]);
  else if (name === 'judge') input = select([['', t('请选'), !given.judge], ...wall.judges(given.track).map((j) => [j, j, j === given.judge])]);
  else if (name === 'status') input = select([['', t('请选'), true], ...Object.entries(STATUS()).map(([v, label]) => [v, label, false])]);
  else if (name === 'status_from') input = select([['', t('第一个环节'), true], ...wall.stages.filter((s) => s.track === given.track).map((s) => [s.stage, s.title, false])]);
  else if (name === 'on') input = select([['on', f.kind === 'absent' ? t('缺席') : t('回避'), true], ['off', f.kind === 'absent' ? t('收回缺席') : t('收回回避'), false]]);
  else if (name === 'reason') input = h('textarea.input', { ...common, rows: '3', maxlength: '500' });
  else input = h('input.input.num', { ...common, inputmode: name === 'amount' ? 'text' : 'text', autocomplete: 'off', placeholder: name === 'amount' ? '−5' : '59:01.2' });
  return h('div.field', { data: { k: name } }, h('label', { for: id }, LABELS()[name], optional ? h('small', {}, ` ${t('可不写')}`) : null), input, wrong ? h('p.says.says-red', { id: `${id}-says`, role: 'alert' }, icon('alert'), wrong) : null);
}
