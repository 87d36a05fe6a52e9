/** The sets that need no files, and the order in which items are drawn. */
import { describe, expect, it } from 'vitest';
import { BUILT_IN, batchIndices, openData } from '../src/data/index.js';

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('digits', () => {
  it('are the same whatever the count, and others for another seed', async () => {
    const few = await openData('digits', { count: 25, seed: 3 });
    const many = await openData('digits', { count: 40, seed: 3 });
    const other = await openData('digits', { count: 25, seed: 4 });
    expect((await many.read(range(25))).data).toEqual((await few.read(range(25))).data);
    expect(other.digest).not.toBe(few.digest);
    expect(few.labels).toHaveLength(10);
    expect([...few.labelOf!.subarray(0, 12)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
  });

  it('never change: exact arithmetic gives these bits on every machine', async () => {
    expect((await openData('digits', { count: 1000 })).digest).toBe(
      '21731ade50545d46dc083860a2283085ce545d5dc8dc172842724d4abd94fe37',
    );
  });

  it('are laid out as MNIST is: in a box of 20, centre of mass in the middle', async () => {
    const count = 500;
    const { data } = await (await openData('digits', { count })).read(range(count));
    for (let i = 0; i < count; i++) {
      let mass = 0;
      let x = 0;
      let y = 0;
      let peak = 0;
      for (let at = 0; at < 784; at++) {
        const ink = data[i * 784 + at]!;
        peak = Math.max(peak, ink);
        mass += ink;
        x += ink * ((at % 28) + 0.5);
        y += ink * (Math.floor(at / 28) + 0.5);
      }
      expect(peak).toBe(255);
      // Where strokes cross, ink counts once but its path twice: the centre is up to a pixel off.
      expect(Math.abs(x / mass - 14)).toBeLessThan(1);
      expect(Math.abs(y / mass - 14)).toBeLessThan(1);
      expect(mass / 255 / 784).toBeGreaterThan(0.02);
      expect(mass / 255 / 784).toBeLessThan(0.4);
    }
  });

  it('can be told apart: the mean digits classify most of fresh ones', async () => {
    const train = await openData('digits', { count: 2000, seed: 1 });
    const fresh = await openData('digits', { count: 500, seed: 2 });
    const { data: seen } = await train.read(range(2000));
    const means = range(10).map(() => new Float64Array(784));
    for (let i = 0; i < 2000; i++) {
      for (let at = 0; at < 784; at++) means[i % 10]![at]! += seen[i * 784 + at]! / 200;
    }
    const { data } = await fresh.read(range(500));
    let right = 0;
    for (let i = 0; i < 500; i++) {
      const distances = means.map((mean) =>
        mean.reduce((sum, m, at) => sum + (m - data[i * 784 + at]!) ** 2, 0),
      );
      if (distances.indexOf(Math.min(...distances)) === i % 10) right++;
    }
    // The same rule gets 82 % on MNIST.
    expect(right / 500).toBeGreaterThan(0.75);
    expect(right / 500).toBeLessThan(1);
  });

  it('come in other sizes and in RGB', async () => {
    const data = await openData('digits', { count: 10, size: 32, channels: 3 });
    expect(data.shape).toEqual([32, 32, 3]);
    const { data: values } = await data.read([7]);
    for (let i = 0; i < values.length; i += 3) {
      expect([values[i + 1], values[i + 2]]).toEqual([values[i], values[i]]);
    }
    expect(Math.max(...values)).toBe(255);
  });
});

describe('points', () => {
  it.each([
    ['ring', 8, 2, 0.02],
    ['grid', 25, 2, 0.02],
    ['gaussian', 1, 1, 0.25],
  ])('%s has %i modes of %i dimensions and sigma %d', async (name, modes, dimensions, sigma) => {
    const count = 5000;
    const data = await openData(name, { count });
    expect(data.kind).toBe('points');
    expect(data.shape).toEqual([1, 1, dimensions]);
    expect(data.labels).toHaveLength(modes);
    const { data: values } = await data.read(range(count));
    expect(values.every((value) => value >= -1 && value <= 1)).toBe(true);
    const members = range(modes).map((mode) => range(count).filter((i) => data.labelOf![i] === mode));
    let squares = 0;
    for (const mode of members) {
      // Equally likely: within five standard deviations of the binomial.
      const share = count / modes;
      expect(Math.abs(mode.length - share)).toBeLessThanOrEqual(5 * Math.sqrt(share));
      for (const d of range(dimensions)) {
        const mean = mode.reduce((sum, i) => sum + values[i * dimensions + d]!, 0) / mode.length;
        squares += mode.reduce((sum, i) => sum + (values[i * dimensions + d]! - mean) ** 2, 0);
      }
    }
    // The relative error of a sample's sigma is 1/sqrt(2n), below 1 % here; five of them.
    expect(Math.abs(Math.sqrt(squares / count / dimensions) / sigma - 1)).toBeLessThan(0.05);
  });

  it('are all named, and 20,000 unless asked otherwise', async () => {
    expect(BUILT_IN).toEqual(['digits', 'ring', 'grid', 'gaussian']);
    const data = await openData('ring');
    expect(data.count).toBe(20_000);
    expect(data.labelOf).toHaveLength(20_000);
  });
});

describe('the order of drawing', () => {
  it('runs through every item once an epoch, each time in another order', () => {
    const epochs = [0, 1, 2].map((epoch) => [...batchIndices(5, 11, epoch * 11, 11)]);
    for (const epoch of epochs) expect([...epoch].sort((a, b) => a - b)).toEqual(range(11));
    expect(epochs[0]).not.toEqual(epochs[1]);
    expect(epochs[1]).not.toEqual(epochs[2]);
  });

  it('is one stream however it is cut, across epochs and in any sequence of calls', () => {
    const whole = [...batchIndices(9, 7, 0, 70)];
    for (const [start, size] of [
      [65, 5],
      [3, 10],
      [6, 1],
      [0, 40],
      [13, 2],
    ] as const) {
      expect([...batchIndices(9, 7, start, size)]).toEqual(whole.slice(start, start + size));
    }
    expect([...batchIndices(10, 7, 0, 70)]).not.toEqual(whole);
  });
});
