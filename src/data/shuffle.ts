/**
 * The endless stream of items: one fresh permutation after the other, by (seed, epoch) alone, so that a resumed run
 * needs nothing but the number of items seen.
 */
import { permutation } from '../core/random.js';

interface Epoch {
  readonly seed: number;
  readonly count: number;
  readonly epoch: number;
  readonly order: Uint32Array;
}

/** The permutations used last: a batch may straddle two epochs. */
let remembered: readonly Epoch[] = [];

function orderOf(seed: number, count: number, epoch: number): Uint32Array {
  const known = remembered.find((e) => e.seed === seed && e.count === count && e.epoch === epoch);
  if (known) return known.order;
  const order = permutation(seed, `shuffle/${epoch}`, count);
  remembered = [{ seed, count, epoch, order }, ...remembered.slice(0, 1)];
  return order;
}

/**
 * Indices of the items number `start` to `start + size - 1` of the stream; each epoch holds every item once.
 *
 * @param count items in the data set, above 0
 * @returns [size]
 */
export function batchIndices(
  seed: number,
  count: number,
  start: number,
  size: number,
): Uint32Array<ArrayBuffer> {
  const out = new Uint32Array(size);
  for (let i = 0; i < size; ) {
    const epoch = Math.floor((start + i) / count);
    const from = start + i - epoch * count;
    const part = orderOf(seed, count, epoch).subarray(from, from + size - i);
    out.set(part, i);
    i += part.length;
  }
  return out;
}
