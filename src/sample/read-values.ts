/**
 * Inputs and outputs of an ONNX graph with their types and extents, read straight from its bytes.
 * Field numbers are those of ValueInfoProto, TypeProto and TensorShapeProto:
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
import { readFields, readText, type WireField } from '../core/protobuf.js';

/** An input or output as the file states it. */
export interface FileValue {
  readonly name: string;
  /** `float32`, `int64`, …; `type 15` for one without a usual name, `no tensor` for sequences and maps. */
  readonly dtype: string;
  /** A string is a named free dimension, -1 one without a name; absent when the file does not say. */
  readonly shape?: readonly (number | string)[];
}

/** TensorProto.DataType by number. */
const TYPES = [
  'undefined',
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
];

function find(message: Uint8Array | undefined, number: number): WireField | undefined {
  if (message === undefined) return undefined;
  for (const field of readFields(message)) if (field.number === number) return field;
  return undefined;
}

/** TensorShapeProto.Dimension: dim_value = 1, dim_param = 2. */
function readExtent(message: Uint8Array): number | string {
  const name = find(message, 2);
  if (name) return readText(name) || -1;
  // A negative varint has ten bytes and comes out as a huge number.
  const value = find(message, 1)?.value ?? -1;
  return Number.isSafeInteger(value) ? value : -1;
}

/** A ValueInfoProto: name = 1, type = 2 (tensor_type = 1: elem_type = 1, shape = 2 (dim = 1)). */
export function readValue(message: Uint8Array): FileValue {
  const nameField = find(message, 1);
  const name = nameField ? readText(nameField) : '';
  const tensor = find(find(message, 2)?.payload, 1)?.payload;
  if (tensor === undefined) return { name, dtype: 'no tensor' };
  const number = find(tensor, 1)?.value ?? 0;
  const dtype = TYPES[number] ?? `type ${number}`;
  const shape = find(tensor, 2)?.payload;
  if (shape === undefined) return { name, dtype };
  const extents = [...readFields(shape)].filter((field) => field.number === 1);
  return { name, dtype, shape: extents.map(({ payload }) => readExtent(payload)) };
}
