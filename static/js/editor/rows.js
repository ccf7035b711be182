// Lists of rows in a form: the buttons that post without a script work here in place.
let fresh = 0;

function renumber(list) {
  const rows = [...list.children];
  rows.forEach((row, at) => {
    const number = row.querySelector('[data-number]');
    if (number) number.textContent = at + 1;
    for (const button of row.querySelectorAll('[data-do]')) {
      const stuck = (button.dataset.do === 'up' && at === 0) || (button.dataset.do === 'down' && at === rows.length - 1);
      button.toggleAttribute('aria-disabled', false);
      if (stuck) button.setAttribute('aria-disabled', 'true');
    }
  });
}

export function newRow(template) {
  fresh += 1;
  const holder = document.createElement('template');
  holder.innerHTML = template.innerHTML.replaceAll('__KEY__', `n${fresh}${Date.now().toString(36)}`);
  return holder.content.firstElementChild;
}

export function decorate(form, changed) {
  form.addEventListener('click', (event) => {
    const button = event.target.closest('[data-do]');
    const set = button?.closest('[data-rows]');
    if (!set) return;
    event.preventDefault();
    if (button.getAttribute('aria-disabled') === 'true') return;
    const list = set.querySelector('ol');
    const row = button.closest('[data-row]');
    let focus = button;
    if (button.dataset.do === 'add') {
      const made = newRow(set.querySelector('template'));
      list.append(made);
      focus = made.querySelector('input:not([type="hidden"]), select, textarea');
    } else if (button.dataset.do === 'up') row.previousElementSibling?.before(row);
    else if (button.dataset.do === 'down') row.nextElementSibling?.after(row);
    else if (button.dataset.do === 'remove') {
      const next = row.nextElementSibling || row.previousElementSibling;
      row.remove();
      focus = next?.querySelector('[data-do="remove"]') || set.querySelector('[data-do="add"]');
    }
    const none = set.querySelector('[data-none]');
    if (none) none.hidden = list.children.length > 0;
    renumber(list);
    changed();
    focus?.focus();
  });
  for (const list of form.querySelectorAll('[data-rows] > ol')) renumber(list);
}
