// The sentences that explain a board. Words only, no page.
import { listed, t } from '../shared/strings.js';
import { advanced, deciding, tiedWith } from './state.js';

export const minus = (text) => String(text).replace(/^-/, '−');

// "理论(机考)" reads 理论 inside a sentence
export const short = (title) => title.replace(/\s*[(（][^()（）]*[)）]\s*$/, '') || title;

export function stageTitle(board, code) {
  const stage = board.stages.find((each) => each.code === code);
  return stage ? short(stage.title) : code;
}

const PEOPLE = new Set(['skill', 'practice']);

export function nameOf(row, kind) {
  if (row.title) return row.title;
  const n = row.number ?? row.key;
  if (!kind) return t('{n} 号', { n });
  return PEOPLE.has(kind) ? t('{n} 号选手', { n }) : t('{n} 号项目', { n });
}

export function counted(done, all, kind) {
  if (!kind) return t('已评 {done} / {all}', { done, all });
  return PEOPLE.has(kind) ? t('已评 {done} / {all} 人', { done, all }) : t('已评 {done} / {all} 项', { done, all });
}

export function statusWord(row) {
  const words = { absent: t('缺席'), withdrawn: t('退赛'), disqualified: t('取消资格') };
  if (row.status in words) return words[row.status];
  return row.progress && row.progress.marked === 0 ? t('未开始') : t('评分中');
}

function causes(move, board) {
  const said = move.stages.map(({ code, from, to }) => {
    const values = { stage: stageTitle(board, code), from: minus(from), to: minus(to) };
    return from === null ? t('{stage} {to}', values) : t('{stage} {from} → {to}', values);
  });
  if (said.length) return listed(said);
  if (move.row.total !== null && move.row.total !== (move.before || {}).total) {
    return t('总分 {total}', { total: minus(move.row.total) });
  }
  return '';
}

function headOf(move) {
  const { from, to } = move;
  if (to === null && from !== null) return t('第 {from} 名 → 待定', { from });
  if (from === null) return t('新上榜 → 第 {to} 名', { to });
  if (from === to) return t('仍列第 {to} 名', { to });
  return t('第 {from} 名 → 第 {to} 名', { from, to });
}

// One move in words: {name, head, cause}; head is what is said of the rank, cause what brought it about
export function sentence(move, board, kind) {
  const name = nameOf(move.row, kind);
  const { row, before } = move;
  if (row.status !== 'ranked' && row.status !== 'pending') {
    const word = statusWord(row);
    return { name, head: word, cause: '' };
  }
  if (row.status === 'pending' && advanced(move)) {
    const stage = stageTitle(board, Object.keys(row.stages).at(-1));
    return { name, head: t('进入{stage}', { stage }), cause: '' };
  }
  if (row.reopened && !(before && before.reopened) && move.from === move.to) {
    return { name, head: t('重新评分'), cause: t('改完之前按原来的成绩排') };
  }
  if (move.to === null && move.from === null) {
    const back = before && before.status !== row.status;
    return { name, head: back ? t('恢复评分') : t('继续评分'), cause: causes(move, board) };
  }
  return { name, head: headOf(move), cause: causes(move, board) };
}

// Several who went on to the next stage in one version are told together; null where there are not several
export function onward(moves, board, kind) {
  const going = moves.filter((move) => move.row.status === 'pending' && advanced(move));
  if (going.length < 2) return null;
  const n = going.length, stage = stageTitle(board, Object.keys(going[0].row.stages).at(-1));
  const name = PEOPLE.has(kind) ? t('{n} 人', { n }) : t('{n} 项', { n });
  return { name, head: t('进入{stage}', { stage }), cause: '' };
}

export function ruleWords(key, board) {
  const [kind, rest = ''] = key.split(':');
  const stage = stageTitle(board, rest.split('/')[0]);
  if (kind === 'stage') return t('{stage}高者在前', { stage });
  if (kind === 'elapsed') return t('{stage}用时短者在前', { stage });
  if (kind === 'criterion') return t('{stage}指定评分项高者在前', { stage });
  return t('抽签号小者在前');
}

function ruleName(key, board) {
  const [kind, rest = ''] = key.split(':');
  const stage = stageTitle(board, rest.split('/')[0]);
  if (kind === 'stage') return stage;
  if (kind === 'elapsed') return t('{stage}用时', { stage });
  if (kind === 'criterion') return t('{stage}指定评分项', { stage });
  return t('抽签号');
}

// A space stands between Chinese and digits
function spaced(name) {
  if (t('、') !== '、') return name;
  return `${/^[0-9A-Za-z]/.test(name) ? ' ' : ''}${name}${/[0-9A-Za-z]$/.test(name) ? ' ' : ''}`;
}

// Equal totals: who it is equal with, and the rule that put one before the other; '' where nobody is equal
export function tieSentence(list, key, board, kind) {
  const other = tiedWith(list, key);
  if (!other) return '';
  const mine = list.find((each) => each.key === key);
  const values = { total: minus(mine.row.total), other: spaced(nameOf(other.row, kind)), rank: mine.rank };
  if (other.row.order === mine.row.order) {
    return t('总分 {total}，与{other}相同，并列第 {rank} 名。', values);
  }
  const rules = deciding(board.tie_break, mine.row, other.row);
  if (!rules.length) return t('总分 {total}，与{other}相同。', values);
  if (rules.length === 1) {
    return t('总分 {total}，与{other}相同；同分时{rule}。', { ...values, rule: ruleWords(rules[0], board) });
  }
  const names = listed(rules.map((rule) => ruleName(rule, board)));
  return t('总分 {total}，与{other}相同；同分时依次比{rules}。', { ...values, rules: names });
}

export function ageWords(seconds) {
  if (seconds < 1) return t('刚刚');
  if (seconds < 60) return t('{n} 秒前', { n: seconds });
  return t('{m} 分 {s} 秒前', { m: Math.floor(seconds / 60), s: seconds % 60 });
}

// Seconds → 12:40, with hours where there are any
export function clockWords(seconds) {
  const two = (number) => String(number).padStart(2, '0');
  const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
