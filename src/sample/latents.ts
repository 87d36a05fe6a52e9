/**
 * From a seed to latents. Sample i of seed s takes elements i·L to i·L + L − 1 of the stream `latents`
 * (src/core/random.ts), so it has the same bits on every engine and at every batch size.
 * This file does not know what a generator makes of them.
 */
import { expected } from '../core/errors.js';
import { normal, uniform } from '../core/random.js';
import { type FloatTensor, plainTensor } from '../core/tensor.js';
import type { GeneratorShape } from '../core/types.js';

/** The stream's name is part of the format: another name would give other images for the same seed. */
const STREAM = 'latents';

/** The uniform distribution with variance 1. */
const UNIT_VARIANCE = [-Math.sqrt(3), Math.sqrt(3)] as const;

/** What drawing latents takes to know of a generator. */
export type LatentShape = Pick<GeneratorShape, 'latentSize' | 'latentDistribution' | 'latentRange'>;

/**
 * Latents of samples `from` to `from + count - 1` of a seed.
 *
 * @param seed a safe integer ≥ 0
 * @param stream another stream than the one that every sampler draws from (training has its own)
 * @returns float32 [count, latentSize]: N(0, 1), or uniform in `latentRange` (when absent, from −√3 to √3)
 * @throws GanError `BAD_ARGUMENT` for a seed, `from` or `count` that is not a whole number in range
 */
export function drawLatents(
  shape: LatentShape,
  seed: number,
  from: number,
  count: number,
  stream: string = STREAM,
): FloatTensor {
  const { latentSize, latentDistribution, latentRange: [low, high] = UNIT_VARIANCE } = shape;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw expected('latents', 'a count that is a whole number from 1', String(count));
  }
  if (!Number.isSafeInteger(from) || from < 0 || !Number.isSafeInteger((from + count) * latentSize)) {
    throw expected('latents', `sample numbers from 0 to 2^53 / ${latentSize}`, String(from));
  }
  const start = from * latentSize;
  const size = count * latentSize;
  const data =
    latentDistribution === 'normal'
      ? normal(seed, stream, start, size)
      : uniform(seed, stream, start, size, low, high);
  return plainTensor(data, [count, latentSize]); // [count, L]
}

/**
 * Draws latents towards the middle of their distribution: likelier and less varied images.
 *
 * @param truncation 0 to 1; 1 gives the very same tensor back
 */
export function truncateLatents(latents: FloatTensor, truncation: number): FloatTensor {
  if (truncation === 1) return latents;
  return plainTensor(
    latents.data.map((value) => value * truncation),
    latents.shape,
  );
}
