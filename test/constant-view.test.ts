/** Views of constants against the same written out by hand: orders, factors, shapes that cut each other's axes, pieces. */
import { describe, expect, it } from 'vitest';
import { ConstantView } from '../exporters/constant-view.js';
import { transposeData } from '../exporters/value.js';
import { uniform } from '../src/core/random.js';
import { sizeOf } from '../src/core/tensor.js';

function draw(shape: readonly number[], stream = 'values'): Float32Array {
  return uniform(9, stream, 0, sizeOf(shape), -2, 2);
}

/** Each element by the index on `axis` of `shape`, rounded to float32. */
function scaled(values: Float32Array, shape: readonly number[], axis: number, factors: Float32Array) {
  const inner = sizeOf(shape.slice(axis + 1));
  return values.map((value, i) => value * factors[Math.floor(i / inner) % shape[axis]!]!);
}

describe('a view', () => {
  it.each<[readonly number[], readonly number[]]>([
    [[5], [0]],
    [
      [3, 4],
      [1, 0],
    ],
    [
      [4, 3, 2, 5],
      [3, 2, 0, 1],
    ],
    [
      [1, 6, 1, 2],
      [2, 3, 1, 0],
    ],
    [
      [2, 3, 4, 5, 6],
      [4, 0, 2, 1, 3],
    ],
    [[], []],
    [
      [2, 0, 3],
      [2, 1, 0],
    ],
  ])('of %j in the order %j is what a transposition writes', (shape, order) => {
    const values = draw(shape);
    const view = ConstantView.of(values, shape).transpose(shape, order);
    expect(view.length).toBe(values.length);
    expect(view.toArray()).toEqual(transposeData(values, shape, order));
  });

  it('takes several changes in turn, with the rounding of each', () => {
    // A dense layer before a map of 4 x 4 pixels and 6 channels, as a generator begins.
    const shape = [7, 96];
    const values = draw(shape);
    const [first, second] = [draw([6], 'first'), draw([96], 'second')];
    const map = [7, 4, 4, 6];
    const order = [0, 3, 1, 2];
    const view = ConstantView.of(values, shape)
      .scale([7, 16, 6], 2, first)
      .scale(shape, 1, second)
      .transpose(map, order);
    const once = scaled(values, [7, 16, 6], 2, first);
    expect(view.toArray()).toEqual(transposeData(scaled(once, shape, 1, second), map, order));
  });

  it('is scaled and seen in another shape after it was transposed', () => {
    const values = draw([4, 6, 5]);
    const factors = draw([10], 'factors');
    const view = ConstantView.of(values, [4, 6, 5]).transpose([4, 6, 5], [2, 0, 1]); // [5, 4, 6]
    const written = transposeData(values, [4, 6, 5], [2, 0, 1]) as Float32Array;
    // 12 = 2 x 6 cuts the axis of 4; 10 = 5 x 2 takes the rest of it.
    const changed = view.scale([10, 12], 0, factors).transpose([10, 12], [1, 0]);
    expect(changed.toArray()).toEqual(transposeData(scaled(written, [10, 12], 0, factors), [10, 12], [1, 0]));
  });

  it('is written out where two shapes tear an axis apart', () => {
    const values = draw([4, 6]);
    const written = transposeData(values, [4, 6], [1, 0]); // [6, 4], which [8, 3] cannot be made of
    const view = ConstantView.of(values, [4, 6]).transpose([4, 6], [1, 0]).transpose([8, 3], [1, 0]);
    expect(view.toArray()).toEqual(transposeData(written, [8, 3], [1, 0]));
  });

  it.each([
    ['in rows', [700, 900]],
    ['with long rows', [3, 600_000]],
    ['with one row', [1, 600_001]],
    ['with long inner axes', [2, 2, 2, 300_000]],
  ])('comes in pieces that follow each other: %s', (_, shape) => {
    const values = draw(shape);
    const order = shape.map((__, axis) => shape.length - 1 - axis);
    const factors = draw([shape[0]!], 'factors');
    const view = ConstantView.of(values, shape).scale(shape, 0, factors).transpose(shape, order);
    const sizes: number[] = [];
    const expected = transposeData(scaled(values, shape, 0, factors), shape, order);
    let at = 0;
    for (const chunk of view.chunks()) {
      sizes.push(chunk.length);
      // A loop, since comparing long arrays element by element in a matcher takes seconds.
      expect(chunk.every((value, i) => Object.is(value, expected[at + i]))).toBe(true);
      at += chunk.length;
    }
    expect(at).toBe(values.length);
    expect(sizes.length).toBeGreaterThan(1);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2 ** 18);
  });

  it('shares the array that it looks at', () => {
    const values = draw([2, 3]);
    const view = ConstantView.of(values, [2, 3]).transpose([2, 3], [1, 0]);
    values.fill(7);
    expect(view.toArray()).toEqual(new Float32Array(6).fill(7));
  });
});
