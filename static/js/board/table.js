// The rows on the page: filled from the board, moved from their old places to the new ones.
import { t } from '../shared/strings.js';
import { minus, nameOf, short, statusWord } from './why.js';

export class Table {
  constructor(root, { kind, stages, pattern }) {
    this.table = root;
    this.body = root.querySelector('[data-rows]');
    this.kind = kind;
    this.stages = stages;
    this.pattern = pattern.content.querySelector('tr');
    this.rows = new Map([...this.body.rows].map((row) => [row.dataset.key, row]));
  }

  // Shows `list` ([{key, row, rank}]) in that order. `news` maps a key to its move; `from` to the place (in rows from
  // the first one shown) where a row stood that was not on the page. `still`: nothing travels.
  show(list, { news = new Map(), from = new Map(), still = false } = {}) {
    const same = list.length === this.rows.size && [...this.rows.keys()].every((key, n) => key === list[n].key);
    if (same) {
      // Nobody travels; whoever is on the way goes on.
      for (const each of list) this.fill(this.rows.get(each.key), each, news.get(each.key), still);
      return;
    }
    const places = new Map();
    if (!still) {
      for (const [key, element] of this.rows) places.set(key, element.getBoundingClientRect().top);
    }
    const before = this.body.getBoundingClientRect().top;
    for (const element of this.rows.values()) element.style.removeProperty('--from');
    const kept = new Map();
    for (const each of list) {
      const element = this.rows.get(each.key) || this.pattern.cloneNode(true);
      this.fill(element, each, news.get(each.key), still);
      kept.set(each.key, element);
    }
    for (const [key, element] of this.rows) if (!kept.has(key)) element.remove();
    let next = this.body.firstElementChild;
    for (const element of kept.values()) {
      if (element === next) next = next.nextElementSibling;
      else this.body.insertBefore(element, next);
    }
    this.rows = kept;
    if (!still) this.travel(places, from, before);
  }

  // What a row travels is told in rows, so that the style alone moves it.
  travel(places, from, before) {
    const unit = parseFloat(getComputedStyle(this.table).getPropertyValue('--row'))
      * parseFloat(getComputedStyle(document.documentElement).fontSize);
    const shift = this.body.getBoundingClientRect().top - before;
    const steps = [];
    for (const [key, element] of this.rows) {
      const now = element.getBoundingClientRect().top;
      let rows = 0;
      if (places.has(key)) rows = (places.get(key) + shift - now) / unit;
      else if (from.has(key)) rows = from.get(key) - [...this.rows.keys()].indexOf(key);
      if (Math.abs(rows) > 0.02) steps.push([element, rows]);
    }
    for (const [element, rows] of steps) element.style.setProperty('--from', rows.toFixed(3));
  }

  fill(element, { key, row, rank }, move, still) {
    const ranked = rank !== null, pending = row.status === 'pending';
    element.dataset.key = key;
    element.dataset.rank = ranked ? rank : '';
    element.classList.toggle('pending', !ranked);
    element.classList.toggle('moved', Boolean(move && move.tint));
    const badge = element.querySelector('.rank');
    badge.textContent = ranked ? rank : '–';
    badge.classList.toggle('rank-top', ranked && rank <= 3);
    if (ranked) { badge.dataset.rank = rank; badge.removeAttribute('aria-label'); } else {
      delete badge.dataset.rank;
      badge.setAttribute('aria-label', t('未排名'));
    }
    this.arrow(element.querySelector('.move'), ranked, move);
    element.querySelector('.prize').textContent = row.prize ? row.prize.title : '';
    const number = row.number === null || row.number === undefined ? '' : t('{n} 号', { n: row.number });
    element.querySelector('.who b').textContent = nameOf(row, this.kind);
    element.querySelector('.sub').textContent = row.title ? [number, row.organisation].filter(Boolean).join('·') : '';
    element.querySelector('.no').textContent = number;
    element.querySelector('.org').textContent = row.organisation || '';
    for (const cell of element.querySelectorAll('[data-stage]')) this.score(cell, (row.stages || {})[cell.dataset.stage]);
    this.total(element, row, still);
    const chip = element.querySelector('.chip'), begun = pending && row.progress && row.progress.marked > 0;
    chip.hidden = ranked && !row.reopened;
    chip.classList.toggle('chip-steel', Boolean(begun || row.reopened));
    chip.querySelector('.dot').className = `dot ${begun || row.reopened ? 'dot-half' : 'dot-open'}`;
    chip.querySelector('span').textContent = ranked ? (row.reopened ? t('重新评分') : '') : statusWord(row);
    this.parts(element.querySelector('.parts'), row, pending);
  }

  arrow(holder, ranked, move) {
    holder.replaceChildren();
    holder.classList.toggle('move-own', Boolean(move && move.tint));
    if (!ranked) return;
    const said = document.createElement('span');
    said.className = 'vh';
    if (!move || (!move.up && !move.entered)) {
      said.textContent = t('名次不变');
      holder.append(said);
      return;
    }
    const icon = document.createElement('i');
    icon.className = `i ${move.entered || move.up > 0 ? 'i-up' : 'i-down'}`;
    if (move.entered) {
      holder.append(icon, t('新上榜'));
      return;
    }
    said.textContent = move.up > 0 ? t('上升') : t('下移');
    holder.append(icon, said, String(Math.abs(move.up)));
  }

  score(cell, value) {
    const text = value === null || value === undefined ? '–' : minus(value);
    if (cell.textContent === text) return;
    const inner = document.createElement('span');
    inner.className = text === '–' ? 'faint' : 'is-new-number';
    inner.textContent = text;
    cell.replaceChildren(inner);
  }

  total(element, row, still) {
    const holder = element.querySelector('[data-total]');
    const text = row.total === null || row.total === undefined ? '' : minus(row.total);
    if (holder.textContent === text) return;
    if (!text) {
      holder.replaceChildren();
      return;
    }
    const inner = document.createElement('span');
    if (!still) inner.className = 'is-new-number';
    inner.textContent = text;
    holder.replaceChildren(inner);
  }

  parts(holder, row, pending) {
    const scores = this.stages.filter(({ code }) => typeof (row.stages || {})[code] === 'string');
    const bits = [];
    const add = (name, text) => {
      const bit = document.createElement('span');
      bit.className = name;
      bit.textContent = text;
      bits.push(bit);
    };
    if (pending && scores.length) add('so-far', t('暂计 {total}', { total: minus(row.so_far) }));
    if (this.stages.length > 1) {
      for (const { code, title } of scores) add('bit', `${short(title)} ${minus(row.stages[code])}`);
    }
    holder.replaceChildren(...bits);
  }

  // Which columns have something in them
  columns(list) {
    const has = (name, on) => this.table.classList.toggle(name, on);
    has('has-names', list.some(({ row }) => row.title !== undefined));
    has('no-names', !list.some(({ row }) => row.title !== undefined));
    has('has-numbers', list.some(({ row }) => row.number !== null && row.number !== undefined));
    has('has-prizes', list.some(({ row }) => row.prize));
    has('has-long', list.some(({ row }) => (row.title || '').length > 6));
  }
}
