/**
 * float32 <-> IEEE 754 half precision (binary16): 1 bit of sign, 5 of exponent, 10 of mantissa, kept as uint16.
 * JavaScript's own Float16Array is younger than the oldest Node that is supported. It knows no files.
 * https://en.wikipedia.org/wiki/Half-precision_floating-point_format
 */

/** The largest finite number of half precision. */
export const MAX_HALF = 65504;

/** Half the distance from 1 to the next number of half precision: what rounding may change, relative to a number. */
export const HALF_ROUNDING = 2 ** -11;

/** The bits, as a float32, of 2^16, of 2^-14 (the smallest normal half) and of 2^-25 (half the smallest half). */
const [TOO_LARGE, NORMAL, VANISHING] = [0x47800000, 0x38800000, 0x33000000];

/**
 * Rounds to the nearest half, ties to even; small numbers become subnormal halves, and what lies beyond 65504 by half
 * a step or more becomes infinite.
 *
 * @returns as many uint16 bit patterns
 */
export function encodeHalf(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) {
    const sign = (bits[i]! >>> 16) & 0x8000;
    const size = bits[i]! & 0x7fffffff;
    if (size >= NORMAL && size < TOO_LARGE) {
      // The exponent's bias is 15 instead of 127; a mantissa that rounds up to 2 carries into the exponent by itself.
      halves[i] = sign | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
    } else if (size >= TOO_LARGE) {
      halves[i] = sign | (size > 0x7f800000 ? 0x7e00 : 0x7c00); // not a number, or infinite
    } else {
      halves[i] = sign | (size > VANISHING ? roundSubnormal(size) : 0);
    }
  }
  return halves;
}

/** The bits of a float32 below 2^-14 as a count of 2^-24, ties to even. */
function roundSubnormal(size: number): number {
  const mantissa = (size & 0x7fffff) | 0x800000;
  const shift = 126 - (size >>> 23); // 14 to 24
  const count = mantissa >>> shift;
  const rest = mantissa - (count << shift);
  const tie = 1 << (shift - 1);
  return rest > tie || (rest === tie && count % 2 === 1) ? count + 1 : count;
}

/** The numbers behind uint16 bit patterns; exact. */
export function decodeHalf(halves: Uint16Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(halves, (bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >>> 10) & 0x1f;
    const mantissa = bits & 0x3ff;
    if (exponent === 0x1f) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
  });
}
