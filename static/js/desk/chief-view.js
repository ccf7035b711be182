// How the console looks: the bar, the wall. Pure.
import { t } from '../shared/strings.js';
import { h, icon, dot } from './dom.js';
import { RECORDER, placeKey } from './wall.js';
import { entryName } from './pad-view.js';
import { aside } from './chief-panel.js';

const PHASES = () => ({ draft: t('筹备'), registration: t('报名'), draw: t('抽签'), scoring: t('评分进行中'), review: t('复核'), notice: t('公示'), final: t('定稿'), archived: t('归档') });

export function page({ wall, ui }) {
  if (ui.link === 'signed_out') return h('div', { id: 'app', class: 'chief-page alone' }, h('main.lone', { role: 'alert', data: { signedOut: true } }, h('span.seal', { 'aria-hidden': 'true' }, '擂'), h('h1', {}, t('登录已失效，请重新登录')), h('p', {}, t('没有得到服务器回答的裁定，登录后请核对是否生效。'))));
  const stage = wall.stage(ui.stage);
  return h('div', { id: 'app', class: 'chief-page', data: { page: 'chief', link: ui.link } },
    bar(wall, ui, stage),
    !wall.ready ? loading(ui) : !stage ? h('main.lone', {}, h('div.empty', {}, h('strong', {}, t('还没有评分环节')), h('p', {}, t('竞赛进入评分阶段后，这里显示评分墙。')))) : [main(wall, ui, stage), aside({ wall, ui, stage })],
    ui.toast ? h('p.toast', { role: 'status', data: { k: ui.toast.id, toast: true } }, icon('check'), ui.toast.text) : null);
}

function bar(wall, ui, stage) {
  const phase = stage && wall.phaseOf(stage.track);
  const live = ui.link === 'socket', since = Math.max(0, Math.round((Date.now() - ui.since) / 1000));
  const age = live ? [h('i.dot', { 'aria-hidden': 'true' }), h('b', {}, t('实时'))] : ui.link === 'http' ? [dot('half'), h('b', {}, t('每 8 秒取一次'))] : [dot('open'), h('b', {}, wall.ready ? t('已停更 {n} 秒', { n: since }) : t('连接中…'))];
  return h('header.bar', {},
    h('span.seal', { 'aria-hidden': 'true' }, '擂'),
    h('h1', {}, t('裁判长控制台'), h('small', {}, `${ui.data.title}·${ui.data.seatLabel}`)),
    stage ? h('label.choose.push', {}, h('span.vh', {}, t('环节')), h('select.input', { data: { action: 'choose-stage' } }, options(wall, ui.stage))) : h('span.push'),
    phase ? h('span.chip.chip-steel', { data: { phase } }, dot('half'), PHASES()[phase] ?? phase) : null,
    h('span.age', { class: live ? '' : 'stale', role: 'status', data: { live: live ? 'yes' : 'no' } }, age),
    h('a.btn', { href: stage ? `/contests/${ui.data.contest}/${stage.track}/board` : ui.data.board }, t('看榜单')),
    h('a.btn.btn-quiet.lang', { href: ui.data.langHref ?? (ui.data.lang === 'en' ? '?lang=zh' : '?lang=en'), lang: ui.data.lang === 'en' ? 'zh-CN' : 'en' }, ui.data.lang === 'en' ? '中文' : 'EN'));
}

export function options(wall, chosen) {
  const many = wall.tracks().length > 1;
  return wall.stages.map((s) => h('option', { value: placeKey(s), selected: placeKey(s) === chosen }, many ? `${s.track_title ?? s.track}·${s.title}` : s.title));
}

function loading(ui) {
  return h('main.lone', {}, ui.denied
    ? h('div.notice.notice-red', { role: 'alert' }, icon('alert'), h('div', {}, h('strong', {}, t('服务器没有接受这次登录')), ui.denied.message || ui.denied.code || ''))
    : h('div.loading', { 'aria-busy': 'true' }, h('p', {}, t('正在取评分墙…')), [1, 2, 3].map((n) => h('div.skeleton', { data: { k: n } }, '　'))));
}

function main(wall, ui, stage) {
  const table = wall.table(ui.stage, ui.attempt), attempts = wall.attempts(ui.stage);
  const all = table.all.length, whole = table.rows.filter((r) => r.due && r.handed === r.due).length;
  return h('main.chief-main', { data: { k: 'main' } },
    h('dl.figures', {},
      h('div', {}, h('dt', {}, t('评分表已交')), h('dd', { data: { handed: table.handed, all } }, h('b', {}, String(table.handed)), ' ', h('span.muted', {}, t('/ {all} 张', { all }), table.marking ? t('，另有 {n} 张评分中', { n: table.marking }) : ''), tally(table))),
      h('div', {}, h('dt', {}, t('已交齐')), h('dd', {}, h('b', {}, String(whole)), ' ', h('span.muted', {}, t('/ {all} 号', { all: table.rows.length })))),
      attempts.length > 1 ? h('div', {}, h('dt', {}, t('第几次')), h('dd.attempts', {}, attempts.map((a) => h('button.btn', { data: { action: 'attempt', attempt: a, k: a }, 'aria-pressed': a === ui.attempt ? 'true' : 'false' }, t('第 {n} 次', { n: a }))))) : null),
    h('div.wall-box', { tabindex: '0', role: 'region', 'aria-label': t('评分墙') }, wallTable(wall, ui, table)),
    h('p.legend.faint', {}, h('span', {}, dot('open'), ' ', t('未评')), h('span', {}, dot('half'), ' ', t('评分中')), h('span', {}, icon('check'), ' ', t('已提交')), h('span', {}, icon('undo'), ' ', t('退回重评')), t('点一格看这张评分表。')));
}

// One bead a sheet; past 60 they would be dust, then a bar with its two numbers beside it
function tally(table) {
  const all = table.all.length, label = t('{all} 张中 {handed} 张已交，{marking} 张评分中', { all, handed: table.handed, marking: table.marking });
  if (!all) return null;
  if (all > 60) return h('span.meter.wide-meter', { role: 'img', 'aria-label': label }, h('i', { css: { width: `${Math.floor((table.handed * 1000) / all) / 10}%` } }));
  return h('span.tally', { role: 'img', 'aria-label': label }, table.all.map((c) => (c.state === 'submitted' ? 0 : c.state === 'empty' ? 2 : 1)).sort().map((n) => h('i', { class: ['on', 'part', ''][n] })));
}

function wallTable(wall, ui, table) {
  return h('table.grid-table.wall', { class: table.columns.length > 10 ? 'dense' : '' }, h('caption.vh', {}, t('评委 × 作品：每格为该评委的总分')),
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, t('作品')),
      table.columns.map((judge) => {
        const own = table.rows.map((r) => r.cells[table.columns.indexOf(judge)]).filter((c) => c && c.state !== 'not_expected');
        const handed = own.filter((c) => c.state === 'submitted').length;
        return h('th.c', { scope: 'col', data: { judge } }, h('b', {}, judge === RECORDER ? t('记录员') : judge), h('span', {}, handed === own.length && own.length ? icon('check') : null, t('交 {n} / {all}', { n: handed, all: own.length })));
      }),
      h('th.r', { scope: 'col' }, t('状态')))),
    h('tbody', {}, table.rows.map((row) => h('tr', { data: { k: row.entry, row: row.entry } },
      h('th', { scope: 'row' }, /^\d+$/.test(row.entry) ? [h('b.num', {}, row.entry), ' ', t('号')] : h('b', {}, row.entry)),
      row.cells.map((cell, n) => wallCell(ui, cell, row.entry, table.columns[n])),
      h('td.r', {}, rowState(row))))));
}

function wallCell(ui, cell, entry, judge) {
  if (!cell) return h('td.c.none', { 'aria-label': t('这位评委不评') }, '–');
  const name = `${judge === RECORDER ? t('记录员') : judge} ${entryName(entry)}`;
  const small = { marking: t('评 {done} / {all}', { done: cell.done, all: cell.all }), reopened: [icon('undo'), t('退回重评')], not_expected: t('不计'), empty: null, submitted: cell.fresh ? t('刚交') : null }[cell.state];
  const shape = cell.state === 'submitted' ? null : cell.state === 'empty' ? dot('open') : cell.state === 'marking' ? dot('half') : null;
  const tone = cell.fresh && cell.state === 'submitted' ? 'fresh' : { marking: 'part', reopened: 'back', empty: 'none', not_expected: 'cut' }[cell.state] ?? '';
  return h('td.c', { class: tone }, h('button', { data: { action: 'cell', sheet: cell.sheet.key, entry, judge, state: cell.state, total: cell.total }, 'aria-pressed': ui.sheet === cell.sheet.key ? 'true' : 'false', 'aria-label': `${name}${t('：')}${cell.state === 'empty' ? t('未评') : `${cell.total} ${stateWord(cell)}`}` },
    cell.state === 'empty' ? [shape, ' ', t('未评')] : h('b.num', {}, cell.total || '–'), small ? h('small', {}, shape, shape ? ' ' : null, small) : null));
}

export function stateWord(cell) {
  return { empty: t('未评'), marking: t('评 {done} / {all}', { done: cell.done, all: cell.all }), submitted: t('已提交'), reopened: t('退回重评'), not_expected: t('不计') }[cell.state];
}

function rowState(row) {
  if (!row.due) return h('span.chip', {}, t('不评'));
  if (row.handed === row.due) return h('span.chip.chip-ok', {}, icon('check'), t('已交齐'));
  if (!row.handed && !row.begun) return h('span.chip', {}, dot('open'), t('未开始'));
  return h('span.chip.chip-steel', {}, dot('half'), t('已交 {n} / {all}', { n: row.handed, all: row.due }));
}
