// A page is drawn by pure functions that build a small tree; morph() brings the living page to that tree and leaves
// every element that stays where it is, so that a finger on a key never loses it.

// h('button.btn.key', {data: {key: 7}, 'aria-label': '…'}, 'text', child, [children])
export function h(spec, props = {}, ...children) {
  const [tag, ...classes] = spec.split('.');
  const el = document.createElement(tag || 'div');
  if (classes.length) el.className = classes.join(' ');
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'data') for (const [k, v] of Object.entries(value)) { if (v !== null && v !== undefined && v !== false) el.dataset[k] = v === true ? '' : v; }
    else if (name === 'css') for (const [k, v] of Object.entries(value)) el.style.setProperty(k, v);
    else if (name === 'class') el.classList.add(...String(value).split(' ').filter(Boolean));
    else el.setAttribute(name, value === true ? '' : value);
  }
  add(el, children);
  if (tag === 'button' && !el.hasAttribute('type')) el.type = 'button';
  return el;
}

function add(el, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) add(el, child);
    else el.append(child);
  }
}

export const icon = (name) => h('i.i', { class: `i-${name}`, 'aria-hidden': 'true' });
export const dot = (kind = '') => h('i.dot', { class: kind && `dot-${kind}`, 'aria-hidden': 'true' });

function same(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.nodeType !== 1 || a.getAttribute('data-k') === b.getAttribute('data-k'));
}

export function morph(live, next) {
  if (live.nodeType === 3) {
    if (live.data !== next.data) live.data = next.data;
    return;
  }
  for (const { name } of [...live.attributes]) {
    if (name !== 'style' && name !== 'open' && !next.hasAttribute(name)) live.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (name !== 'style' && live.getAttribute(name) !== value) live.setAttribute(name, value);
  }
  if (live.style.cssText !== next.style.cssText) live.style.cssText = next.style.cssText;
  if (live.nodeName === 'SELECT' || live.nodeName === 'INPUT' || live.nodeName === 'TEXTAREA') {
    if (live.dataset.held === undefined && live.value !== next.value && live !== document.activeElement) live.value = next.value;
  }
  children(live, next);
  if (live.nodeName === 'SELECT' && live.dataset.held === undefined) live.value = next.value;
}

function children(live, next) {
  const wanted = [...next.childNodes];
  let at = live.firstChild;
  for (const node of wanted) {
    let found = at;
    while (found && !same(found, node)) found = found.nextSibling;
    // A keyed element further on is moved up only by dropping what stands between: order hardly ever changes here
    if (!found || (found !== at && !(node.nodeType === 1 && node.hasAttribute('data-k')))) {
      live.insertBefore(node, at);
      continue;
    }
    while (at !== found) { const gone = at; at = at.nextSibling; gone.remove(); }
    morph(found, node);
    at = found.nextSibling;
  }
  while (at) { const gone = at; at = at.nextSibling; gone.remove(); }
}

// One listener for a kind of event on the whole page: handler(element with data-action, event)
export function onAction(root, handler) {
  root.addEventListener('click', (event) => {
    const el = event.target.closest('[data-action]');
    if (!el || !root.contains(el) || el.nodeName === 'SELECT' || el.nodeName === 'FORM') return;
    handler(el, event);
  });
}

export function pageData() {
  return JSON.parse(document.getElementById('page-data').textContent);
}
