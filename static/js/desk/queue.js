// The outbox of a tablet. Every mark has an op of its own, is kept by the store before it is sent, goes out in order,
// and leaves only by the server's answer: stored, or refused and then shown until somebody settles it.
// The store is {load() → Promise<state|null>, save(state) → Promise}; localStorage is one, a database may be another.

export function uuid() {
  const b = crypto.getRandomValues(new Uint8Array(16));
  b[6] = (b[6] & 0x0f) | 0x40;
  b[8] = (b[8] & 0x3f) | 0x80;
  const x = [...b].map((n) => n.toString(16).padStart(2, '0')).join('');
  return `${x.slice(0, 8)}-${x.slice(8, 12)}-${x.slice(12, 16)}-${x.slice(16, 20)}-${x.slice(20)}`;
}

export function localStore(key) {
  return {
    async load() {
      try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
    },
    async save(state) { localStorage.setItem(key, JSON.stringify(state)); },
  };
}

const LATER = ['too_many'];      // told to come again: not a refusal
const WAITS = ['not_open', 'locked', 'forbidden', 'not_expected']; // may hold later, as the very same op

export class Queue {
  // send(items) → Promise of their answers, in order; rejects where nothing is known of the outcome
  // batch() → how many may go in one message · revisionOf(cell) → the last acknowledged revision
  constructor({ store, send, batch = () => 1, revisionOf, onAnswer, onChange, onKept = () => {} }) {
    Object.assign(this, { store, send, batch, revisionOf, onAnswer, onChange, onKept });
    this.items = [];
    this.refused = [];
    this.running = false;
    this.kept = true;
  }

  async load() {
    const state = await this.store.load();
    if (state) {
      this.items = state.items || [];
      this.refused = state.refused || [];
    }
  }

  async save() {
    try {
      await this.store.save({ items: this.items, refused: this.refused });
      this.kept = true;
    } catch { this.kept = false; }
    this.onKept(this.kept);
  }

  last(cell) { return this.items.findLast((i) => i.cell === cell); }
  refusal(cell) { return this.refused.find((i) => i.cell === cell); }
  waiting(sheet) { return sheet ? this.items.filter((i) => i.sheet === sheet).length : this.items.length; }
  submitting(sheet) { return this.items.some((i) => i.sheet === sheet && i.event === 'submit'); }

  // A new mark settles what was refused on its cell before
  mark(body, cell, sheet) {
    const refused = this.refusal(cell);
    const last = this.last(cell);
    const base = last ? { after: last.body.op } : Math.max(this.revisionOf(cell), Number(refused?.stored?.revision ?? 0));
    this.refused = this.refused.filter((i) => i !== refused && !(i.event === 'submit' && i.sheet === sheet));
    return this.add('mark', { ...body, base }, cell, sheet);
  }

  add(event, body, cell, sheet) {
    const item = { event, body: { ...body, op: uuid() }, cell, sheet, sent: false };
    if (event !== 'mark') this.refused = this.refused.filter((i) => i.cell !== cell);
    this.items.push(item);
    this.save();
    this.onChange();
    this.pump();
    return item.body.op;
  }

  // Refused for the moment (a pause, a lock): the same op again, once the reason may be gone
  retry(may = () => true) {
    const again = this.refused.filter((i) => WAITS.includes(i.error.code) && may(i));
    for (const item of again) this.again(item);
  }

  again(item) {
    this.refused = this.refused.filter((i) => i !== item);
    const { error, stored, ...rest } = item;
    if (!WAITS.includes(error.code)) rest.body = { ...rest.body, op: uuid() };
    if (rest.event === 'mark' && error.code === 'conflict') rest.body.base = Math.max(this.revisionOf(rest.cell), Number(stored?.revision ?? 0));
    this.items.push(rest);
    this.save();
    this.onChange();
    this.pump();
  }

  drop(item) {
    this.refused = this.refused.filter((i) => i !== item);
    this.save();
    this.onChange();
  }

  // Marks may travel together; a submit goes alone, after all marks before it have their answers
  next() {
    const many = Math.max(1, this.batch());
    if (this.items[0].event !== 'mark') return this.items.slice(0, 1);
    const stop = this.items.findIndex((i) => i.event !== 'mark');
    return this.items.slice(0, Math.min(many, stop < 0 ? many : stop));
  }

  async pump() {
    if (this.running) return;
    this.running = true;
    try {
      while (this.items.length) {
        const going = this.next();
        const first = going.filter((i) => !i.sent);
        for (const item of first) item.sent = true;
        if (first.length) await this.save();
        const answers = await this.send(going.map((i) => ({ event: i.event, ...i.body })));
        for (let n = 0; n < going.length; n += 1) if (this.settle(going[n], answers[n]) === 'later') throw new Error('later');
      }
    } catch { /* the outcome is not known: they stay, and the same ops go out again */ }
    this.running = false;
    this.onChange();
  }

  settle(item, answer) {
    if (!this.items.includes(item) || !answer) return 'later';
    const error = answer.ok ? null : answer.error || { code: 'bad_request', message: '' };
    if (error && LATER.includes(error.code)) return 'later';
    if (error && error.code === 'signed_out') {
      this.onAnswer(item, answer);
      return 'later';
    }
    this.items = this.items.filter((i) => i !== item);
    if (error) this.refuse(item, error, answer);
    this.save();
    this.onAnswer(item, answer);
    this.onChange();
    return error ? 'refused' : 'stored';
  }

  refuse(item, error, answer) {
    const value = error.value !== undefined ? error.value : answer.value;
    const revision = error.revision ?? answer.revision;
    const stored = revision === undefined ? null : { value: value ?? null, revision };
    // Only the judge's latest word on a cell is worth asking about; later ones not yet sent take its place
    const later = this.items.filter((i) => i.cell === item.cell && i.event === 'mark');
    const latest = error.code === 'conflict' && later.length ? later.at(-1) : null;
    if (latest) this.items = this.items.filter((i) => !later.includes(i));
    else for (const i of later) if (i.body.base?.after === item.body.op) i.body = { ...i.body, base: item.body.base, op: i.sent ? uuid() : i.body.op };
    const superseded = later.length && !latest;
    // The same refusal comes back for the same cell: the latest stands
    this.refused = this.refused.filter((i) => i.cell !== item.cell);
    if (!superseded) this.refused.push({ ...(latest || item), error, stored });
    // A sheet with a mark that was not taken is not handed in behind its judge's back
    if (item.event === 'mark') this.items = this.items.filter((i) => !(i.event === 'submit' && i.sheet === item.sheet));
  }
}
