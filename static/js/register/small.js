// A small improvement on a poor network: what is typed stays on the phone until the server has it, and sending it again
// with the same operation id is the same improvement. Without this script the form is sent as any other.
import { t } from '../shared/strings.js';

const form = document.querySelector('[data-small]');
const KEY = `leitai.small.${form.dataset.small}`;
const TEXTS = ['title', 'before', 'after', 'effect', 'co_authors', 'op'];
const saved = document.querySelector('[data-kept]');
const button = form.querySelector('.btn-primary');

function store(kept) {
  try {
    if (kept) localStorage.setItem(KEY, JSON.stringify(kept));
    else localStorage.removeItem(KEY);
    return true;
  } catch { return false; }   // a private window keeps nothing
}

function keep() {
  const kept = {};
  for (const name of TEXTS) kept[name] = form.elements[name].value;
  if (store(kept)) saved.textContent = t('已存在手机上 ✓');
}

let kept = null;
try { kept = JSON.parse(localStorage.getItem(KEY) || 'null'); } catch { /* nothing kept */ }
// What the server gives back (a refused form) is newer than what the phone kept.
if (kept && !form.dataset.refused) {
  for (const name of TEXTS) if (kept[name]) form.elements[name].value = kept[name];
  saved.textContent = t('接着上次写的');
}
form.addEventListener('input', keep);

form.addEventListener('submit', async (event) => {
  if (event.submitter && event.submitter.value === 'find') return;   // the server finds units
  event.preventDefault();
  keep();
  const words = button.textContent;
  button.setAttribute('aria-disabled', 'true');
  button.textContent = t('正在提交…');
  document.querySelector('[data-told]').replaceChildren();
  try {
    const response = await fetch(form.action, { method: 'POST', body: new FormData(form), headers: { Accept: 'application/json' } });
    const answer = await response.json();
    if (answer.ok) {
      store(null);
      location.assign(answer.location);
      return;
    }
    tell(answer.problems || {}, answer.message);
  } catch {
    tell({}, t('网络不通，内容已存在手机上。有信号时再按一次“提交”，不会重复。'));
  }
  button.removeAttribute('aria-disabled');
  button.textContent = words;
});

function tell(problems, message) {
  for (const place of form.querySelectorAll('[data-says]')) {
    const sentence = problems[place.dataset.says];
    const input = document.getElementById(place.dataset.says);
    place.replaceChildren(...(sentence ? [line(sentence)] : []));
    if (input) input.toggleAttribute('aria-invalid', Boolean(sentence));
  }
  const top = document.querySelector('[data-told]');
  const known = [...form.querySelectorAll('[data-says]')].some((place) => problems[place.dataset.says]);
  top.replaceChildren(...(known || !message ? [] : [line(message)]));
  (form.querySelector('[aria-invalid]') || top).scrollIntoView({ block: 'center' });
}

function line(sentence) {
  const p = document.createElement('p');
  p.className = 'says says-red';
  const icon = document.createElement('i');
  icon.className = 'i i-alert';
  const words = document.createElement('span');
  words.textContent = sentence;
  p.append(icon, words);
  return p;
}

form.dataset.ready = '';
