// Exact numbers: a value is the fraction {n, d} of two BigInt, read from a decimal string. No float anywhere.
const WRITTEN = /^(-?)(\d+)(?:\.(\d+))?$/;

function gcd(a, b) {
  a = a < 0n ? -a : a;
  while (b) [a, b] = [b, a % b];
  return a || 1n;
}

function make(n, d = 1n) {
  const g = gcd(n, d);
  return { n: n / g, d: d / g };
}

// "12.5" or 12 → fraction; anything else → null
export function read(value) {
  if (value === null || value === undefined) return null;
  const found = WRITTEN.exec(String(value));
  if (!found) return null;
  const [, sign, whole, part = ''] = found;
  const n = BigInt(whole + part);
  return make(sign ? -n : n, 10n ** BigInt(part.length));
}

export const ZERO = { n: 0n, d: 1n };
export const ONE = { n: 1n, d: 1n };
export const add = (a, b) => make(a.n * b.d + b.n * a.d, a.d * b.d);
export const sub = (a, b) => make(a.n * b.d - b.n * a.d, a.d * b.d);
export const mul = (a, b) => make(a.n * b.n, a.d * b.d);
export const over = (a, whole) => make(a.n, a.d * BigInt(whole));

export function compare(a, b) {
  const left = a.n * b.d, right = b.n * a.d;
  return left < right ? -1 : left > right ? 1 : 0;
}

// Is value a whole number of steps away from start?
export function onStep(value, start, step) {
  const away = sub(value, start);
  return (away.n * step.d) % (away.d * step.n) === 0n;
}

// Rounded half up (away from zero, as scores are), always with that many decimals
export function rounded(value, places) {
  const scale = 10n ** BigInt(places);
  const size = value.n < 0n ? -value.n : value.n;
  const units = (size * scale * 2n + value.d) / (value.d * 2n);
  const digits = units.toString().padStart(places + 1, '0');
  const text = places ? `${digits.slice(0, -places)}.${digits.slice(-places)}` : digits;
  return value.n < 0n && units ? `-${text}` : text;
}

// The shortest decimal that is exactly this value, for values that came from decimals
export function plain(value) {
  let places = 0;
  for (let rest = value.d; rest > 1n && places < 40; places += 1) rest /= gcd(rest, 10n);
  return rounded(value, places);
}

export function decimals(text) {
  const found = WRITTEN.exec(String(text ?? ''));
  return found && found[3] ? found[3].replace(/0+$/, '').length : 0;
}

// Part of a whole as a percentage for a bar's width; a picture, so whole tenths are enough
export function percent(part, whole) {
  if (whole.n <= 0n || part.n <= 0n) return '0%';
  if (compare(part, whole) > 0) return '100%';
  return `${rounded(make(part.n * whole.d * 100n, part.d * whole.n), 1)}%`;
}

// A minus a person reads
export function shown(text) {
  return String(text).replace(/^-/, '−');
}

// "1:02:03.4", "62:03.4" or "3723.4" → seconds as a decimal string; null where it is no time
export function seconds(text) {
  const found = /^(?:(?:(\d+):)?(\d+):)?(\d+)(?:\.(\d+))?$/.exec(text);
  if (!found) return null;
  const [, hours = '0', minutes = '0', rest, part = ''] = found;
  if (text.includes(':') && (rest.length > 2 || Number(rest) > 59)) return null;
  if (found[1] !== undefined && Number(minutes) > 59) return null;
  const whole = BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(rest);
  return part ? `${whole}.${part}` : String(whole);
}

// Seconds → "59:01.2"
export function clock(value) {
  const found = WRITTEN.exec(String(value ?? ''));
  if (!found) return '';
  const whole = BigInt(found[2]);
  const part = found[3] ? found[3].replace(/0+$/, '') : '';
  const rest = (whole % 60n).toString().padStart(2, '0');
  const minutes = whole / 60n;
  const head = minutes >= 60n ? `${minutes / 60n}:${(minutes % 60n).toString().padStart(2, '0')}` : String(minutes);
  return `${head}:${rest}${part ? `.${part}` : ''}`;
}
