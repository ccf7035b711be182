// The door: who is there, with or without a network.
import { t } from '../shared/strings.js';
import { Outbox } from './outbox.js';

const data = JSON.parse(document.getElementById('page-data').textContent);
const root = document.getElementById('checkin');
const one = (name) => root.querySelector(`[data-${name}]`);
const kept = `leitai.checkin.${data.contest}.list`;
let rows = data.rows;
let signedOut = false;
const refused = new Map();

try { localStorage.setItem(kept, JSON.stringify(rows)); } catch { /* the page itself holds the list */ }

const outbox = new Outbox({
  key: `leitai.checkin.${data.contest}.${data.person}`,
  async send(items) {
    const answer = await fetch(data.ops, {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(items),
      credentials: 'same-origin', redirect: 'manual',
    });
    signedOut = [401, 403].includes(answer.status) || answer.type === 'opaqueredirect';
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  },
  onAnswer(item, answer) {
    const row = rows.find((each) => each.code === item.entry);
    if (answer.ok && row) row.present = item.present;
    if (answer.ok) refused.delete(item.entry); else refused.set(item.entry, answer.error.message);
    if (!answer.ok) say(`${item.entry}：${answer.error.message}`);
  },
  onChange: paint,
});

function present(row) {
  const waiting = outbox.last(row.code);
  return waiting ? waiting.present : row.present;
}

function paint() {
  const here = rows.filter(present).length;
  one('count').textContent = t('到场 {present} / {all}', { present: here, all: rows.length });
  const saved = one('saved');
  saved.hidden = false;
  const waiting = outbox.items.length;
  saved.dataset.state = waiting ? 'waiting' : 'saved';
  saved.dataset.waiting = String(waiting);
  saved.textContent = !outbox.kept ? t('这部手机存不下操作，请换一部')
    : signedOut && waiting ? t('{count} 条待发送：登录已失效，请在新标签页登录', { count: waiting })
      : waiting ? t('{count} 条待发送', { count: waiting }) : t('已保存 ✓');
  for (const line of root.querySelectorAll('[data-list] > li')) {
    const row = rows.find((each) => each.code === line.dataset.entry);
    if (!row) continue;
    const there = present(row);
    line.dataset.present = there ? 'yes' : 'no';
    const chip = line.querySelector('[data-chip]');
    const waits = Boolean(outbox.last(row.code));
    chip.className = `chip ${waits ? 'chip-warn' : there ? 'chip-ok' : ''}`;
    chip.querySelector('.dot').className = `dot ${waits ? 'dot-half' : there ? '' : 'dot-open'}`;
    chip.lastElementChild.textContent = (there ? t('已到') : t('未到')) + (waits ? t('·待发送') : '');
    const button = line.querySelector('[data-toggle]');
    button.textContent = there ? t('撤销') : t('检录');
    button.setAttribute('aria-label', `${there ? t('撤销检录') : t('检录')} ${row.code}`);
  }
}

function say(text, undo) {
  const last = one('last');
  last.hidden = false;
  last.textContent = text;
  if (undo) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'btn';
    button.textContent = t('撤销');
    button.addEventListener('click', () => { outbox.add(undo.code, false); say(t('已撤销 {who}', { who: name(undo) })); });
    last.append(button);
  }
}

const name = (row) => row.people.join(t('、')) || row.title;

function arrive(text) {
  const wanted = text.trim().toLowerCase();
  const row = rows.find((each) => [each.code, each.number].some((code) => code && code.toLowerCase() === wanted));
  if (row) {
    if (present(row)) say(t('{who} 已经到了', { who: name(row) }), row);
    else { outbox.add(row.code, true); say(t('{who} 已检录', { who: name(row) }), row); }
    return true;
  }
  return false;
}

root.addEventListener('submit', (event) => {
  const line = event.target.closest('li[data-entry]');
  event.preventDefault();
  if (line) {
    const row = rows.find((each) => each.code === line.dataset.entry);
    outbox.add(row.code, !present(row));
    return;
  }
  const input = root.querySelector('#typed');
  if (!input.value.trim()) return;
  if (arrive(input.value)) { input.value = ''; filter(''); } else say(t('名单里没有“{text}”', { text: input.value.trim() }));
});

// A name or a unit narrows the list; a code is for the button.
function filter(text) {
  const wanted = text.trim().toLowerCase();
  for (const line of root.querySelectorAll('[data-list] > li')) {
    const row = rows.find((each) => each.code === line.dataset.entry);
    const words = row ? [row.code, row.number, row.title, row.unit, ...row.people].join(' ').toLowerCase() : '';
    line.hidden = Boolean(wanted) && !words.includes(wanted);
  }
}
root.querySelector('#typed').addEventListener('input', (event) => filter(event.target.value));

async function refresh() {
  outbox.pump();
  try {
    const answer = await fetch(data.list, { credentials: 'same-origin', redirect: 'manual' });
    if (!answer.ok) return;
    rows = await answer.json();
    localStorage.setItem(kept, JSON.stringify(rows));
    paint();
  } catch { /* the list that is here stands */ }
}
setInterval(refresh, 10000);
addEventListener('online', refresh);
document.addEventListener('visibilitychange', () => { if (!document.hidden) refresh(); });
addEventListener('beforeunload', (event) => { if (outbox.items.length) event.preventDefault(); });

// Scanning: the camera is there on secure pages alone; typing always works.
const scan = one('scan');
if (navigator.mediaDevices?.getUserMedia) {
  scan.hidden = false;
  let scanner = null;
  let seen = ['', 0];
  scan.addEventListener('click', async () => {
    const video = one('video');
    if (scanner) {
      scanner.destroy();
      scanner = null;
      video.hidden = true;
      scan.textContent = t('扫二维码');
      return;
    }
    try {
      const { default: QrScanner } = await import(data.scanner);
      video.hidden = false;
      scanner = new QrScanner(video, (result) => {
        const [text, at] = seen;
        if (result.data === text && Date.now() - at < 3000) return;
        seen = [result.data, Date.now()];
        if (!arrive(result.data)) say(t('名单里没有“{text}”', { text: result.data.slice(0, 40) }));
      }, { preferredCamera: 'environment', returnDetailedScanResult: true, highlightScanRegion: false });
      await scanner.start();
      scan.textContent = t('停止扫码');
    } catch {
      scanner?.destroy();
      scanner = null;
      video.hidden = true;
      say(t('打不开摄像头：请允许使用摄像头，或手工输入报名号'));
    }
  });
}

paint();
outbox.pump();
