// A form of the editor: rows are added, moved and taken away without a round trip; what is not saved is said.
import { decorate } from './rows.js';

const form = document.getElementById('edit');
const unsaved = form.querySelector('[data-unsaved]');
let leaving = false;

function changed() {
  unsaved.hidden = false;
  form.dataset.typed = '1';
}

function kinds(row) {
  const kind = row.querySelector('select[name$="-kind"]');
  if (!kind) return;
  for (const part of row.querySelectorAll('[data-when]')) part.hidden = !part.dataset.when.split(' ').includes(kind.value);
}

// A trade that the dictionary knows brings its code along.
function occupation(input) {
  const known = [...document.querySelectorAll('#occupations option')].find((one) => one.value === input.value);
  const code = input.closest('[data-row]')?.querySelector('[name$="-occupation_code"]');
  if (known && code && !code.value) code.value = known.dataset.code;
}

decorate(form, changed);
form.addEventListener('input', changed);
form.addEventListener('change', (event) => {
  const row = event.target.closest('[data-row]');
  if (row) kinds(row);
  if (event.target.getAttribute('list') === 'occupations') occupation(event.target);
});
form.addEventListener('submit', () => { leaving = true; });
window.addEventListener('beforeunload', (event) => {
  if (form.dataset.typed && !leaving) event.preventDefault();
});
for (const link of document.querySelectorAll('[data-discard]')) link.addEventListener('click', () => { leaving = true; });
if (form.dataset.typed) unsaved.hidden = false;
document.documentElement.classList.add('scripted');
