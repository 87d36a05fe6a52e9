/**
 * The training image nearest to each sample by pixel L2, as in the rightmost column of Fig. 2 of arXiv:1406.2661: shows
 * whether a generator has learnt its data by heart.
 */
import type { PlainTensor } from '../core/tensor.js';
import { expectSameWidth, toRows } from './rows.js';
import { type DistanceOptions, runInPieces } from './run-jobs.js';

/** The nearest row of one sample. */
export interface Nearest {
  readonly index: number;
  /** Euclidean, with pixels in [0, 1]. */
  readonly distance: number;
}

/**
 * Finds the nearest row of every sample, exactly; of several at one distance the first.
 *
 * @param samples float32 pixels in [0, 1] (see `toPixels`) or points, or uint8 images, [n, …]
 * @param rows    items of a data set as it reads them, uint8 or float32 [m, …] of the same size
 * @throws GanError `BAD_ARGUMENT` for sizes that differ; the signal's reason when aborted
 */
export async function findNearest(
  samples: PlainTensor,
  rows: PlainTensor,
  options: DistanceOptions = {},
): Promise<Nearest[]> {
  const queries = toRows(samples);
  const references = toRows(rows);
  expectSameWidth('nearest', queries, references);
  const { values, indices } = await runInPieces(
    { task: 'nearest', queries, references, from: 0, to: queries.count },
    options,
  );
  return Array.from(values, (value, i) => ({ index: indices![i]!, distance: Math.sqrt(value) }));
}
