// The chief's picture of a track: judges × entries of a stage and attempt, out of `open` and of what is told since.
import { leaves, sum, sumPlaces, display, JUDGED, MEASURED } from './rubric.js';
import { rounded, shown } from '../shared/decimal.js';
import { byNumber } from './model.js';

export const placeKey = (s) => `${s.track}/${s.stage}`;

const FRESH = 8000;
export const RECORDER = '';   // the recorder's column: sheets without a judge
const key = (s) => [s.track, s.stage, s.entry, s.attempt ?? 1, s.judge ?? RECORDER].join('/');

export class Wall {
  constructor() { Object.assign(this, { ready: false, phases: {}, phase: null, seats: [], stages: [], sheets: new Map(), rulings: [], frozen: new Map(), news: new Map() }); }

  open(answer) {
    this.ready = true;
    this.phase = answer.phase ?? null;
    this.seats = answer.seats || [];
    this.stages = answer.stages || [];
    this.phases = {};
    this.rulings = [...(answer.rulings || [])];
    for (const s of this.stages) this.frozen.set(s.track, false);
    for (const r of this.rulings) if (r.kind === 'freeze') this.frozen.set(r.track, Boolean(r.on));
    for (const r of this.rulings) if (r.kind === 'window') Object.assign(this.stage(placeKey(r)) ?? {}, { reason: r.reason });
    this.sheets = new Map((answer.sheets || []).map((s) => [key(s), this.made(s)]));
  }

  made(s) {
    return { ...s, attempt: s.attempt ?? 1, judge: s.judge ?? RECORDER, key: key(s), values: new Map((s.marks || []).map((m) => [m.criterion, { value: m.value ?? null, revision: m.revision }])) };
  }

  event(name, data) {
    if (name === 'sheet') {
      const known = this.sheets.get(key(data));
      const marks = data.marks ?? null;
      const next = this.made({ ...known, ...data, marks: marks ?? [] });
      if (!marks && known) next.values = known.values;
      if (known && marks) for (const [c, m] of known.values) if (m.revision > (next.values.get(c)?.revision ?? 0)) next.values.set(c, m);
      this.sheets.set(next.key, next);
      this.news.set(next.key, Date.now());
    } else if (name === 'window') {
      for (const s of this.stages) if (s.track === data.track && s.stage === data.stage) Object.assign(s, { window: data.state, reason: data.reason });
    } else if (name === 'phase') {
      if (data.track) this.phases[data.track] = data.phase;
      else this.phase = data.phase;
    } else if (name === 'freeze') this.frozen.set(data.track, Boolean(data.on));
  }

  stage(at) { return this.stages.find((s) => placeKey(s) === at) ?? null; }
  phaseOf(track) { return this.phases[track] ?? this.stages.find((s) => s.track === track)?.phase ?? (this.phase && typeof this.phase === 'object' ? this.phase[track] : this.phase); }
  attempts(at) { return [...new Set([...this.sheets.values()].filter((s) => placeKey(s) === at).map((s) => s.attempt))].sort((a, b) => a - b); }
  list(at, attempt) { return [...this.sheets.values()].filter((s) => placeKey(s) === at && s.attempt === attempt); }
  entries(track) { return [...new Set([...this.sheets.values()].filter((s) => !track || s.track === track).map((s) => s.entry))].sort(byNumber); }
  judges(track) { return [...new Set([...this.sheets.values()].filter((s) => s.judge !== RECORDER && (!track || s.track === track)).map((s) => s.judge))].sort(byNumber); }
  tracks() { return [...new Map(this.stages.map((s) => [s.track, s.track_title ?? s.track])).entries()]; }

  leaves(sheet) { return leaves(this.stage(placeKey(sheet))?.criteria, sheet.judge === RECORDER ? MEASURED : JUDGED); }

  // One cell: empty, marking n of m, submitted, reopened; null where this judge has no sheet for the entry
  cell(sheet) {
    if (!sheet) return null;
    const list = this.leaves(sheet), value = (leaf) => sheet.values.get(leaf.code)?.value ?? null;
    const done = list.filter((l) => value(l) !== null).length;
    const stage = this.stage(placeKey(sheet));
    const total = list.length === 1 && list[0].kind !== 'grade' ? display(list[0], value(list[0])) : shown(rounded(sum(list, value), sumPlaces(list, stage)));
    const state = sheet.expected === false ? 'not_expected' : sheet.state === 'submitted' || sheet.state === 'reopened' ? sheet.state : done ? 'marking' : 'empty';
    return { sheet, done, all: list.length, total: done ? total : '', state, fresh: Date.now() - (this.news.get(sheet.key) ?? 0) < FRESH };
  }

  table(at, attempt) {
    const list = this.list(at, attempt).filter((s) => this.leaves(s).length);
    const columns = [...new Set(list.map((s) => s.judge))].sort((a, b) => (a === RECORDER ? 1 : b === RECORDER ? -1 : byNumber(a, b)));
    const at2 = new Map(list.map((s) => [`${s.entry}/${s.judge}`, s]));
    const rows = [...new Set(list.map((s) => s.entry))].sort(byNumber).map((entry) => {
      const cells = columns.map((judge) => this.cell(at2.get(`${entry}/${judge}`)));
      const due = cells.filter((c) => c && c.state !== 'not_expected');
      return { entry, cells, due: due.length, handed: due.filter((c) => c.state === 'submitted').length, begun: due.some((c) => c.done) };
    });
    const all = rows.flatMap((r) => r.cells).filter((c) => c && c.state !== 'not_expected');
    return { columns, rows, all, handed: all.filter((c) => c.state === 'submitted').length, marking: all.filter((c) => c.state === 'marking' || c.state === 'reopened').length };
  }

  // What closing would leave open, by judge: every attempt of the stage in which somebody has begun, and the first
  gaps(at) {
    const due = [...this.sheets.values()].filter((s) => placeKey(s) === at && s.expected !== false && s.state !== 'submitted' && this.leaves(s).length)
      .filter((s) => s.attempt === 1 || this.list(at, s.attempt).some((o) => o.entry === s.entry && o.values.size));
    const by = new Map();
    for (const s of due.sort((a, b) => byNumber(a.entry, b.entry))) by.set(s.judge, [...(by.get(s.judge) ?? []), this.cell(s)]);
    return [...by.entries()].sort(([a], [b]) => byNumber(a || '~', b || '~'));
  }
}
