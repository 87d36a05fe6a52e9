/**
 * Our rows of Table 1: the Parzen log-likelihood of test images under a generator, and under real images in its place.
 * It draws and measures; the estimate itself is src/measure's, and which items are for what is the caller's to say.
 * https://arxiv.org/abs/1406.2661, section 5
 */
import { expected } from '../core/errors.js';
import { type FloatTensor, type PlainTensor, plainTensor, sizeOf } from '../core/tensor.js';
import { type DistanceOptions, measureParzen, type ParzenResult, toPixels } from '../measure/index.js';
import type { Generator } from '../sample/index.js';

/** Samples are held all at once: 2 GiB of them. */
const MOST_VALUES = 2 ** 29;

/** How much is drawn, and what is told. */
export interface LikelihoodOptions extends DistanceOptions {
  /** Samples that windows stand on: 10,000 in the paper. */
  readonly samples: number;
  readonly seed: number;
  /** Called after each batch of samples. */
  readonly onDrawn?: ((done: number, total: number) => void) | undefined;
}

/** Real items, uint8 [n, H, W, C]. */
export interface LikelihoodItems {
  readonly test: PlainTensor;
  /** Choose σ. */
  readonly validation: PlainTensor;
  /** Stand in for samples, as the yardstick; none of them is in the other two. */
  readonly reals?: PlainTensor | undefined;
}

/** What was measured for Table 1. */
export interface Measured {
  readonly generator: ParzenResult;
  /** Real training images in the place of samples. */
  readonly yardstick?: ParzenResult;
}

/**
 * Draws samples as pixels in [0, 1].
 *
 * @returns [samples, H, W, C]
 * @throws GanError `BAD_ARGUMENT` for more than 2 GiB; the signal's reason when aborted
 */
export async function drawPixels(
  generator: Generator,
  { samples: count, seed, signal, onDrawn }: LikelihoodOptions,
): Promise<FloatTensor> {
  const { imageShape, imageRange } = generator.metadata;
  const size = sizeOf(imageShape);
  const most = Math.floor(MOST_VALUES / size);
  if (count > most) throw expected('figures', `at most ${most} samples (2 GiB)`, count, 'Set --samples.');
  const values = new Float32Array(count * size);
  for await (const { images, from } of generator.stream({ count, seed, batch: 100, signal })) {
    values.set(images.data, from * size);
    onDrawn?.(from + images.shape[0]!, count);
  }
  return toPixels(plainTensor(values, [count, ...imageShape]), imageRange);
}

/**
 * Measures the mean log-likelihood of test images under a generator's samples, and under real images.
 *
 * @throws GanError `BAD_ARGUMENT` for items of another size, or too many samples; the signal's reason when aborted
 */
export async function measureLikelihood(
  generator: Generator,
  { test, validation, reals }: LikelihoodItems,
  options: LikelihoodOptions,
): Promise<Measured> {
  const { run, signal, onProgress } = options;
  const parts = reals ? 2 : 1;
  const measure = (samples: PlainTensor, part: number) =>
    measureParzen(
      { samples, validation, test },
      { run, signal, onProgress: (done, total) => onProgress?.(part * total + done, parts * total) },
    );
  const measured = await measure(await drawPixels(generator, options), 0);
  return { generator: measured, ...(reals ? { yardstick: await measure(reals, 1) } : {}) };
}
