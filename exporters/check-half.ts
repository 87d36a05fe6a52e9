/**
 * What half precision may change: images are compared as the 8 bits that people see of them, and where they differ by
 * too much the layer that is to blame is named.
 */
import { GanError } from '../src/core/errors.js';
import type { FloatTensor } from '../src/core/tensor.js';
import type { GeneratorShape } from '../src/core/types.js';
import { toBytes } from '../src/sample/quantize.js';
import type { Loss } from './find-divergence.js';

/** Differences of 8-bit images in levels, steps of a 255th of the range. */
export interface LevelDifference {
  readonly max: number;
  readonly mean: number;
}

/**
 * The bound for a file in half precision. Rounding to 8 bits alone can make a level of any difference; two cannot be
 * seen, but two everywhere would be another image, hence the mean.
 */
export const HALF_BOUND: LevelDifference = { max: 2, mean: 0.5 };

/** Images as levels; points, which no picture cuts off at the ends of the range, unrounded. */
function toLevels(images: FloatTensor, { kind, imageRange }: GeneratorShape): ArrayLike<number> {
  if (kind === 'images') return toBytes(images, imageRange).data;
  const [low, high] = imageRange;
  return images.data.map((value) => ((value - low) / (high - low)) * 255);
}

/**
 * Compares image by image.
 *
 * @param images     parts of [n, H, W, C]
 * @param references the same parts as they should be
 * @returns infinite where a value is no finite number
 */
export function compareLevels(
  images: readonly FloatTensor[],
  references: readonly FloatTensor[],
  shape: GeneratorShape,
): LevelDifference {
  let max = 0;
  let sum = 0;
  let count = 0;
  for (const [part, reference] of references.entries()) {
    const { data } = images[part]!;
    const [levels, wanted] = [toLevels(images[part]!, shape), toLevels(reference, shape)];
    for (let i = 0; i < wanted.length; i++) {
      // As 8 bits, what is infinite or no number would be white or black.
      const gap = Number.isFinite(data[i]) ? Math.abs(levels[i]! - wanted[i]!) : Number.POSITIVE_INFINITY;
      max = Math.max(max, gap);
      sum += gap;
    }
    count += wanted.length;
  }
  return { max, mean: sum / count };
}

/** The largest of several differences; none at all for none. */
export function worstLevels(levels: readonly LevelDifference[]): LevelDifference {
  return {
    max: Math.max(0, ...levels.map(({ max }) => max)),
    mean: Math.max(0, ...levels.map(({ mean }) => mean)),
  };
}

/** Whether a file in half precision may exist. */
export function isWithinBound({ max, mean }: LevelDifference): boolean {
  return max <= HALF_BOUND.max && mean <= HALF_BOUND.mean;
}

/** The error for a network that needs more than half precision. */
export function refuseHalf({ max, mean }: LevelDifference, { node, relative, jump }: Loss): GanError {
  const bound = `${HALF_BOUND.max} levels of 255 (${HALF_BOUND.mean} on average)`;
  const short = (value: number): number => Number(value.toPrecision(3));
  return new GanError(
    'PARITY',
    node,
    `Expected images in half precision within ${bound} of the live generator, got a difference of \`${short(max)} (${short(mean)})\`. ` +
      `The error grows most in ${node}, ${short(jump)} times, to ${short(relative)} of its largest value. ` +
      'No file was written: export it as float32.',
  );
}
