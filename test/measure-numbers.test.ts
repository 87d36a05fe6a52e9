/** KID, Fréchet distance, precision and recall, and coverage on cases whose answers can be worked out by hand. */
import { describe, expect, it } from 'vitest';
import { normal } from '../src/core/random.js';
import { type FloatTensor, plainTensor } from '../src/core/tensor.js';
import { openData } from '../src/data/index.js';
import { MIXTURES } from '../src/data/points.js';
import {
  measureCoverage,
  measureFid,
  measureKid,
  measurePrecisionRecall,
  type Rows,
  toRows,
} from '../src/measure/index.js';
import { sumSingularValues } from '../src/measure/singular-values.js';

function rows(values: readonly (readonly number[])[]): Rows {
  return toRows(plainTensor(Float32Array.from(values.flat()), [values.length, values[0]!.length]));
}

function gaussian(stream: string, count: number, width: number, shift = 0, scale = 1): Rows {
  const values = normal(2, stream, 0, count * width).map((value) => value * scale + shift);
  return toRows(plainTensor(values, [count, width]));
}

describe('KID', () => {
  it('is the estimate of the paper, worked out by hand', async () => {
    // One dimension, k(x, y) = (xy + 1)³: 2·3 samples give 7³, 0·1 reals 1; across 1, 3³, 1, 4³.
    const found = await measureKid(rows([[2], [3]]), rows([[0], [1]]));
    expect(found.mean).toBeCloseTo(343 + 1 - (2 * (1 + 27 + 1 + 64)) / 4, 10);
    expect([found.blocks, found.blockSize, found.standardError]).toEqual([1, 2, undefined]);
  });

  it('is zero within its error for two draws of one distribution, and far from it for another', async () => {
    const [one, two] = [gaussian('one', 2000, 16), gaussian('two', 2000, 16)];
    const same = await measureKid(one, two, { blockSize: 200 });
    expect(same.blocks).toBe(10);
    expect(Math.abs(same.mean)).toBeLessThan(4 * same.standardError!);
    const other = await measureKid(one, gaussian('three', 2000, 16, 0.3), { blockSize: 200 });
    expect(other.mean).toBeGreaterThan(10 * other.standardError!);
  });

  it('refuses single rows and widths that differ', async () => {
    await expect(measureKid(rows([[1]]), rows([[1], [2]]))).rejects.toThrow('two samples');
    await expect(measureKid(rows([[1, 2]]), rows([[1], [2]]))).rejects.toThrow('rows of 1 values');
  });
});

describe('Fréchet distance', () => {
  it('is 0 of a set from itself, and the squared length of a shift', () => {
    const one = gaussian('one', 500, 12);
    expect(measureFid(one, one)).toBeLessThan(1e-10);
    const shifted: Rows = { ...one, data: Float64Array.from(one.data, (value) => value + 0.5) };
    expect(measureFid(one, shifted)).toBeCloseTo(12 * 0.25, 9);
  });

  it('is the gap of the deviations where only the scale differs', () => {
    const one = gaussian('one', 500, 1);
    const values = Array.from(one.data);
    const mean = values.reduce((sum, value) => sum + value, 0) / 500;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 499;
    const doubled: Rows = { ...one, scale: 2 };
    expect(measureFid(one, doubled)).toBeCloseTo(mean * mean + variance, 9);
  });

  it('bears features that never vary and more features than rows', () => {
    const dead = (data: Rows): Rows => ({ ...data, data: data.data.map((v, i) => (i % 8 === 3 ? 0 : v)) });
    expect(measureFid(dead(gaussian('a', 300, 8)), dead(gaussian('b', 300, 8)))).toBeLessThan(0.3);
    const few = gaussian('few', 10, 40);
    expect(measureFid(few, few)).toBeLessThan(1e-6);
  });

  it('rests on singular values: 3 + 1 of a matrix that is turned', () => {
    const [c, s] = [Math.cos(0.7), Math.sin(0.7)];
    expect(sumSingularValues(Float64Array.of(3 * c, -s, 3 * s, c), 2)).toBeCloseTo(4, 13);
    expect(sumSingularValues(new Float64Array(9), 3)).toBe(0);
  });
});

describe('precision and recall', () => {
  /** Points 0, 1, 2, … and so on, so that with k = 1 every ball has the radius 1. */
  const line = (from: number, to: number): Rows =>
    rows(Array.from({ length: to - from }, (_, i) => [from + i]));

  it('are 1 for equal sets and 0 for sets apart', async () => {
    expect(await measurePrecisionRecall(line(0, 10), line(0, 10))).toEqual({ precision: 1, recall: 1, k: 3 });
    const apart = await measurePrecisionRecall(line(0, 10), line(100, 110));
    expect(apart).toEqual({ precision: 0, recall: 0, k: 3 });
  });

  it('tell fidelity from variety', async () => {
    // Half of the real line: all samples lie on it, and one real item more lies within reach of them.
    const half = await measurePrecisionRecall(line(0, 5), line(0, 10), { k: 1 });
    expect(half).toEqual({ precision: 1, recall: 0.6, k: 1 });
    const wide = await measurePrecisionRecall(line(0, 20), line(0, 10), { k: 1 });
    expect(wide).toEqual({ precision: 11 / 20, recall: 1, k: 1 });
  });

  it('take the k-th neighbour without counting the item itself', async () => {
    // Real items 0, 1, 10: with k = 2 their radii are 10, 9 and 10.
    const real = rows([[0], [1], [10]]);
    const near = await measurePrecisionRecall(rows([[20], [20.5], [-10]]), real, { k: 2 });
    expect(near.precision).toBeCloseTo(2 / 3, 12);
  });

  it('refuse sets of k items and count their work', async () => {
    await expect(measurePrecisionRecall(line(0, 3), line(0, 9))).rejects.toThrow('more than 3');
    const seen: string[] = [];
    await measurePrecisionRecall(line(0, 10), line(0, 6), {
      onProgress: (done, total) => void seen.push(`${done}/${total}`),
    });
    expect(seen).toEqual(['6/32', '16/32', '26/32', '32/32']);
  });
});

describe('coverage', () => {
  it.each(Object.entries(MIXTURES))('of %s by its own points is whole', async (name, mixture) => {
    const data = await openData(name, { count: 10_000 });
    const points = (await data.read(Array.from({ length: 10_000 }, (_, i) => i))) as FloatTensor;
    await data.close();
    const found = measureCoverage(points, mixture);
    expect([found.modes, found.covered]).toEqual([mixture.centres.length, mixture.centres.length]);
    // P(within 3 σ) is 99.73 % in one dimension and 1 − e^(−9/2) in two; what is clipped changes the first a little.
    const share = mixture.centres[0]!.length === 1 ? 0.9973 : 1 - Math.exp(-4.5);
    expect(Math.abs(found.highQuality - share)).toBeLessThan(0.004);
    expect(found.divergence).toBeLessThan(0.02);
  });

  it('sees modes that were lost and points that lie between', () => {
    const ring = MIXTURES.ring!;
    const [first, second] = ring.centres as [readonly [number, number], readonly [number, number]];
    const points = plainTensor(Float32Array.from([first, first, second, [0, 0]].flat()), [4, 1, 1, 2]);
    const found = measureCoverage(points, ring);
    expect([found.covered, found.highQuality]).toEqual([2, 0.75]);
    expect(found.divergence).toBeGreaterThan(0.3);
  });

  it('finds log 2 for points where the density is none', () => {
    const points = plainTensor(new Float32Array(200).fill(-0.95), [200, 1, 1, 1]);
    const { divergence } = measureCoverage(points, { centres: [[0.9]], sigma: 0.01 });
    expect(divergence).toBeCloseTo(Math.LN2, 9);
  });

  it('refuses points of another size', () => {
    const points = plainTensor(new Float32Array(6), [2, 1, 1, 3]);
    expect(() => measureCoverage(points, MIXTURES.ring!)).toThrow('points of 2 dimensions');
  });
});
