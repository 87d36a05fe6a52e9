/**
 * The state before the first step: weights as their specifications say, averages equal to them, slots 0. All of it
 * follows from the seed and, where a weight begins as a statistic of the data, from the data.
 */
import type { Gan, Initial } from '../../models/types.js';
import { expected } from '../core/errors.js';
import { normal, permutation, uniform } from '../core/random.js';
import { type PlainTensor, plainTensor, sizeOf } from '../core/tensor.js';
import type { Dataset } from '../core/types.js';
import { toNetworkRange } from './reals.js';
import type { StateSpec, Step } from './step.js';

/** Means of 0 and 1 have no logit: they are kept this far off. */
const MARGIN = 1e-7;
/** Images read at once for the mean. */
const CHUNK = 1000;

/** The mean of every pixel over a data set, in the range of the network, [H·W·C]. */
export async function averagePixels(gan: Gan, data: Dataset): Promise<Float64Array> {
  const sums = new Float64Array(sizeOf(gan.shape.imageShape));
  for (let start = 0; start < data.count; start += CHUNK) {
    const count = Math.min(CHUNK, data.count - start);
    const { data: values } = toNetworkRange(
      gan,
      await data.read(Array.from({ length: count }, (_, i) => start + i)),
    );
    for (let i = 0; i < values.length; i++) sums[i % sums.length]! += values[i]!;
  }
  return sums.map((sum) => sum / data.count);
}

/** Whether the first weights can only be drawn with the data at hand. */
export function needsPixelMeans(step: Step): boolean {
  return Object.values(step.state).some(({ weight }) => weight?.initial.kind === 'marginal');
}

function drawSparse(perColumn: number, shape: readonly number[], seed: number, stream: string): Float32Array {
  const columns = shape.at(-1)!;
  const rows = sizeOf(shape) / columns;
  if (perColumn > rows) throw expected('train', `at most ${rows} weights in a column`, perColumn);
  const values = normal(seed, stream, 0, perColumn * columns);
  const out = new Float32Array(rows * columns);
  for (let column = 0; column < columns; column++) {
    const places = permutation(seed, `${stream}/places/${column}`, rows);
    for (let i = 0; i < perColumn; i++) out[places[i]! * columns + column] = values[column * perColumn + i]!;
  }
  return out;
}

function drawInitial(
  initial: Initial,
  seed: number,
  stream: string,
  shape: readonly number[],
  pixelMeans: Float64Array | undefined,
): Float32Array {
  const count = sizeOf(shape);
  switch (initial.kind) {
    case 'constant':
      return new Float32Array(count).fill(initial.value);
    case 'uniform':
      return uniform(seed, stream, 0, count, -initial.range, initial.range);
    case 'normal':
      return normal(seed, stream, 0, count).map((value) => initial.mean + initial.deviation * value);
    case 'sparse':
      return drawSparse(initial.perColumn, shape, seed, stream);
    case 'marginal': {
      if (pixelMeans?.length !== count)
        throw expected('train', `the mean of ${count} pixels`, pixelMeans?.length ?? 'none');
      const clipped = Array.from(pixelMeans, (mean) => Math.min(1 - MARGIN, Math.max(MARGIN, mean)));
      return Float32Array.from(clipped, (mean) => Math.log(mean / (1 - mean)));
    }
  }
}

/**
 * @param pixelMeans of {@link averagePixels}; needed where {@link needsPixelMeans} says so
 * @throws GanError `BAD_ARGUMENT` when they are missing or of another size
 */
export function initialState(
  step: Step,
  seed: number,
  pixelMeans?: Float64Array,
): Record<string, PlainTensor> {
  const draw = (name: string, { shape, weight, copyOf }: StateSpec): PlainTensor => {
    if (copyOf) return draw(copyOf, step.state[copyOf]!);
    const values = weight
      ? drawInitial(weight.initial, seed, `weights/${name}`, shape, pixelMeans)
      : new Float32Array(sizeOf(shape));
    return plainTensor(values, shape);
  };
  return Object.fromEntries(Object.entries(step.state).map(([name, spec]) => [name, draw(name, spec)]));
}
