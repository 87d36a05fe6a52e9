/**
 * The Parzen measure against a plain reading of its formula, and against check values that were computed apart on
 * MNIST; nearest items against a search without any trick. Threads are those of the built program.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { normal, uniform } from '../src/core/random.js';
import { type PlainTensor, plainTensor } from '../src/core/tensor.js';
import type { Dataset } from '../src/core/types.js';
import { openData } from '../src/data/index.js';
import { type VisitDistances, visitDistances } from '../src/measure/distances.js';
import { findNearest, measureParzen, PARZEN_SIGMAS, toPixels, toRows } from '../src/measure/index.js';
import { productsModule } from '../src/measure/products-assembly.js';
import type { Pool } from '../src/workers/index.js';
import { randomState } from './support/mersenne-twister.js';

const MNIST = fileURLToPath(new URL('../../shared/data/mnist', import.meta.url));

let pool: Pool;
beforeAll(async () => {
  const built = new URL('../dist/src/workers/index.js', import.meta.url);
  const { openPool } = (await import(built.href)) as typeof import('../src/workers/index.js');
  pool = openPool(2);
});
afterAll(() => pool.close());

/** Values of which about `share` are not zero. */
function sparse(stream: string, count: number, width: number, share: number): PlainTensor {
  const values = uniform(5, stream, 0, count * width);
  const kept = uniform(5, `${stream}/kept`, 0, count * width);
  return plainTensor(
    values.map((value, i) => (kept[i]! < share ? value : 0)),
    [count, width],
  );
}

function distance(a: PlainTensor, i: number, b: PlainTensor, j: number): number {
  const width = a.shape[1]!;
  let sum = 0;
  for (let d = 0; d < width; d++) sum += (a.data[i * width + d]! - b.data[j * width + d]!) ** 2;
  return sum;
}

/** Mean log-likelihood, as the formula reads. */
function likelihood(test: PlainTensor, samples: PlainTensor, sigma: number): number {
  const [count = 0, width = 0] = test.shape;
  let total = 0;
  for (let i = 0; i < count; i++) {
    const exponents = Array.from(
      { length: samples.shape[0]! },
      (_, j) => -distance(test, i, samples, j) / (2 * sigma * sigma),
    );
    const largest = Math.max(...exponents);
    const sum = exponents.reduce((before, value) => before + Math.exp(value - largest), 0);
    total += largest + Math.log(sum / exponents.length) - width * Math.log(sigma * Math.sqrt(2 * Math.PI));
  }
  return total / count;
}

describe.each([
  { name: 'dense samples, sparse tests', samples: 1, tests: 0.2 },
  { name: 'sparse samples, dense tests', samples: 0.2, tests: 1 },
])('likelihood of $name', ({ samples: a, tests: b }) => {
  // Neither is a multiple of a panel's or a block's rows.
  const samples = sparse('samples', 1037, 50, a);
  const validation = sparse('validation', 131, 50, b);
  const test = sparse('test', 269, 50, b);

  it('is what the formula gives, at every width', async () => {
    const found = await measureParzen({ samples, validation, test });
    expect(found.validation.map(({ sigma }) => sigma)).toEqual([...PARZEN_SIGMAS]);
    for (const { sigma, mean } of found.validation) {
      expect(mean).toBeCloseTo(likelihood(validation, samples, sigma), 8);
    }
    const best = found.validation.reduce((one, other) => (other.mean > one.mean ? other : one));
    expect(found.sigma).toBe(best.sigma);
    expect(found.mean).toBeCloseTo(likelihood(test, samples, best.sigma), 8);
  });

  it('has the same bits in threads', async () => {
    const here = await measureParzen({ samples, validation, test });
    expect(await measureParzen({ samples, validation, test }, { run: pool.run })).toEqual(here);
  });

  it('finds the nearest of all, the first of equals', async () => {
    const rows = plainTensor(
      Float32Array.from([...samples.data, ...samples.data.subarray(0, 50 * 40)]),
      [1077, 50],
    );
    const found = await findNearest(test, rows, { run: pool.run });
    found.forEach((nearest, i) => {
      const all = Array.from({ length: 1077 }, (_, j) => distance(test, i, rows, j));
      const least = Math.min(...all);
      expect(nearest.distance).toBeCloseTo(Math.sqrt(least), 10);
      expect(nearest.index).toBe(all.indexOf(least));
    });
    const itself = await findNearest(samples, rows);
    expect(itself.map(({ index }) => index)).toEqual(Array.from({ length: 1037 }, (_, i) => i));
    expect(itself.every((nearest) => nearest.distance === 0)).toBe(true);
  });
});

describe('work on distances', () => {
  const samples = sparse('samples', 600, 20, 1);

  it.each([
    [1, 0.3],
    [0.3, 1],
  ])('have the same bits with and without WebAssembly: densities %d and %d', (one, other) => {
    expect(productsModule()).not.toBeNull();
    const [queries, references] = [sparse('queries', 300, 30, one), sparse('others', 1100, 30, other)];
    const collect = (module: ReturnType<typeof productsModule>): number[] => {
      const all: number[] = [];
      const visit: VisitDistances = (query, reference, distances, count) => {
        expect(count).toBeLessThanOrEqual(distances.length);
        for (let i = 0; i < count; i++) all[query * 1100 + reference + i] = distances[i]!;
      };
      visitDistances(toRows(queries), 0, 300, toRows(references), visit, module);
      return all;
    };
    const fast = collect(productsModule());
    expect(fast).toHaveLength(300 * 1100);
    expect(collect(null)).toEqual(fast);
    expect(fast[299 * 1100 + 1099]).toBeCloseTo(distance(queries, 299, references, 1099), 12);
  });

  it('bear rows so wide that blocks hold few of them', async () => {
    const [queries, references] = [sparse('wide', 19, 150_000, 0.5), sparse('wider', 37, 150_000, 0.5)];
    const found = await findNearest(queries, references);
    for (const [i, nearest] of found.entries()) {
      const all = Array.from({ length: 37 }, (_, j) => distance(queries, i, references, j));
      expect(nearest.index).toBe(all.indexOf(Math.min(...all)));
    }
  });

  it('counts every query and stops when told to', async () => {
    const seen: string[] = [];
    const onProgress = (done: number, total: number): void => void seen.push(`${done}/${total}`);
    await findNearest(samples, samples, { onProgress });
    expect(seen).toEqual(['256/600', '512/600', '600/600']);
    const stop = new AbortController();
    const stopped = findNearest(samples, samples, {
      run: pool.run,
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toThrow('enough');
  });

  it('refuses other sizes and what is no number', async () => {
    const other = sparse('other', 10, 21, 1);
    await expect(findNearest(other, samples)).rejects.toThrow('Expected rows of 20 values, got `21`');
    const broken = plainTensor(Float32Array.of(0, Number.NaN), [1, 2]);
    const fine = plainTensor(Float32Array.of(0, 1), [1, 2]);
    await expect(measureParzen({ samples: broken, validation: fine, test: fine })).rejects.toThrow('finite');
  });

  it('maps a range to black and white', () => {
    const images = plainTensor(normal(1, 'range', 0, 8), [2, 2, 2, 1]);
    const pixels = toPixels(images, [-1, 1]);
    for (const [i, value] of images.data.entries()) expect(pixels.data[i]).toBeCloseTo((value + 1) / 2, 6);
  });
});

describe.skipIf(!existsSync(MNIST))('check values on MNIST', () => {
  let train: Dataset;
  let validation: PlainTensor;
  let test: PlainTensor;
  const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  beforeAll(async () => {
    train = await openData(MNIST);
    validation = await train.read(rows(50_000, 51_000));
    const set = await openData(`${MNIST}/t10k-images-idx3-ubyte.gz`);
    test = await set.read(rows(0, 10_000));
    await set.close();
  });
  afterAll(() => train.close());

  it('10,000 training images as samples: the figures of every width', async () => {
    const samples = await train.read(rows(0, 10_000));
    const found = await measureParzen({ samples, validation, test }, { run: pool.run });
    const curve = [
      -138.461, 147.203, 238.123, 212.3, 116.496, -21.251, -184.125, -362.035, -548.91, -741.071,
    ];
    for (const [i, { mean }] of found.validation.entries()) {
      expect(Math.abs(mean - curve[i]!)).toBeLessThan(0.01);
    }
    expect(found.sigma).toBeCloseTo(0.16681, 5);
    expect(Math.abs(found.mean - 241.193)).toBeLessThan(0.01);
    expect(Math.abs(found.standardError - 2.13)).toBeLessThan(0.01);
    expect([found.samples, found.tested]).toEqual([10_000, 10_000]);
  });

  it('1,000 training images as samples', async () => {
    const samples = await train.read(rows(0, 1000));
    const found = await measureParzen({ samples, validation, test }, { run: pool.run });
    expect(found.sigma).toBeCloseTo(0.215443, 6);
    expect(Math.abs(found.mean - 114.216)).toBeLessThan(0.01);
    expect(Math.abs(found.standardError - 1.669)).toBeLessThan(0.01);
  });

  it('uniform noise as samples', async () => {
    const noise = Float32Array.from(randomState(0, 7_840_000));
    const samples = plainTensor(noise, [10_000, 784]);
    const found = await measureParzen({ samples, validation, test }, { run: pool.run });
    expect(found.sigma).toBeCloseTo(0.599484, 6);
    expect(Math.abs(found.mean + 628.892)).toBeLessThan(0.01);
    expect(Math.abs(found.standardError - 0.053)).toBeLessThan(0.01);
  });

  it('finds training images by heart, and others not', async () => {
    const all = await train.read(rows(0, 60_000));
    const [known, unknown] = [
      await train.read(rows(123, 140)),
      { ...test, data: test.data.subarray(0, 784 * 20) },
    ];
    const found = await findNearest(known, all, { run: pool.run });
    expect(found.map(({ index, distance: far }) => [index, far])).toEqual(
      rows(123, 140).map((row) => [row, 0]),
    );
    const others = await findNearest({ ...unknown, shape: [20, 28, 28, 1] }, all, { run: pool.run });
    expect(Math.min(...others.map((nearest) => nearest.distance))).toBeGreaterThan(1);
  });
});
