/** The random numbers: published vectors, independence of cuts, and bits that must never change. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { GanError } from '../src/core/errors.js';
import { exactLog, normalQuantile } from '../src/core/normal.js';
import { philox4x32, randomWords } from '../src/core/philox.js';
import { philoxModule } from '../src/core/philox-assembly.js';
import { coins, normal, permutation, uniform } from '../src/core/random.js';

const hex = (words: Uint32Array) => [...words].map((word) => word.toString(16).padStart(8, '0')).join(' ');

describe('philox4x32-10', () => {
  // The three known-answer vectors that Random123 publishes for philox4x32, 10 rounds (its file kat_vectors).
  it.each([
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [Array(4).fill(0xffffffff), Array(2).fill(0xffffffff), '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      'd16cfe09 94fdcceb 5001e420 24126ea1',
    ],
  ])('counter %j, key %j', (counter, key, answer) => {
    const out = new Uint32Array(4);
    philox4x32(counter, key, out);
    expect(hex(out)).toBe(answer);
  });

  it('gives the same words however a range is cut', () => {
    const whole = randomWords(7, 'cut', 0, 100);
    for (const [start, count] of [
      [0, 1],
      [3, 5],
      [4, 8],
      [97, 3],
      [50, 50],
    ] as const) {
      expect([...randomWords(7, 'cut', start, count)]).toEqual([...whole.subarray(start, start + count)]);
    }
  });

  it('gives the same words with and without WebAssembly, across the carry of a block number too', () => {
    const module = philoxModule();
    expect(module).not.toBeNull();
    for (const [start, count] of [
      [0, 4 * 70_000],
      [3, 1001],
      [4 * (2 ** 32 - 40), 400],
    ] as const) {
      const fast = randomWords(2 ** 40 + 7, 'module', start, count, module);
      expect(fast).toEqual(randomWords(2 ** 40 + 7, 'module', start, count, null));
    }
  });

  it('tells seeds above 2^32 and streams apart, and refuses what is no seed', () => {
    expect(hex(randomWords(1, 's', 0, 4))).not.toBe(hex(randomWords(1 + 2 ** 32, 's', 0, 4)));
    expect(hex(randomWords(1, 's', 0, 4))).not.toBe(hex(randomWords(1, 't', 0, 4)));
    for (const seed of [-1, 0.5, Number.NaN, 2 ** 53])
      expect(() => randomWords(seed, 's', 0, 1)).toThrow(GanError);
  });
});

describe('normal deviates', () => {
  // Quantiles to 12 digits, as tabulated with AS 241.
  it.each([
    [0.5, 0],
    [0.975, 1.959963984540054],
    [0.25, -0.6744897501960817],
    [0.001, -3.090232306167813],
    [1e-10, -6.361340902404056],
    [1e-20, -9.26234008979841],
  ])('quantile of %d', (p, x) => expect(normalQuantile(p)).toBeCloseTo(x, 12));

  it('has a logarithm within two units in the last place of Math.log', () => {
    for (let i = 1; i < 5000; i++) {
      const x = i * i * 1.37e-6 + 1e-12;
      expect(Math.abs(exactLog(x) - Math.log(x))).toBeLessThanOrEqual(
        4e-16 * Math.max(1, Math.abs(Math.log(x))),
      );
    }
  });

  it('has the moments of N(0, 1)', () => {
    const n = 400_000;
    const x = normal(3, 'moments', 0, n);
    const moment = (k: number) => x.reduce((sum, value) => sum + value ** k, 0) / n;
    // Five standard errors of each moment's estimate.
    expect(Math.abs(moment(1))).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / n));
  });

  it('draws the first million latents of seed 0 with the checksum that the README states', () => {
    const latents = normal(0, 'latents', 0, 1_000_000);
    expect(createHash('sha256').update(new Uint8Array(latents.buffer)).digest('hex')).toBe(
      '9597386f73999e425edf523ed99bb2e23cd4c7d27d3f25c5921fa5795de22114',
    );
  });
});

describe('other draws', () => {
  it('keeps a uniform in its range and centred', () => {
    const x = uniform(1, 'u', 0, 100_000, -2, 4);
    expect(Math.min(...x.subarray(0, 50_000))).toBeGreaterThanOrEqual(-2);
    expect(Math.max(...x.subarray(0, 50_000))).toBeLessThanOrEqual(4);
    expect(x.reduce((a, b) => a + b, 0) / x.length).toBeCloseTo(1, 1);
  });

  it.each([0.8, 0.5, 0.3])('tosses coins at the asked rate, the same at any cut: %d', (keep) => {
    const x = coins(5, 'c', 0, 100_001, keep);
    expect(x.length).toBe(100_001);
    expect(x.reduce((a, b) => a + b, 0) / x.length).toBeCloseTo(keep, 2);
    expect(new Set(x)).toEqual(new Set([0, 1]));
    for (const [start, count] of [
      [33, 7],
      [31, 2],
      [64, 200],
    ] as const)
      expect([...coins(5, 'c', start, count, keep)]).toEqual([...x.subarray(start, start + count)]);
  });

  it('refuses what is no probability', () => {
    expect(() => coins(5, 'c', 0, 1, 0)).toThrow(/probability/);
  });

  it('permutes: each index once, another order for another stream', () => {
    const order = permutation(2, 'epoch/0', 1000);
    expect([...order].sort((a, b) => a - b)).toEqual([...Array(1000).keys()]);
    expect([...order]).not.toEqual([...permutation(2, 'epoch/1', 1000)]);
  });
});
