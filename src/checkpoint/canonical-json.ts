/**
 * JSON with one spelling for each value: keys sorted, no spaces, so that equal checkpoints are equal bytes.
 * Refuses whatever JSON would change in silence (NaN becomes null, a typed array becomes an object).
 * JSON itself: https://www.rfc-editor.org/rfc/rfc8259
 */
import { expected } from '../core/errors.js';

/** Whether `value` is an object as JSON means it, and not an instance of some class. */
function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** How a value that JSON cannot carry is named in a message. */
function describe(value: unknown): string {
  if (typeof value === 'object' && value !== null) return value.constructor?.name ?? 'object';
  return typeof value === 'symbol' || typeof value === 'function' ? typeof value : String(value);
}

/**
 * The one JSON text of `value`; members that are undefined are left out.
 *
 * @param where names the value in messages: `checkpoint.progress`
 * @throws GanError `BAD_ARGUMENT` for anything that JSON.parse would not give back as it was
 */
export function canonicalJson(value: unknown, where: string): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) {
    // JSON.stringify drops the sign of -0; the text `-0` is valid and is read back as -0.
    return Object.is(value, -0) ? '-0' : String(value);
  }
  if (Array.isArray(value)) {
    return `[${Array.from(value, (item, i) => canonicalJson(item, `${where}[${i}]`)).join(',')}]`;
  }
  if (typeof value === 'object' && isPlainObject(value)) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member, `${where}.${key}`)}`);
    return `{${members.join(',')}}`;
  }
  throw expected(
    where,
    'a JSON value (finite number, string, boolean, null, array, plain object)',
    describe(value),
    'Convert it first; numbers in bulk belong in `tensors`.',
  );
}
