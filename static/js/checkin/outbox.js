// What this phone has done and the server may not know yet. Kept before it is sent, in order; an operation leaves only
// by the server's answer. The same operation sent twice changes nothing there.
export function uuid() {
  const b = crypto.getRandomValues(new Uint8Array(16));
  b[6] = (b[6] & 0x0f) | 0x40;
  b[8] = (b[8] & 0x3f) | 0x80;
  const x = [...b].map((n) => n.toString(16).padStart(2, '0')).join('');
  return `${x.slice(0, 8)}-${x.slice(8, 12)}-${x.slice(12, 16)}-${x.slice(16, 20)}-${x.slice(20)}`;
}

export class Outbox {
  // send(items) → Promise of answers in order; rejects where nothing is known of the outcome
  constructor({ key, send, onChange, onAnswer }) {
    Object.assign(this, { key, send, onChange, onAnswer });
    this.kept = true;
    this.busy = false;
    this.delay = 1000;
    try { this.items = JSON.parse(localStorage.getItem(key)) || []; } catch { this.items = []; }
  }

  save() {
    try {
      localStorage.setItem(this.key, JSON.stringify(this.items));
      this.kept = true;
    } catch { this.kept = false; }
  }

  add(entry, present) {
    this.items.push({ op: uuid(), entry, present, at: new Date().toISOString() });
    this.save();
    this.onChange();
    this.pump();
  }

  last(entry) { return this.items.findLast((item) => item.entry === entry); }

  async pump() {
    if (this.busy || !this.items.length) return;
    this.busy = true;
    clearTimeout(this.timer);
    const batch = this.items.slice(0, 100);
    try {
      const answers = await this.send(batch);
      const done = new Set(answers.map((answer) => answer.op));
      this.items = this.items.filter((item) => !done.has(item.op));
      this.save();
      answers.forEach((answer, place) => this.onAnswer(batch[place], answer));
      this.delay = 1000;
    } catch {
      this.delay = Math.min(this.delay * 2, 15000);
    }
    this.busy = false;
    this.onChange();
    if (this.items.length) this.timer = setTimeout(() => this.pump(), this.delay);
  }
}
