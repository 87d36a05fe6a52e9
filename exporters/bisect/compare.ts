/**
 * How far one tensor is from another, and where most. It knows no model.
 */
import type { PlainTensor } from '../../src/core/tensor.js';

/** The largest difference between two tensors. */
export interface Gap {
  /** Largest |expected − got|; infinite where only one is a number, or where there is nothing to compare. */
  readonly max: number;
  /** `max` by the largest |expected| that is finite, or by 1 if that is smaller. */
  readonly relative: number;
  /** Index of the value with the largest difference; empty where the shapes differ. */
  readonly at: readonly number[];
  /** The two values there; NaN where the shapes differ. */
  readonly expected: number;
  readonly got: number;
  /** Why there is nothing to compare. */
  readonly failure?: string;
}

/** A result that could not be compared at all. */
export function failedGap(failure: string): Gap {
  const infinite = Number.POSITIVE_INFINITY;
  return { max: infinite, relative: infinite, at: [], expected: Number.NaN, got: Number.NaN, failure };
}

/** Row-major position -> index by axis. */
function indexOf(position: number, shape: readonly number[]): number[] {
  let rest = position;
  return shape
    .toReversed()
    .map((extent) => {
      const index = rest % extent;
      rest = Math.floor(rest / extent);
      return index;
    })
    .reverse();
}

/** Compares value by value; two NaN agree, and so do two infinities of one sign. */
export function compareTensors(expected: PlainTensor, got: PlainTensor): Gap {
  if (expected.shape.join() !== got.shape.join()) {
    return failedGap(`It gives [${got.shape.join(', ')}] instead of [${expected.shape.join(', ')}].`);
  }
  let max = 0;
  let position = 0;
  let scale = 1;
  for (let i = 0; i < expected.data.length; i++) {
    const [wanted, given] = [expected.data[i]!, got.data[i]!];
    if (Number.isFinite(wanted)) scale = Math.max(scale, Math.abs(wanted));
    if (Object.is(wanted, given) || wanted === given) continue;
    const difference = Math.abs(wanted - given);
    const gap = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    if (gap <= max) continue;
    max = gap;
    position = i;
  }
  return {
    max,
    relative: max / scale,
    at: indexOf(position, expected.shape),
    expected: expected.data[position] ?? 0,
    got: got.data[position] ?? 0,
  };
}
