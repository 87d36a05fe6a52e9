/**
 * PlainTensor: the only form in which numbers cross from one room to another.
 * It knows no library; tfjs and ONNX Runtime each own a `Tensor`, and neither leaves the room that made it.
 */
import { expected } from './errors.js';

/** Element types that travel between rooms. `bool` is stored one byte an element, 0 or 1. */
export type DType = 'float32' | 'int32' | 'uint8' | 'bool';

/** The typed array that holds a tensor of a {@link DType}. */
export type TensorData = Float32Array | Int32Array | Uint8Array;

/** A tensor as plain data: row-major (C order), `data.length` equal to the product of `shape`. */
export interface PlainTensor<D extends TensorData = TensorData> {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: D;
}

/** Shape and element type without values; `-1` stands for a dimension that is free at run time. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** A float32 PlainTensor. */
export type FloatTensor = PlainTensor<Float32Array>;

/** Tensors by name: feeds, results, weights, state. */
export type TensorMap = Record<string, PlainTensor>;

/** Number of elements of `shape`; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Bytes one element takes. */
export function bytesPerElement(dtype: DType): number {
  return dtype === 'float32' || dtype === 'int32' ? 4 : 1;
}

/** A zeroed typed array for `count` elements of `dtype`. */
export function allocate(dtype: DType, count: number): TensorData {
  if (dtype === 'float32') return new Float32Array(count);
  if (dtype === 'int32') return new Int32Array(count);
  return new Uint8Array(count);
}

/**
 * Checks and freezes the parts of a tensor together.
 *
 * @throws GanError `BAD_ARGUMENT` when the data's length is not the product of the shape.
 */
export function plainTensor<D extends TensorData>(
  data: D,
  shape: readonly number[],
  dtype: DType = data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'uint8',
): PlainTensor<D> {
  if (data.length !== sizeOf(shape)) {
    throw expected('tensor', `${sizeOf(shape)} elements for shape [${shape.join(', ')}]`, data.length);
  }
  return { shape, dtype, data };
}
