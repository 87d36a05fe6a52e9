/**
 * Which data is at hand, told by its content and not by its name: the set of Table 1, its rows that the authors choose σ
 * on, and whether a generator was trained on it.
 */
import { createHash } from 'node:crypto';
import { expected } from '../core/errors.js';
import { permutation } from '../core/random.js';
import type { Dataset } from '../core/types.js';
import type { Generator } from '../sample/index.js';

/** SHA-256 of the first 100 training images of MNIST, 28 × 28 bytes each. */
const MNIST_START = 'c8d7b3ac57a59fa463cbbcdc21a53485e2990f12ca46d0fef62dd86cadfd67a3';
const MNIST_COUNT = 60_000;

/** MNIST's rows that the authors choose σ on (parzen_ll.py, train[50000:51000]). */
const MNIST_VALIDATION = { from: 50_000, count: 1000 };

function rangeOf(from: number, count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => from + i);
}

/** Whether these are MNIST's training images at their own size. */
export async function isMnist({ count, shape, read }: Dataset): Promise<boolean> {
  if (count !== MNIST_COUNT || shape.join() !== '28,28,1') return false;
  const start = await read(rangeOf(0, 100));
  return createHash('sha256').update(start.data).digest('hex') === MNIST_START;
}

/**
 * Refuses a generator that was not trained on the data: another shape, or (where it says so) another digest.
 *
 * @throws GanError `BAD_ARGUMENT`
 */
export function expectTrainedOn({ metadata }: Generator, { name, shape, digest }: Dataset): void {
  const { imageShape, dataDigest } = metadata;
  const remedy = 'Name a generator or a snapshot of this run.';
  const text = (extents: readonly number[]) => `[${extents.join(', ')}]`;
  if (imageShape.join() !== shape.join()) {
    throw expected('figures', `a generator of ${text(shape)}, as ${name} is`, text(imageShape), remedy);
  }
  // A file of another tool says nothing of its data.
  if (dataDigest === '' || dataDigest === digest) return;
  const start = (hash: string) => `SHA-256 ${hash.slice(0, 12)}…`;
  throw expected('figures', `a generator trained on ${name} (${start(digest)})`, start(dataDigest), remedy);
}

/** Training rows by what they are for; no row is in both. */
export interface ChosenRows {
  /** Choose σ. */
  readonly validation: Uint32Array;
  /** May stand in for samples. */
  readonly reals: Uint32Array;
}

/**
 * The authors' rows for MNIST: 1,000 for σ and those before them. Of other sets a random thousand, a tenth at most,
 * and the rest: folders of classes are read class by class.
 */
export function chooseRows(count: number, ofMnist: boolean): ChosenRows {
  if (ofMnist) {
    const { from, count: some } = MNIST_VALIDATION;
    return { validation: rangeOf(from, some), reals: rangeOf(0, from) };
  }
  const order = permutation(0, 'figures/rows', count);
  const some = Math.max(1, Math.min(1000, Math.floor(count / 10)));
  return { validation: order.subarray(0, some), reals: order.subarray(some) };
}
