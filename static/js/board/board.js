// The board on a phone or a desk.
import { Page, t } from './page.js';

const PAGE = 100;

const page = new Page({
  window: () => {
    const { first = 0 } = JSON.parse(document.getElementById('page-data').textContent);
    return [first, first + PAGE];
  },
  most: 6,
  versionWords: (n) => t('第 {n} 版', { n }),
});

document.documentElement.dataset.ready = String(page.board.version >= 0);
