// Words of the page. The Chinese sentence is the key; the catalogue in the page gives the other language.
const holder = typeof document === 'undefined' ? null : document.getElementById('strings');
let catalogue = (holder && holder.textContent.trim() && JSON.parse(holder.textContent)) || {};

// A page that carries no words itself may name where they are
if (holder && holder.dataset.src && !Object.keys(catalogue).length) {
  try {
    catalogue = await (await fetch(holder.dataset.src)).json();
  } catch { /* the Chinese words stand */ }
}

export function t(text, values = {}) {
  const found = text in catalogue ? catalogue[text] : text;   // an empty word is a word too
  return found.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

// A list inside a sentence: 、 in Chinese, a comma elsewhere.
export function listed(words) {
  return words.join(t('、'));
}
