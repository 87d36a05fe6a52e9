/** Half precision, number by number: every half, every tie between two of them, and what lies beyond. */
import { describe, expect, it } from 'vitest';
import { decodeHalf, encodeHalf, HALF_ROUNDING, MAX_HALF } from '../src/core/half.js';

const encode = (value: number): number => encodeHalf(Float32Array.of(value))[0]!;
const decode = (bits: number): number => decodeHalf(Uint16Array.of(bits))[0]!;

/** All finite halves from 0 up, in the order of their bits. */
const FINITE = decodeHalf(Uint16Array.from({ length: 0x7c00 }, (_, bits) => bits));

/** The float32 next to a positive one. */
function neighbour(value: number, step: 1 | -1): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0]! += step;
  return new Float32Array(bits.buffer)[0]!;
}

describe('half precision', () => {
  it.each([
    [0x0000, 0],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3555, 1365 / 4096],
    [0x3c00, 1],
    [0x3c01, 1 + 2 ** -10],
    [0xc000, -2],
    [0x7bff, MAX_HALF],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
  ])('%i stands for %d', (bits, value) => {
    expect(decode(bits)).toBe(value);
    expect(encode(value)).toBe(bits);
  });

  it('keeps every one of its numbers, of either sign', () => {
    expect(FINITE.every((value, i) => i === 0 || value > FINITE[i - 1]!)).toBe(true);
    expect(encodeHalf(FINITE)).toEqual(Uint16Array.from(FINITE, (_, bits) => bits));
    expect(encodeHalf(FINITE.map((value) => -value))).toEqual(
      Uint16Array.from(FINITE, (_, bits) => bits | 0x8000),
    );
  });

  it('rounds to the nearest, and ties to even', () => {
    for (let low = 0; low < FINITE.length - 1; low++) {
      // The middle of two halves has one bit more, which float32 holds.
      const middle = (FINITE[low]! + FINITE[low + 1]!) / 2;
      const even = low % 2 === 0 ? low : low + 1;
      const got = [...encodeHalf(Float32Array.of(neighbour(middle, -1), middle, neighbour(middle, 1)))];
      if (`${got}` !== `${[low, even, low + 1]}`)
        expect(got, `around ${middle}`).toEqual([low, even, low + 1]);
    }
    expect(Math.abs(FINITE[0x3c01]! - 1) / 2).toBe(HALF_ROUNDING);
  });

  it('becomes infinite from 65520 on, and keeps what is no number', () => {
    expect(encode(65519.996)).toBe(0x7bff);
    expect(encode(65520)).toBe(0x7c00);
    expect(encode(-1e9)).toBe(0xfc00);
    expect(encode(3.4e38)).toBe(0x7c00);
    expect(decode(encode(Number.NaN))).toBeNaN();
    expect(Object.is(decode(encode(-0)), -0)).toBe(true);
    expect(Object.is(decode(encode(-1e-30)), -0)).toBe(true);
  });

  it('is taken from any part of a longer array', () => {
    expect(encodeHalf(Float32Array.of(9, 1, 2, 9).subarray(1, 3))).toEqual(Uint16Array.of(0x3c00, 0x4000));
  });
});
