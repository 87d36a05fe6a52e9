/**
 * Improved precision and recall (arXiv:1904.06991): a set's manifold is the union of balls around its members that
 * reach to their k-th nearest neighbour. Precision is the share of samples on the manifold of the real items, recall
 * the share of real items on that of the samples.
 */
import { expected } from '../core/errors.js';
import { expectSameWidth, type Rows } from './rows.js';
import { type DistanceOptions, runInPieces } from './run-jobs.js';

/** The paper's choice. */
export const NEIGHBOURS = 3;

export interface PrecisionRecall {
  readonly precision: number;
  readonly recall: number;
  readonly k: number;
}

/** Share of `queries` that lie in a ball of `references`. */
async function shareCovered(
  queries: Rows,
  references: Rows,
  k: number,
  options: DistanceOptions,
): Promise<number> {
  const within = { queries: references, references, from: 0, to: references.count };
  const radii = (await runInPieces({ task: 'neighbour', k, ...within }, options)).values;
  const across = { queries, references, from: 0, to: queries.count };
  const covered = (await runInPieces({ task: 'covered', radii, ...across }, options)).values;
  return covered.reduce((sum, value) => sum + value, 0) / queries.count;
}

/**
 * Both shares; the paper compares sets of one size.
 *
 * @param samples features [n, D]
 * @param reals   features [m, D]
 * @throws GanError `BAD_ARGUMENT` for widths that differ and for sets of k rows or fewer; the signal's reason when aborted
 */
export async function measurePrecisionRecall(
  samples: Rows,
  reals: Rows,
  { k = NEIGHBOURS, onProgress, ...rest }: DistanceOptions & { readonly k?: number } = {},
): Promise<PrecisionRecall> {
  expectSameWidth('precision-recall', samples, reals);
  const least = Math.min(samples.count, reals.count);
  if (least <= k) throw expected('precision-recall', `more than ${k} samples and real items`, least);
  const total = 2 * (samples.count + reals.count);
  let before = 0;
  const options = {
    ...rest,
    onProgress: (done: number, part: number): void => {
      onProgress?.(before + done, total);
      if (done === part) before += part;
    },
  };
  const precision = await shareCovered(samples, reals, k, options);
  const recall = await shareCovered(reals, samples, k, options);
  return { precision, recall, k };
}
