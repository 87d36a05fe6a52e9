/**
 * TensorProto -> plain numbers in one of the two types TensorFlow.js computes with (bool is kept apart).
 * int64 is narrowed to int32 with saturation: in these files it only holds shapes and positions, where a
 * huge number means "to the end". float16 becomes float32, and is computed with as such. https://github.com/onnx/onnx/blob/v1.10.2/onnx/onnx.proto3 (TensorProto)
 */
import type { onnx } from 'onnx-proto';
import { GanError } from '../../src/core/errors.js';
import { decodeHalf } from '../../src/core/half.js';
import { sizeOf } from '../../src/core/tensor.js';

/** Element types inside TensorFlow.js. */
export type EngineType = 'float32' | 'int32' | 'bool';

/** A tensor's values, row-major. */
export interface Constant {
  readonly shape: readonly number[];
  readonly dtype: EngineType;
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** TensorProto.DataType -> what its elements are called and become. */
const TYPES: Readonly<Record<number, { readonly name: string; readonly engine: EngineType }>> = {
  1: { name: 'float32', engine: 'float32' },
  2: { name: 'uint8', engine: 'int32' },
  6: { name: 'int32', engine: 'int32' },
  7: { name: 'int64', engine: 'int32' },
  9: { name: 'bool', engine: 'bool' },
  10: { name: 'float16', engine: 'float32' },
};

/** Name of an ONNX element type, and the type that stands for it in TensorFlow.js. */
export function elementType(code: number | null | undefined, of: string): (typeof TYPES)[number] {
  const type = TYPES[code ?? 0];
  if (type) return type;
  const known = Object.values(TYPES).map(({ name }) => name);
  throw new GanError(
    'BAD_MODEL_FILE',
    'tensorflow',
    `Expected \`${of}\` to be one of ${known.join(', ')}, got \`element type ${code}\`. Cast it in the graph.`,
  );
}

const clampToInt32 = (value: unknown): number => Math.min(2147483647, Math.max(-2147483648, Number(value)));

/** @throws GanError `BAD_MODEL_FILE` when the data lies elsewhere, or its length is not the shape's */
export function readConstant(proto: onnx.ITensorProto): Constant {
  const label = proto.name || 'a constant';
  const shape = (proto.dims ?? []).map(Number);
  const { name, engine } = elementType(proto.dataType, label);
  const values = proto.rawData?.length ? readRaw(proto.rawData, name) : readLists(proto, name);
  if (proto.dataLocation || values.length !== sizeOf(shape)) {
    const got = proto.dataLocation ? 'data in another file' : values.length;
    throw new GanError(
      'BAD_MODEL_FILE',
      'tensorflow',
      `Expected ${sizeOf(shape)} elements in \`${label}\`, got \`${got}\`. Export the file again.`,
    );
  }
  return { shape, dtype: engine, data: values };
}

function readLists(proto: onnx.ITensorProto, name: string): Constant['data'] {
  if (name === 'float32') return Float32Array.from(proto.floatData ?? []);
  if (name === 'float16') return decodeHalf(Uint16Array.from(proto.int32Data ?? []));
  if (name === 'int64') return Int32Array.from(proto.int64Data ?? [], clampToInt32);
  return name === 'bool' ? Uint8Array.from(proto.int32Data ?? []) : Int32Array.from(proto.int32Data ?? []);
}

/** Raw data is little-endian and may start at any byte, so it is copied before it is viewed. */
function readRaw(raw: Uint8Array, name: string): Constant['data'] {
  const { buffer } = Uint8Array.from(raw);
  if (name === 'float32') return new Float32Array(buffer);
  if (name === 'float16') return decodeHalf(new Uint16Array(buffer));
  if (name === 'int32') return new Int32Array(buffer);
  if (name === 'int64') return Int32Array.from(new BigInt64Array(buffer), clampToInt32);
  return name === 'bool' ? new Uint8Array(buffer) : Int32Array.from(new Uint8Array(buffer));
}
