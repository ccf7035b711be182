// Resumable uploads: each file input of a form becomes a tus upload with progress, pause and resume. Without this
// script the forms send their file in one go.
import { t } from '../shared/strings.js';

const { Upload, isSupported } = window.tus || {};
const PART = 4 * 1024 * 1024;
const DELAYS = [0, 1000, 3000, 5000, 10000, 20000, 30000, 60000];

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function megabytes(bytes) {
  return (bytes / 1048576).toFixed(1);
}

function row(file) {
  const root = element('div', 'file is-sending');
  const icon = element('i', 'i i-file');
  const words = element('div');
  const name = element('b', '', file.name);
  const note = element('small', 'muted', '');
  words.append(name, document.createElement('br'), note);
  const share = element('strong', 'num', '0%');
  const bar = element('div', 'progress receipt-bar');
  bar.setAttribute('role', 'progressbar');
  bar.setAttribute('aria-label', file.name);
  bar.setAttribute('aria-valuemin', '0');
  bar.setAttribute('aria-valuemax', '100');
  const fill = element('i');
  bar.append(fill);
  const keys = element('div', 'row file-keys');
  const pause = element('button', 'btn btn-quiet', t('暂停'));
  const cancel = element('button', 'btn btn-quiet', t('取消'));
  pause.type = cancel.type = 'button';
  keys.append(pause, cancel);
  root.append(icon, words, share, bar, keys);
  return {
    root, pause, cancel,
    say(text, bad = false) {
      note.textContent = text;
      note.className = bad ? 'says-red' : 'muted';
      if (bad) note.setAttribute('role', 'alert');
    },
    show(sent, all) {
      const percent = all ? Math.floor((sent / all) * 100) : 0;
      share.textContent = `${percent}%`;
      fill.style.width = `${percent}%`;
      bar.setAttribute('aria-valuenow', String(percent));
      note.textContent = t('{sent} / {all} MB · 断了会接着传', { sent: megabytes(sent), all: megabytes(all) });
      note.className = 'muted';
    },
    end() { keys.remove(); },
  };
}

function sentence(error) {
  const answer = error && error.originalResponse;
  if (answer) {
    try {
      const said = JSON.parse(answer.getBody()).error.message;
      if (said) return said;
    } catch { /* no sentence of ours */ }
    if (answer.getStatus() === 401 || answer.getStatus() === 302) return t('登录已过期。请重新登录，再选同一个文件，会接着传。');
  }
  return t('网络断开。联网后点“继续”，会接着传。');
}

async function refresh(id) {
  // Only the list of this rule is fetched anew: what has been typed elsewhere on the page stays as it is, and so do
  // the files that are still on their way.
  const answer = await fetch(location.pathname, { headers: { Accept: 'text/html' } });
  const fresh = answer.ok && new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById(id);
  const rule = document.getElementById(id);
  if (!fresh || !rule) return;
  const put = document.importNode(fresh, true);
  put.querySelector('.file-list').append(...rule.querySelectorAll('.file.is-sending'));
  rule.replaceWith(put);
  enhance(put.closest('[data-uploads]'), put);
  document.dispatchEvent(new Event('registration:files'));
}

async function settled(root, id, address) {
  // The job process looks through the file; its word is shown as soon as it is there.
  for (let wait = 400; ; wait = Math.min(wait * 1.5, 5000)) {
    await new Promise((done) => { setTimeout(done, wait); });
    if (!root.isConnected) return;
    try {
      const answer = await fetch(address, { headers: { Accept: 'application/json' } });
      if (!answer.ok) return;
      if (!['ready', 'refused'].includes((await answer.json()).state)) continue;
      root.classList.remove('is-sending');
      await refresh(id);
      return;
    } catch { /* asked again */ }
  }
}

function send(section, rule, file) {
  const shown = row(file);
  rule.querySelector('.file-list').append(shown.root);
  const most = Number(rule.dataset.max);
  if (file.size > most) {
    shown.say(t('文件有 {mb} MB，最多 {most} MB。请压缩后再上传。', { mb: megabytes(file.size), most: megabytes(most) }), true);
    shown.end();
    return;
  }
  const upload = new Upload(file, {
    endpoint: section.dataset.endpoint,
    chunkSize: PART,
    retryDelays: DELAYS,
    removeFingerprintOnSuccess: true,
    headers: { 'X-CSRFToken': section.dataset.token },
    metadata: { filename: file.name, registration: section.dataset.registration, rule: rule.dataset.rule },
    fingerprint: async () => ['leitai', section.dataset.registration, rule.dataset.rule, file.name, file.size, file.lastModified].join('|'),
    onShouldRetry(error) {
      const status = error.originalResponse ? error.originalResponse.getStatus() : 0;
      return status === 0 || status === 409 || status === 423 || status === 429 || status >= 500;
    },
    onProgress: (sent, all) => shown.show(sent, all),
    onError(error) {
      shown.say(sentence(error), true);
      shown.pause.textContent = t('继续');
      shown.pause.dataset.paused = '1';
    },
    onSuccess() {
      shown.show(file.size, file.size);
      shown.say(t('已收到，正在检查'));
      shown.end();
      settled(shown.root, rule.id, upload.url);
    },
  });
  shown.pause.addEventListener('click', () => {
    if (shown.pause.dataset.paused) {
      delete shown.pause.dataset.paused;
      shown.pause.textContent = t('暂停');
      upload.start();
    } else {
      upload.abort();
      shown.pause.dataset.paused = '1';
      shown.pause.textContent = t('继续');
    }
  });
  shown.cancel.addEventListener('click', async () => {
    await upload.abort(true).catch(() => {});
    shown.root.remove();
  });
  upload.findPreviousUploads().then((known) => {
    if (known.length) upload.resumeFromPreviousUpload(known[0]);
    upload.start();
  });
}

function enhance(section, rule) {
  for (const form of rule.querySelectorAll('form.file-add')) {
    const input = form.querySelector('input[type=file]');
    const button = form.querySelector('button');
    form.classList.add('is-enhanced');
    if (Number(rule.dataset.most) > 1) input.multiple = true;
    button.type = 'button';
    button.addEventListener('click', () => input.click());
    input.addEventListener('change', () => {
      for (const file of input.files) send(section, rule, file);
      input.value = '';
    });
    form.addEventListener('submit', (event) => event.preventDefault());
  }
  for (const file of rule.querySelectorAll('.file[data-state=checking]')) {
    settled(file, rule.id, `${section.dataset.endpoint}/${file.dataset.key}`);
  }
}

function begin() {
  if (!Upload || !isSupported) return;
  for (const section of document.querySelectorAll('[data-uploads]')) {
    for (const rule of section.querySelectorAll('[data-rule]')) enhance(section, rule);
  }
}

begin();
