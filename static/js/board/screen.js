// The board in the hall: ten rows a page, pages in turn.
import { Page, t } from './page.js';

const TEN = 10;
const TURN = 12000;

class Screen extends Page {
  constructor() {
    let at = 0;
    const bounds = (list, news) => {
      const pages = Math.max(1, Math.ceil(list.length / TEN));
      // A move is shown where it ends.
      const place = news.length && news[0].to !== null ? list.findIndex(({ key }) => key === news[0].key) : -1;
      if (place >= 0) at = Math.floor(place / TEN);
      at = Math.min(at, pages - 1);
      // The last page is filled up with those before it.
      const first = Math.max(0, Math.min(at * TEN, list.length - TEN));
      return [first, Math.min(list.length, first + TEN)];
    };
    super({ window: bounds, most: 6, brief: true, versionWords: (n) => `v${n}` });
    this.turnPage = () => {
      at = (at + 1) % Math.max(1, Math.ceil(this.list.length / TEN));
      this.show({ still: true });
    };
    this.timer = setInterval(this.turnPage, TURN);
  }

  paged(first, end) {
    const all = this.list.length, pages = Math.ceil(all / TEN);
    const words = { first: first + 1, end, all, page: Math.ceil(end / TEN), pages };
    this.root.querySelector('[data-page]').textContent = pages > 1
      ? t('第 {first}–{end} 位，共 {all} 位·第 {page} / {pages} 页', words) : t('共 {all} 位', words);
    // Whoever just moved has a whole turn on the screen.
    if (this.timer && this.news) { clearInterval(this.timer); this.timer = setInterval(this.turnPage, TURN); }
  }

  show(change) {
    this.news = Boolean(change.news && change.news.length);
    super.show(change);
  }
}

const screen = new Screen();
document.documentElement.dataset.ready = String(screen.board.version >= 0);
