/**
 * Our rows of Table 1: the Parzen log-likelihood of test images under a generator, and under real images in its place.
 * It draws and measures; the estimate itself is src/measure's.
 * https://arxiv.org/abs/1406.2661, section 5
 */
import { expected } from '../core/errors.js';
import { plainTensor, type PlainTensor } from '../core/tensor.js';
import type { Dataset } from '../core/types.js';
import { type DistanceOptions, measureParzen, type ParzenResult, toPixels } from '../measure/index.js';
import type { Generator } from '../sample/index.js';

/** The authors choose σ on rows 50,000 to 50,999 of MNIST's training images. */
const VALIDATION = { from: 50_000, count: 1000 };

function readRange(data: Dataset, from: number, count: number): Promise<PlainTensor> {
  return data.read(Uint32Array.from({ length: count }, (_, i) => from + i));
}

/** The rows that choose σ: the authors', or of a smaller set the last tenth, 1,000 at most. */
export function chooseValidation(count: number): { from: number; count: number } {
  if (count >= VALIDATION.from + VALIDATION.count) return VALIDATION;
  const some = Math.max(1, Math.min(VALIDATION.count, Math.floor(count / 10)));
  return { from: count - some, count: some };
}

/** How much is drawn, and what is told. */
export interface LikelihoodOptions extends DistanceOptions {
  /** Samples that windows stand on: 10,000 in the paper. */
  readonly samples: number;
  readonly seed: number;
  /** Called after each batch of samples. */
  readonly onDrawn?: (done: number, total: number) => void;
}

/**
 * The mean log-likelihood of all test images under samples of a generator.
 *
 * @param test images that it was not trained on
 * @throws GanError `BAD_ARGUMENT` for test images of another shape; the signal's reason when aborted
 */
export async function measureGenerator(
  generator: Generator,
  data: Dataset,
  test: PlainTensor,
  options: LikelihoodOptions,
): Promise<ParzenResult> {
  const { samples: count, seed, onDrawn, ...distances } = options;
  const { imageShape, imageRange } = generator.metadata;
  const size = imageShape[0] * imageShape[1] * imageShape[2];
  const values = new Float32Array(count * size);
  for await (const { images, from } of generator.stream({ count, seed, batch: 100, signal: options.signal })) {
    values.set(images.data, from * size);
    onDrawn?.(from + images.shape[0]!, count);
  }
  const samples = toPixels(plainTensor(values, [count, ...imageShape]), imageRange);
  const rows = chooseValidation(data.count);
  const validation = await readRange(data, rows.from, rows.count);
  return await measureParzen({ samples, validation, test }, distances);
}

/**
 * The yardstick: the same with real training images as the samples, the first of the data set.
 *
 * @param count at most this many; rows that choose σ are left out
 */
export async function measureReals(
  data: Dataset,
  test: PlainTensor,
  count: number,
  options: DistanceOptions = {},
): Promise<ParzenResult> {
  const rows = chooseValidation(data.count);
  const most = Math.min(count, rows.from);
  if (most < 1) throw expected('figures', 'at least 2 training images', data.count);
  const samples = await readRange(data, 0, most);
  const validation = await readRange(data, rows.from, rows.count);
  return await measureParzen({ samples, validation, test }, options);
}
