// What a stage asks for: leaves of its tree of criteria, what a value is worth, whether a figure may stand.
import { t } from '../shared/strings.js';
import { ZERO, ONE, add, mul, over, read, compare, onStep, decimals, rounded, shown, seconds, clock } from '../shared/decimal.js';

export const JUDGED = ['judgement', 'grade'];
export const MEASURED = ['measurement'];
const GRADES = ['0', '1', '2', '3'];

// The leaves in order, each with the titles of the headings above it
export function leaves(criteria, kinds, headings = []) {
  return (criteria || []).flatMap((c) => {
    if (c.criteria && c.criteria.length) return leaves(c.criteria, kinds, [...headings, { code: c.code, title: c.title, note: c.note }]);
    const kind = c.kind || 'judgement';
    if (kinds && !kinds.includes(kind)) return [];
    const text = (value, other) => (value === null || value === undefined ? other : String(value));
    return [{
      code: c.code, title: c.title, note: c.note || '', kind, headings, descriptors: c.descriptors || [],
      min: kind === 'grade' ? '0' : text(c.min, '0'), max: text(c.max, '0'), step: kind === 'grade' ? '1' : text(c.step, null), factor: text(c.factor, '1'),
    }];
  });
}

// A value's share of the total, exactly; null where there is none
export function worth(leaf, value) {
  const number = read(value);
  if (!number || leaf.kind === 'time') return null;
  const factor = read(leaf.factor) || ONE;
  return leaf.kind === 'grade' ? mul(over(mul(number, read(leaf.max)), 3), factor) : mul(number, factor);
}

export function sum(list, valueOf) {
  return list.reduce((so, leaf) => {
    const part = worth(leaf, valueOf(leaf));
    return part ? add(so, part) : so;
  }, ZERO);
}

export function whole(list) {
  return list.reduce((so, leaf) => (leaf.kind === 'time' ? so : add(so, mul(read(leaf.max), read(leaf.factor) || ONE))), ZERO);
}

// As many decimals as the rule can bring about: the steps' own, or the stage's where thirds or free figures come in
export function sumPlaces(list, stage) {
  const free = list.some((l) => l.kind === 'grade' || !l.step);
  const own = Math.max(0, ...list.filter((l) => l.kind !== 'grade' && l.kind !== 'time').map((l) => leafPlaces(l) + decimals(l.factor)));
  return Math.min(6, free ? Math.max(own, Number(stage?.places ?? 2)) : own);
}

export function leafPlaces(leaf) {
  return leaf.kind === 'grade' ? 0 : Math.max(decimals(leaf.step), decimals(leaf.min));
}

// A stored value as people read it: 13 at step 0.5 is 13.0
export function display(leaf, value) {
  if (value === null || value === undefined) return '';
  if (leaf.kind === 'time') return clock(value);
  const number = read(value);
  if (!number) return String(value);
  return shown(rounded(number, Math.max(leafPlaces(leaf), decimals(value))));
}

export function wholeText(list, stage) {
  const value = whole(list);
  return value.d === 1n ? String(value.n) : rounded(value, sumPlaces(list, stage));
}

export function range(leaf) {
  if (leaf.kind === 'time') return t('分:秒，如 59:01.2；或只写秒数');
  const ends = `${shown(leaf.min)} – ${shown(leaf.max)}`;
  return leaf.step && leaf.kind !== 'grade' ? t('{ends}，每档 {step}', { ends, step: leaf.step }) : ends;
}

// null: the figure may stand; else the sentence why not
export function fault(leaf, text) {
  if (leaf.kind === 'time') return seconds(text) === null ? t('时间写成 分:秒 或 秒数') : null;
  const value = read(text);
  if (!value) return t('这个数还没有写完');
  if (leaf.kind === 'grade') return GRADES.includes(text) ? null : t('等级是 0 到 3');
  if (compare(value, read(leaf.max)) > 0) return t('超过满分 {max}', { max: leaf.max });
  if (compare(value, read(leaf.min)) < 0) return t('低于 {min}', { min: shown(leaf.min) });
  if (leaf.step && !onStep(value, read(leaf.min), read(leaf.step))) return t('每档 {step}，从 {min} 起', { step: leaf.step, min: shown(leaf.min) });
  return null;
}

// Keys beside the ten digits: whole fractions of the step (.5, .25 .5 .75), a point where the step is finer or free
export function extraKeys(leaf) {
  if (leaf.kind === 'time') return [':', '.'];
  const sign = leaf.min.startsWith('-') ? ['±'] : [];
  if (!leaf.step) return ['.', ...sign];
  const step = read(leaf.step), from = read(leaf.min);
  if (!onStep(ZERO, from, step) || step.d === 1n) return decimals(leaf.min) || decimals(leaf.step) ? ['.', ...sign] : sign;
  const parts = [];
  for (let at = step; compare(at, ONE) < 0 && parts.length < 4; at = add(at, step)) parts.push(at);
  if (parts.length > 3 || !onStep(ONE, ZERO, step)) return ['.', ...sign];
  return [...parts.map((p) => rounded(p, decimals(leaf.step)).replace(/^0/, '').replace(/0+$/, '')), ...sign];
}

export const gradeText = (leaf, grade) => leaf.descriptors[Number(grade)] || t('等级 {n}', { n: grade });
