/**
 * Which class each sample of a labelled generator takes. It depends on the sample's number alone, never on the batch.
 * It does not know what a class looks like.
 */
import { expected } from '../core/errors.js';

/** Classes of samples `start` to `start + count - 1`; undefined for a generator without classes. */
export type LabelsOf = (start: number, count: number) => Int32Array | undefined;

/**
 * Settles the classes of samples `from` to `from + count - 1`.
 *
 * @param names undefined for a generator without classes
 * @param label one class for all, or one for each sample; when absent sample i takes class i mod n, so that a sheet
 *              shows all of them
 * @throws GanError `BAD_ARGUMENT` for a class that is not there, another number of them than samples, or any at all
 *         for a generator without classes
 */
export function assignLabels(
  names: readonly string[] | undefined,
  label: number | readonly number[] | undefined,
  from: number,
  count: number,
): LabelsOf {
  if (names === undefined) {
    if (label === undefined) return () => undefined;
    throw expected('sample', 'no label for a generator without classes', label);
  }
  const given = typeof label === 'number' ? [label] : label;
  if (given === undefined) {
    return (start, size) => Int32Array.from({ length: size }, (_, k) => (start + k) % names.length);
  }
  const bad = given.find((one) => !(Number.isSafeInteger(one) && one >= 0 && one < names.length));
  if (bad !== undefined) {
    const known = names.map((name, index) => `${index} ${name}`).join(', ');
    throw expected('sample', `a label from 0 to ${names.length - 1}`, String(bad), `Known: ${known}.`);
  }
  if (typeof label === 'number') return (_, size) => new Int32Array(size).fill(label);
  if (given.length !== count) throw expected('sample', `${count} labels, one a sample`, given.length);
  return (start, size) => Int32Array.from(given.slice(start - from, start - from + size));
}
