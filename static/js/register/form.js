// The registration form: what is missing appears beside its field while one types; units are found by a part of their
// name. Without this script the form says the same on every save, and "查找" finds units.
import { t } from '../shared/strings.js';

const root = document.querySelector('[data-register]');
const form = document.getElementById('registration-form');
const saved = root.querySelector('[data-saved]');
const count = root.querySelector('[data-count]');
const PAUSE = 450;
let timer = 0;
let turn = 0;
let touched = false;

function values() {
  const found = {};
  for (const [name, value] of new FormData(form)) {
    if (name !== 'csrf_token' && name !== 'version' && typeof value === 'string') (found[name] ||= []).push(value);
  }
  // A group of boxes of which none is ticked sends nothing, and that is an answer, too.
  for (const input of form.querySelectorAll('input[type=checkbox][name^="f-"]')) found[input.name] ||= [];
  return found;
}

function line(kind, sentence) {
  const p = document.createElement('p');
  p.className = `says ${kind}`;
  const icon = document.createElement('i');
  icon.className = kind ? 'i i-alert' : 'i i-info';
  const words = document.createElement('span');
  words.textContent = sentence;
  p.append(icon, words);
  return p;
}

function show(answer) {
  for (const place of root.querySelectorAll('[data-says]')) {
    const name = place.dataset.says;
    const missing = answer.missing[name] || [];
    const lines = [...missing.map((one) => line('says-warn', one)), ...(answer.notes[name] || []).map((one) => line('', one))];
    // Nothing is announced again that already stands there.
    const words = lines.map((one) => one.textContent).join('\n');
    if (place.dataset.words !== words) {
      place.replaceChildren(...lines);
      place.dataset.words = words;
    }
    const input = document.getElementById(name);
    if (input && !missing.length) input.removeAttribute('aria-invalid');
  }
  count.textContent = answer.count ? t('还差 {n} 项', { n: answer.count }) : t('内容已齐');
}

async function check() {
  const mine = ++turn;
  try {
    const response = await fetch(root.dataset.check, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-CSRFToken': root.dataset.token },
      body: JSON.stringify(values()),
    });
    if (!response.ok || mine !== turn) return;   // a later answer is on its way, or the form says it on saving
    show(await response.json());
  } catch { /* no network: saving will say it */ }
}

function changed(event) {
  if (event.target.matches('[data-unit-search]')) return;
  touched = true;
  saved.textContent = t('未保存');
  saved.dataset.state = 'waiting';
  clearTimeout(timer);
  timer = setTimeout(check, event.type === 'change' ? 0 : PAUSE);
}

document.addEventListener('registration:files', check);
form.addEventListener('input', changed);
form.addEventListener('change', changed);
form.addEventListener('submit', () => { touched = false; });
// Whatever leaves the page with something typed is asked first, the other forms of the page as well.
window.addEventListener('beforeunload', (event) => { if (touched) event.preventDefault(); });

const search = root.querySelector('[data-unit-search]');
const list = root.querySelector('[data-unit-list]');
let looking = 0;

function option(unit) {
  const label = document.createElement('label');
  label.className = 'check';
  const radio = document.createElement('input');
  radio.type = 'radio';
  radio.name = 'unit';
  radio.value = unit.code;
  const words = document.createElement('span');
  const name = document.createElement('b');
  name.textContent = unit.name;
  const above = document.createElement('span');
  above.className = 'faint';
  above.textContent = unit.above ? ` ${unit.above}` : '';
  words.append(name, above);
  label.append(radio, words);
  return label;
}

async function find() {
  const text = search.value.trim();
  const mine = ++looking;
  if (!text) return;
  const platform = form.elements['p-employment']?.value === 'platform';
  try {
    const response = await fetch(`${root.dataset.units}?${new URLSearchParams({ q: text, unions: platform ? '1' : '' })}`);
    if (!response.ok || mine !== looking) return;
    const { units } = await response.json();
    const chosen = list.querySelector(':checked')?.closest('label');
    const code = chosen?.querySelector('input').value;
    list.replaceChildren(...(chosen ? [chosen] : []), ...units.filter((unit) => unit.code !== code).map(option));
    let none = root.querySelector('[data-none]');
    if (!units.length && !none) {
      none = line('says-warn', t('没有查到。换个简称试试，或联系单位工会登记。'));
      none.dataset.none = '';
      list.after(none);
    } else if (units.length && none) none.remove();
  } catch { /* the button finds them, too */ }
}

let pause = 0;
search.addEventListener('input', () => { clearTimeout(pause); pause = setTimeout(find, PAUSE); });
search.addEventListener('keydown', (event) => {
  if (event.key === 'Enter') { event.preventDefault(); find(); }
});

// The platform's name is asked of those alone who work for one.
const employment = form.elements['p-employment'];
const platform = form.querySelector('[data-person="platform"]');
function ask() { if (platform) platform.hidden = employment.value !== 'platform'; }
if (employment) { employment.addEventListener('change', ask); ask(); }

root.dataset.ready = '';
