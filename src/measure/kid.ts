/**
 * Kernel Inception Distance (arXiv:1801.01401, section 4): the unbiased estimate of the squared maximum mean
 * discrepancy under the kernel (x·y/D + 1)³, here of whatever features it is handed. Zero when both sets come from one
 * distribution, and then as often below as above.
 */
import { expected } from '../core/errors.js';
import { permutation } from '../core/random.js';
import { expectSameWidth, type Rows } from './rows.js';
import type { WorkOptions } from './run-jobs.js';

/** Rows of a block: the paper's size of a subset. */
export const KID_BLOCK = 1000;

/** An estimate, the mean of those of the blocks. */
export interface KidResult {
  readonly mean: number;
  /** Standard deviation (n − 1) of the blocks' estimates over √blocks; absent for one block. */
  readonly standardError?: number;
  readonly blocks: number;
  readonly blockSize: number;
}

export interface KidOptions extends WorkOptions {
  /** Rows of either set in one block; {@link KID_BLOCK}, or as many as there are, when absent. */
  readonly blockSize?: number;
  /** Decides which rows share a block. */
  readonly seed?: number;
}

/** Some rows in float64. */
function gather({ data, width, scale }: Rows, order: Uint32Array): Float64Array {
  const out = new Float64Array(order.length * width);
  order.forEach((row, i) => {
    for (let d = 0; d < width; d++) out[i * width + d] = data[row * width + d]! * scale;
  });
  return out;
}

/** Sum of the kernel over pairs: all of two sets, or each pair of different rows of one set once. */
function sumKernel(x: Float64Array, y: Float64Array, width: number): number {
  const once = x === y;
  let sum = 0;
  for (let i = 0; i < x.length; i += width) {
    for (let j = once ? i + width : 0; j < y.length; j += width) {
      let product = 0;
      for (let d = 0; d < width; d++) product += x[i + d]! * y[j + d]!;
      const base = product / width + 1;
      sum += base * base * base;
    }
  }
  return sum;
}

/** The unbiased estimate from n rows of each: pairs of a row with itself are left out. */
function estimate(x: Float64Array, y: Float64Array, width: number): number {
  const n = x.length / width;
  const pairs = (n * (n - 1)) / 2;
  return (
    sumKernel(x, x, width) / pairs + sumKernel(y, y, width) / pairs - (2 * sumKernel(x, y, width)) / (n * n)
  );
}

/**
 * Compares two sets in blocks that share no row, so that the blocks' estimates are independent and their spread tells
 * the error of the mean.
 *
 * @param samples features [n, D]
 * @param reals   features [m, D]
 * @throws GanError `BAD_ARGUMENT` for widths that differ and for less than two rows; the signal's reason when aborted
 */
export async function measureKid(samples: Rows, reals: Rows, options: KidOptions = {}): Promise<KidResult> {
  expectSameWidth('kid', samples, reals);
  const { seed = 0, signal, onProgress } = options;
  const least = Math.min(samples.count, reals.count);
  const blockSize = Math.min(options.blockSize ?? KID_BLOCK, least);
  if (blockSize < 2) throw expected('kid', 'two samples and two real items at least', blockSize);
  const blocks = Math.floor(least / blockSize);
  const orders = [samples, reals].map(({ count }, i) => permutation(seed, `kid/${i}`, count));
  const estimates: number[] = [];
  for (let block = 0; block < blocks; block++) {
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
    const [x, y] = [samples, reals].map((rows, i) =>
      gather(rows, orders[i]!.subarray(block * blockSize, (block + 1) * blockSize)),
    );
    estimates.push(estimate(x!, y!, samples.width));
    onProgress?.(block + 1, blocks);
  }
  const mean = estimates.reduce((sum, value) => sum + value, 0) / blocks;
  const squares = estimates.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const standardError = Math.sqrt(squares / (blocks - 1) / blocks);
  return { mean, blocks, blockSize, ...(blocks > 1 ? { standardError } : {}) };
}
