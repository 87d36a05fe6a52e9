/**
 * A matrix of samples, pixels or features as the measures see it: rows of equal width over whatever typed array holds
 * them, so that 8-bit data need not be held as floats. It knows no data set and no generator.
 */
import { expected } from '../core/errors.js';
import { type FloatTensor, type PlainTensor, sizeOf } from '../core/tensor.js';

/** `count` rows of `width` values; the value that is meant is the one in `data` times `scale`. */
export interface Rows {
  readonly data: Uint8Array | Float32Array | Float64Array;
  readonly count: number;
  readonly width: number;
  readonly scale: number;
}

/** Items of a data set as rows: images as uint8 become pixels in [0, 1], floats stay as they are. */
export function toRows({ data, dtype, shape }: PlainTensor): Rows {
  const [count = 0, ...rest] = shape;
  if (shape.length < 2 || count < 1) throw expected('measure', 'rows [n, …] with n from 1', `[${shape}]`);
  if (data instanceof Int32Array || dtype === 'bool')
    throw expected('measure', 'float32 or uint8 rows', dtype);
  return { data, count, width: sizeOf(rest), scale: dtype === 'uint8' ? 1 / 255 : 1 };
}

/**
 * Images of a generator as pixels from black 0 to white 1; what lies beyond is kept as it is.
 *
 * @param range the values of black and white, `imageRange` of the generator
 * @returns float32, the same shape
 */
export function toPixels(images: FloatTensor, [black, white]: readonly [number, number]): FloatTensor {
  if (black === 0 && white === 1) return images;
  const scale = 1 / (white - black);
  return { ...images, data: images.data.map((value) => (value - black) * scale) };
}

/** @throws GanError `BAD_ARGUMENT` unless both have rows of one width */
export function expectSameWidth(where: string, one: Rows, other: Rows): void {
  if (one.width !== other.width) throw expected(where, `rows of ${other.width} values`, one.width);
}
