// What this seat has to mark, and how far it is: the server's answer to `open`, with what waits on the tablet laid over it.
import { leaves, sum, sumPlaces, wholeText, fault, JUDGED } from './rubric.js';
import { complete } from './figure.js';
import { rounded, shown } from '../shared/decimal.js';

const TIME = '@time';
// A seat's stage, a sheet of it, a cell of the sheet; somebody with two seats has each stage twice
export const stageKey = (s) => [s.track, s.stage, s.judge ?? ''].join('/');
export const sheetKey = (s) => [stageKey(s), s.entry, s.attempt ?? 1].join('/');
export const cellKey = (sheet, criterion) => `${sheet}/${criterion}`;

export const byNumber = (a, b) => String(a).localeCompare(String(b), 'en', { numeric: true });

export class Model {
  // kinds: which leaves this seat marks; timed: the recorder's page, where an entry's time stands below its leaves
  constructor({ kinds, timed = false, label = '' }) {
    Object.assign(this, { kinds, timed, label, ready: false, phase: null, seats: [], stages: [], sheets: new Map(), times: new Map(), drafts: {}, undo: {} });
    this.queue = null;
    this.leafCache = new Map();
  }

  // The seats of this page: the recorder's, or those judges' that its label names (a chief is told of all)
  own(answer) {
    const sheets = (answer.sheets || []).filter((s) => this.timed === ((s.judge ?? null) === null));
    const named = new Set(this.label.split(/[\s、,，·:：]+/));
    const mine = sheets.filter((s) => named.has(s.judge));
    return mine.length ? mine : sheets;
  }

  // What the tablet keeps is kept for the seat, whoever else may sit down at the same tablet
  seatName(answer) {
    if (this.timed) return 'recorder';
    const all = [...new Set([...this.own(answer), ...(this.own(answer).length ? [] : (answer.seats || []))].map((s) => s.judge ?? ''))].sort();
    return all.join('+');
  }

  open(answer) {
    this.ready = true;
    this.phase = answer.phase ?? null;
    this.seats = answer.seats || [];
    this.leafCache.clear();
    const fresh = new Map();
    for (const s of this.own(answer)) {
      const key = sheetKey(s);
      const known = this.sheets.get(key);
      const marks = new Map((s.marks || []).map((m) => [m.criterion, { value: m.value ?? null, revision: m.revision ?? 0 }]));
      // An acknowledgement may have overtaken this answer: the higher revision is the newer
      for (const [criterion, m] of known?.marks ?? []) if (m.revision > (marks.get(criterion)?.revision ?? 0)) marks.set(criterion, m);
      fresh.set(key, { ...s, attempt: s.attempt ?? 1, key, marks, reason: s.reason ?? (known?.state === s.state ? known?.reason : null) });
    }
    this.sheets = fresh;
    for (const time of answer.timings || answer.times || []) this.times.set([time.track, time.stage, time.entry].join('/'), time.seconds);
    const mine = new Set([...fresh.values()].map(stageKey)), judges = [...new Set([...fresh.values()].map((s) => s.judge ?? null))].sort();
    this.several = judges.length > 1;
    const why = new Map(this.stages.map((s) => [`${s.track}/${s.stage}/${s.window}`, s.reason]));   // told with the change, not with the state
    this.stages = (answer.stages || []).flatMap((s) => judges.map((judge) => ({ reason: why.get(`${s.track}/${s.stage}/${s.window}`), ...s, judge }))).filter((s) => mine.has(stageKey(s)) && this.leaves(s).length);
  }

  stage(key) { return this.stages.find((s) => stageKey(s) === key) ?? null; }
  stageOf(sheet) { return this.stage(stageKey(sheet)); }

  leaves(stage) {
    const key = stageKey(stage);
    if (!this.leafCache.has(key)) {
      const list = leaves(stage.criteria, this.kinds);
      if (this.timed && list.length) list.push({ code: TIME, title: null, note: '', kind: 'time', headings: [], descriptors: [], min: '0', max: '0', step: null, factor: '1' });
      this.leafCache.set(key, list);
    }
    return this.leafCache.get(key);
  }

  leaf(sheet, criterion) { return this.leaves(this.stageOf(sheet)).find((l) => l.code === criterion) ?? null; }
  needed(sheet) { return this.leaves(this.stageOf(sheet)).filter((l) => l.kind !== 'time'); }

  // The way the next key goes: an entry's time is on it only where judges mark too; a written paper has none
  way(sheet) {
    const stage = this.stageOf(sheet), judged = leaves(stage.criteria, JUDGED).length > 0;
    return this.leaves(stage).filter((l) => l.kind !== 'time' || judged || this.value(sheet, l.code) !== null);
  }

  // The sheets of a stage and attempt, in the order of their numbers
  list(key, attempt) {
    return [...this.sheets.values()].filter((s) => stageKey(s) === key && s.attempt === attempt && s.expected !== false).sort((a, b) => byNumber(a.entry, b.entry));
  }

  attempts(key) {
    return [...new Set([...this.sheets.values()].filter((s) => stageKey(s) === key).map((s) => s.attempt))].sort((a, b) => a - b);
  }

  stored(sheet, criterion) {
    if (criterion === TIME) return this.times.get([sheet.track, sheet.stage, sheet.entry].join('/')) ?? null;
    return sheet.marks.get(criterion)?.value ?? null;
  }

  revisionOf(cell) {
    const at = cell.lastIndexOf('/');
    return this.sheets.get(cell.slice(0, at))?.marks.get(cell.slice(at + 1))?.revision ?? 0;
  }

  // The last value that became a mark on this tablet, sent or not; else what the server holds
  marked(sheet, criterion) {
    const cell = cellKey(sheet.key, criterion);
    const item = this.queue.last(cell) ?? this.queue.refusal(cell);
    if (!item) return this.stored(sheet, criterion);
    return (criterion === TIME ? item.body.seconds : item.body.value) ?? null;
  }

  draft(sheet, criterion) { return this.drafts[cellKey(sheet.key, criterion)] ?? null; }

  // What the judge sees in the cell: the figure under the finger where it can stand, else the mark
  value(sheet, criterion) {
    const draft = this.draft(sheet, criterion);
    if (!draft) return this.marked(sheet, criterion);
    const leaf = this.leaf(sheet, criterion), value = complete(leaf, draft.text);
    return value === null || !fault(leaf, value) ? value : this.marked(sheet, criterion);
  }

  faultOf(sheet, criterion) {
    const draft = this.draft(sheet, criterion), leaf = this.leaf(sheet, criterion);
    if (!draft || !leaf) return null;
    const value = complete(leaf, draft.text);
    return value === null ? null : fault(leaf, value);
  }

  // Whether a figure would be a new mark
  changed(sheet, criterion) {
    const draft = this.draft(sheet, criterion);
    return Boolean(draft) && complete(this.leaf(sheet, criterion), draft.text) !== this.marked(sheet, criterion);
  }

  missing(sheet) {
    return this.needed(sheet).filter((l) => this.value(sheet, l.code) === null || this.faultOf(sheet, l.code));
  }

  refusals(sheet) { return this.queue.refused.filter((i) => !sheet || i.sheet === sheet.key); }

  // Marks that were not taken; a hand-in that was refused may simply be tried again
  unsettled(sheet) { return this.refusals(sheet).filter((i) => i.event !== 'submit'); }

  openDrafts(sheet) {
    return Object.keys(this.drafts).filter((cell) => {
      const at = cell.lastIndexOf('/'), owner = this.sheets.get(cell.slice(0, at));
      return owner && (!sheet || owner === sheet) && this.leaf(owner, cell.slice(at + 1)) && this.changed(owner, cell.slice(at + 1));
    }).length;
  }

  // How many touches the server has not confirmed yet
  waiting(sheet) { return this.queue.waiting(sheet?.key) + this.openDrafts(sheet); }

  total(sheet) {
    const stage = this.stageOf(sheet), list = this.needed(sheet);
    const value = sum(list, (l) => this.value(sheet, l.code));
    return shown(rounded(value, sumPlaces(list, stage)));
  }

  touched(sheet) { return this.needed(sheet).some((l) => this.value(sheet, l.code) !== null); }
  maximum(sheet) { return wholeText(this.needed(sheet), this.stageOf(sheet)); }

  phaseOf(sheet) {
    const own = this.stageOf(sheet)?.phase;
    return own ?? (this.phase && typeof this.phase === 'object' ? this.phase[sheet.track] : this.phase) ?? 'scoring';
  }

  // null: marks are taken; else why not
  closed(sheet) {
    if (this.queue.submitting(sheet.key)) return 'submitting';
    if (sheet.state === 'submitted') return 'submitted';
    const phase = this.phaseOf(sheet), window = this.stageOf(sheet)?.window ?? 'open';
    if (phase === 'review' && sheet.state === 'reopened') return null;
    if (phase !== 'scoring') return 'phase';
    return window === 'open' ? null : window;
  }

  // ---- answers and events ----
  answered(item, answer) {
    const sheet = this.sheets.get(item.sheet);
    if (!answer.ok) {
      const error = answer.error || {};
      const value = error.value !== undefined ? error.value : answer.value, revision = error.revision ?? answer.revision;
      if (sheet && error.code === 'conflict' && revision !== undefined) sheet.marks.set(item.body.criterion, { value: value ?? null, revision });
      return;
    }
    if (item.event === 'time') this.times.set([item.body.track, item.body.stage, item.body.entry].join('/'), item.body.seconds);
    if (!sheet) return;
    if (item.event === 'submit') sheet.state = 'submitted';
    if (item.event === 'mark' && (sheet.marks.get(item.body.criterion)?.revision ?? 0) < answer.revision) {
      sheet.marks.set(item.body.criterion, { value: item.body.value, revision: answer.revision });
    }
  }

  event(name, data) {
    if (name === 'window') {
      for (const s of this.stages) if (s.track === data.track && s.stage === data.stage) Object.assign(s, { window: data.state, reason: data.reason });
    } else if (name === 'phase') {
      for (const s of this.stages) if (!data.track || s.track === data.track) s.phase = data.phase;
      if (!data.track) this.phase = data.phase;
    } else if (name === 'sheet') {
      const sheet = this.sheets.get(sheetKey(data));
      if (!sheet) return false;
      sheet.state = data.state ?? sheet.state;
      sheet.reason = data.reason ?? null;
      for (const m of data.marks || []) {
        if ((sheet.marks.get(m.criterion)?.revision ?? 0) <= m.revision) sheet.marks.set(m.criterion, { value: m.value ?? null, revision: m.revision });
      }
    } else return false;
    return true;
  }
}
