/** The way between two latents: its ends, its length, its shape. */
import { describe, expect, it } from 'vitest';
import { plainTensor } from '../src/core/tensor.js';
import { drawLatents } from '../src/sample/latents.js';
import { walkLatents } from '../src/sample/walk-latents.js';

const NORMAL = { latentSize: 100, latentDistribution: 'normal' } as const;
const UNIFORM = { latentSize: 100, latentDistribution: 'uniform' } as const;

const lengthOf = (data: Float32Array) => Math.sqrt(data.reduce((sum, value) => sum + value * value, 0));

describe('a walk between latents', () => {
  const from = drawLatents(NORMAL, 1, 0, 1);
  const to = drawLatents(NORMAL, 1, 1, 1);
  const steps = 9;
  const rowsOf = (data: Float32Array) =>
    Array.from({ length: steps }, (_, step) => data.subarray(step * 100, (step + 1) * 100));

  it.each([NORMAL, UNIFORM])(
    'begins and ends at the given ones, bit for bit: $latentDistribution',
    (shape) => {
      const walk = walkLatents(shape, from, to, steps);
      expect(walk.shape).toEqual([steps, 100]);
      expect([...walk.data.subarray(0, 100)]).toEqual([...from.data]);
      expect([...walk.data.subarray((steps - 1) * 100)]).toEqual([...to.data]);
      expect(walkLatents(shape, from, to, 2).data).toEqual(new Float32Array([...from.data, ...to.data]));
    },
  );

  it('keeps the length of normal latents on its way, by equal angles', () => {
    const rows = rowsOf(walkLatents(NORMAL, from, to, steps).data);
    const [a, b] = [lengthOf(from.data), lengthOf(to.data)];
    for (const row of rows) {
      expect(lengthOf(row)).toBeGreaterThan(Math.min(a, b) - 0.35);
      expect(lengthOf(row)).toBeLessThan(Math.max(a, b) + 0.35);
    }
    // Of two ends of one length, every step is of that length and as far from the next as any other.
    const scaled = plainTensor(
      to.data.map((value) => (value * a) / b),
      [1, 100],
    );
    const even = rowsOf(walkLatents(NORMAL, from, scaled, steps).data);
    const strides = even.slice(1).map((row, i) => lengthOf(row.map((value, k) => value - even[i]![k]!)));
    for (const row of even) expect(lengthOf(row)).toBeCloseTo(a, 4);
    for (const stride of strides) expect(stride).toBeCloseTo(strides[0]!, 4);
  });

  it('goes straight between uniform latents, and where there is no arc', () => {
    const middle = walkLatents(UNIFORM, from, to, 3).data.subarray(100, 200);
    middle.forEach((value, i) => {
      expect(value).toBeCloseTo((from.data[i]! + to.data[i]!) / 2, 6);
    });
    const opposite = plainTensor(
      from.data.map((value) => -value),
      [1, 100],
    );
    expect(Math.max(...walkLatents(NORMAL, from, opposite, 3).data.subarray(100, 200))).toBeCloseTo(0, 6);
    const still = walkLatents(NORMAL, from, from, 4).data;
    still.forEach((value, i) => {
      expect(value).toBeCloseTo(from.data[i % 100]!, 5);
    });
    const zero = plainTensor(new Float32Array(100), [1, 100]);
    expect(walkLatents(NORMAL, zero, from, 3).data[150]).toBeCloseTo(from.data[50]! / 2, 6);
  });

  it('refuses other shapes and too few steps', () => {
    expect(() => walkLatents(NORMAL, drawLatents(NORMAL, 1, 0, 2), to, 3)).toThrow(/one latent \[1, 100\]/);
    expect(() => walkLatents({ ...NORMAL, latentSize: 50 }, from, to, 3)).toThrow(/one latent \[1, 50\]/);
    expect(() => walkLatents(NORMAL, from, to, 1)).toThrow(/at least 2 steps, got `1`/);
    expect(() => walkLatents(NORMAL, from, to, Number.NaN)).toThrow(/got `NaN`/);
    expect(() => walkLatents(NORMAL, from, to, 3, 'arc' as 'lerp')).toThrow(/slerp or lerp, got `arc`/);
  });
});
