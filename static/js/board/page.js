// What the phone's page and the hall's screen share: the board, its stream, its age, its freeze and its last moves.
import { t } from '../shared/strings.js';
import { advanced, apply, begin, lacksReason, moves, standing, tally, told } from './state.js';
import { follow } from './stream.js';
import { Table } from './table.js';
import { ageWords, clockWords, counted, onward, sentence, tieSentence } from './why.js';

const STALE = 25;       // seconds without a word from the server
const STAY = 8000;      // how long the row that moved stays tinted
const MOST = 3;         // moves of one version that are told; the others stand in their column
const KEPT = 12;        // moves that are kept to be told

const one = (selector, root = document) => root.querySelector(selector);

export class Page {
  // `window(list, told)` gives [first, end): the part of the list that is shown. `brief`: older moves without causes.
  constructor({ window, most, versionWords, brief = false }) {
    const data = JSON.parse(one('#page-data').textContent);
    this.root = one('#board');
    this.window = window;
    this.most = most;
    this.brief = brief;
    this.versionWords = versionWords;
    this.kind = data.contest.kind || '';
    this.first = data.first || 0;
    this.board = begin(data.board);
    this.list = standing(this.board);
    const { stages } = this.board;
    this.table = new Table(one('.board', this.root), { kind: this.kind, stages, pattern: one('#row') });
    this.last = Date.now();
    this.ahead = 0;
    this.recent = [];
    this.clearing = null;
    this.marked = new Map();
    this.show({ still: true });
    this.stream = follow({
      events: data.events, snapshot: data.snapshot, version: () => this.board.version,
      whole: (board, sure) => this.whole(board, sure), delta: (message) => this.delta(message),
      heard: (at) => this.heard(at),
    });
    this.tick();
    setInterval(() => this.tick(), 1000);
  }

  heard(at) {
    this.last = Date.now();
    if (at) this.ahead = Date.parse(at) - this.last || 0;
    this.tick();
  }

  whole(payload, sure) {
    if (!sure && payload.version < this.board.version) return;
    const known = payload.version === this.board.version && payload.state === this.board.state;
    if (known && !lacksReason(this.board)) return;
    this.turn(begin(payload));
  }

  delta(message) {
    if (message.version <= this.board.version) return true;
    const after = apply(this.board, message);
    if (!after) return false;
    this.turn(after);
    return !lacksReason(after);
  }

  turn(after) {
    const before = this.list;
    const moving = after.state === 'live' && !document.hidden;
    this.board = after;
    this.list = standing(after);
    const found = after.state === 'live' ? moves(before, this.list) : [];
    const news = told(found);
    const together = onward(news, this.board, this.kind);
    const single = together ? news.filter((move) => !advanced(move)) : news;
    for (const move of single.slice(0, MOST).reverse()) this.remember(sentence(move, after, this.kind), move.key);
    if (together) this.remember(together);
    this.show({ found, news, before, still: !moving });
  }

  remember(said, key = null) {
    const tie = key === null ? '' : tieSentence(this.list, key, this.board, this.kind);
    this.recent.unshift({ ...said, tie, at: new Date(Date.now() + this.ahead) });
    this.recent.length = Math.min(this.recent.length, KEPT);
  }

  show({ found = [], news = [], before = [], still = false }) {
    // Arrows and tint stay until the next move; a version that moves nobody leaves them.
    if (found.length || still) {
      this.marked = new Map();
      for (const { key, up, entered } of found) this.marked.set(key, { up, entered, tint: false });
      for (const { key, up, entered, to } of news) if (to !== null) this.marked.set(key, { up, entered, tint: true });
      clearTimeout(this.clearing);
      if (this.marked.size) this.clearing = setTimeout(() => this.rest(), STAY);
    }
    const [first, end] = this.window(this.list, news);
    const from = new Map();
    for (const { key, place } of before) from.set(key, Math.max(-1, Math.min(end - first, place - first)));
    this.table.columns(this.list);
    this.table.show(this.list.slice(first, end), { news: this.marked, from, still });
    this.words(first, end);
  }

  // The tint and the arrows end; the sentence stays.
  rest() {
    this.marked = new Map();
    const [first, end] = this.window(this.list, []);
    this.table.show(this.list.slice(first, end), { still: true });
  }

  words(first, end) {
    const { root, board } = this;
    root.dataset.state = board.state;
    const version = one('[data-version]', root);
    version.dataset.version = board.version;
    version.textContent = this.versionWords(board.version);
    this.progress();
    this.why();
    const reason = one('[data-reason]', root);
    if (board.freeze) {
      reason.textContent = board.freeze.reason || '';
      const at = one('[data-frozen-at]', root);
      at.dateTime = board.freeze.at;
      at.textContent = new Date(board.freeze.at).toLocaleTimeString('zh-CN', { hour12: false });
    }
    this.tick();
    if (this.paged) this.paged(first, end);
  }

  progress() {
    const { done, begun, all } = tally(this.list);
    const words = counted(done, all, this.kind);
    one('[data-counted]', this.root).textContent = words;
    const holder = one('[data-tally]', this.root);
    holder.setAttribute('aria-label', words);
    holder.hidden = all > 50;
    if (all > 50) return;
    holder.replaceChildren(...Array.from({ length: all }, (_, n) => {
      const bead = document.createElement('i');
      bead.className = n < done ? 'on' : n < done + begun ? 'begun' : '';
      return bead;
    }));
  }

  why() {
    const holder = one('[data-why]', this.root), [newest, ...older] = this.recent;
    holder.hidden = !newest || this.board.state !== 'live';
    if (newest) {
      const name = one('[data-name]', holder);
      const head = one('[data-head]', holder), cause = one('[data-cause]', holder);
      if (name) {
        name.textContent = newest.name;
        head.textContent = newest.head;
        cause.textContent = newest.cause;
      } else {
        head.textContent = newest.cause ? t('{name} {head}：', newest) : t('{name} {head}', newest);
        cause.textContent = newest.cause;
      }
      const tie = one('[data-tie]', holder);
      tie.textContent = newest.tie;
      tie.hidden = !newest.tie;
    }
    const list = one('[data-moves]', this.root);
    const told = (this.board.state === 'live' ? older : this.recent).slice(0, this.most);
    list.hidden = !told.length;
    const quiet = one('[data-quiet]', this.root);
    if (quiet) quiet.hidden = this.board.state !== 'live' || Boolean(newest);
    one('ol', list).replaceChildren(...told.map((move) => {
      const [item, time, who, what] = ['li', 'time', 'b', 'span'].map((name) => document.createElement(name));
      time.dateTime = move.at.toISOString();
      time.textContent = move.at.toLocaleTimeString('zh-CN', { hour12: false, hour: '2-digit', minute: '2-digit' });
      who.textContent = move.name;
      what.textContent = move.cause && !this.brief ? t('{head}：{cause}', move) : move.head;
      item.append(time, who, what);
      return item;
    }));
  }

  tick() {
    const age = one('[data-age]', this.root), now = Date.now();
    const seconds = Math.max(0, Math.floor((now - this.last) / 1000));
    const stale = seconds > STALE;
    age.classList.toggle('stale', stale || this.board.state !== 'live');
    one('[data-word]', age).textContent = stale ? t('已停更') : t('实时');
    one('[data-ago]', age).textContent = ageWords(seconds);
    if (this.board.freeze) {
      const long = Math.max(0, Math.floor((now + this.ahead - Date.parse(this.board.freeze.at)) / 1000));
      for (const clock of this.root.querySelectorAll('[data-clock]')) clock.textContent = clockWords(long);
    }
  }
}

export { t };
