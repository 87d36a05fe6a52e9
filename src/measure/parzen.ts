/**
 * The log-likelihood of test data under a Parzen window (a Gaussian around each sample), as Table 1 of
 * arXiv:1406.2661 has it. It can be gamed (arXiv:1511.01844): show samples and a second measure beside it.
 */
import { expected } from '../core/errors.js';
import type { PlainTensor } from '../core/tensor.js';
import { expectSameWidth, type Rows, toRows } from './rows.js';
import { type DistanceOptions, runInPieces } from './run-jobs.js';

/** Widths of the window that the paper tries: ten from 0.1 to 1, evenly in their logarithm. */
export const PARZEN_SIGMAS: readonly number[] = Array.from({ length: 10 }, (_, i) => 10 ** (i / 9 - 1));

/** A mean log-likelihood in nats. */
export interface LogLikelihood {
  readonly sigma: number;
  readonly mean: number;
  /** Standard deviation of the items over √N. */
  readonly standardError: number;
}

/** The measure, and how its width was chosen. */
export interface ParzenResult extends LogLikelihood {
  /** Mean log-likelihood of the validation items at every width that was tried. */
  readonly validation: readonly LogLikelihood[];
  readonly samples: number;
  readonly tested: number;
}

/** What is measured; images are pixels in [0, 1] or uint8, all [n, …] of one size. */
export interface ParzenInput {
  /** Where the windows stand (see `toPixels`). */
  readonly samples: PlainTensor;
  /** Items that choose the width: the paper takes 1,000. */
  readonly validation: PlainTensor;
  readonly test: PlainTensor;
}

export interface ParzenOptions extends DistanceOptions {
  readonly sigmas?: readonly number[];
}

/** Mean and standard error of every column of [n, sigmas]. */
function summarize(values: Float64Array, sigmas: readonly number[]): LogLikelihood[] {
  const count = values.length / sigmas.length;
  return sigmas.map((sigma, s) => {
    const column = Float64Array.from({ length: count }, (_, i) => values[i * sigmas.length + s]!);
    const mean = column.reduce((sum, value) => sum + value, 0) / count;
    const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
    return { sigma, mean, standardError: Math.sqrt(variance / count) };
  });
}

async function likelihoodsOf(
  queries: Rows,
  references: Rows,
  sigmas: readonly number[],
  options: DistanceOptions,
): Promise<LogLikelihood[]> {
  expectSameWidth('parzen', queries, references);
  const job = { task: 'parzen', queries, references, from: 0, to: queries.count, sigmas } as const;
  return summarize((await runInPieces(job, options)).values, sigmas);
}

/**
 * Chooses the width by the validation items and measures the test items.
 *
 * @throws GanError `BAD_ARGUMENT` for sizes that differ and for samples that hold no number; the signal's reason when
 *         aborted
 */
export async function measureParzen(input: ParzenInput, options: ParzenOptions = {}): Promise<ParzenResult> {
  const { sigmas = PARZEN_SIGMAS, onProgress, ...rest } = options;
  const samples = toRows(input.samples);
  const test = toRows(input.test);
  const validation = toRows(input.validation);
  if (samples.data.some((value) => !Number.isFinite(value))) {
    throw expected('parzen', 'samples of finite numbers', 'NaN', 'Use an earlier checkpoint.');
  }
  const total = validation.count + test.count;
  const tried = await likelihoodsOf(validation, samples, sigmas, {
    ...rest,
    onProgress: (done) => onProgress?.(done, total),
  });
  const best = tried.reduce((one, other) => (other.mean > one.mean ? other : one));
  const [found] = await likelihoodsOf(test, samples, [best.sigma], {
    ...rest,
    onProgress: (done) => onProgress?.(validation.count + done, total),
  });
  return { ...found!, validation: tried, samples: samples.count, tested: test.count };
}
