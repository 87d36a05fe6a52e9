/**
 * The outline of an ONNX file: the same nodes, but with large constants as inputs that nobody feeds and every node's
 * result as an output. A library that opens it infers the shape of every value, and neither computes nor reads weights.
 * It knows no library. Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
import { readFields, readText, type WireField } from '../../src/core/protobuf.js';

/** Constants up to this size stay: shapes and scales, on whose values other shapes depend. */
const SMALL_BYTES = 1024;

type Bytes = readonly number[] | Uint8Array;

function varint(value: number): number[] {
  return value < 128 ? [value] : [128 + (value % 128), ...varint(Math.floor(value / 128))];
}

/** A field with bytes: a text or a message. */
function encodeField(number: number, ...parts: readonly Bytes[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [...varint(number * 8 + 2), ...varint(length)];
  const field = new Uint8Array(head.length + length);
  let at = 0;
  for (const part of [head, ...parts]) {
    field.set(part, at);
    at += part.length;
  }
  return field;
}

function copyField({ number, type, value, payload }: WireField): Uint8Array {
  return type === 0
    ? Uint8Array.from([...varint(number * 8), ...varint(value)])
    : encodeField(number, payload);
}

/** The bytes of each number in a packed field. */
function* splitPacked(payload: Uint8Array): Generator<Uint8Array> {
  let start = 0;
  for (const [at, byte] of payload.entries()) {
    if (byte >= 128) continue;
    yield payload.subarray(start, at + 1);
    start = at + 1;
  }
}

/**
 * The ValueInfoProto (name = 1, type = 2) for a TensorProto (dims = 1, data_type = 2, name = 8): a TypeProto whose
 * tensor_type = 1 has elem_type = 1 and shape = 2, with a dim = 1 of dim_value = 1 for each extent.
 */
function describeConstant(tensor: readonly WireField[]): Uint8Array {
  const extents = tensor
    .filter(({ number }) => number === 1)
    .flatMap(({ type, value, payload }) =>
      type === 0 ? [Uint8Array.from(varint(value))] : [...splitPacked(payload)],
    );
  const dims = extents.map((extent) => encodeField(1, [8], extent));
  const type = tensor.find(({ number }) => number === 2)?.value ?? 0;
  const tensorType = encodeField(1, [8, ...varint(type)], encodeField(2, ...dims));
  const name = tensor.find(({ number }) => number === 8)?.payload ?? new Uint8Array();
  return encodeField(11, encodeField(1, name), encodeField(2, tensorType));
}

/** Whether a GraphProto's node = 1 is of op_type = 4 Loop: what it takes is in its body, which no outline shows. */
function hasLoop(graph: Uint8Array): boolean {
  for (const node of readFields(graph)) {
    if (node.number !== 1) continue;
    for (const field of readFields(node.payload)) {
      if (field.number === 4 && readText(field) === 'Loop') return true;
    }
  }
  return false;
}

/** A GraphProto: node = 1 (output = 2), name = 2, initializer = 5, input = 11 (name = 1), output = 12. */
function outlineGraph(graph: Uint8Array): Uint8Array[] {
  const fields = [...readFields(graph)];
  const nameOf = (value: WireField): string => {
    const name = [...readFields(value.payload)].find(({ number }) => number === 1);
    return name ? readText(name) : '';
  };
  const inputs = new Set(fields.filter(({ number }) => number === 11).map(nameOf));
  const parts: Uint8Array[] = [];
  for (const field of fields) {
    if (field.number === 1) {
      parts.push(copyField(field));
      for (const { number, payload } of readFields(field.payload)) {
        if (number === 2 && payload.length > 0) parts.push(encodeField(12, encodeField(1, payload)));
      }
    } else if (field.number === 2 || field.number === 11) {
      parts.push(copyField(field));
    } else if (field.number === 5) {
      if (field.payload.length <= SMALL_BYTES) {
        parts.push(copyField(field));
        continue;
      }
      const tensor = [...readFields(field.payload)];
      const name = tensor.find(({ number }) => number === 8);
      if (name && !inputs.has(readText(name))) parts.push(describeConstant(tensor));
    }
  }
  return parts;
}

/**
 * Encodes the outline of a ModelProto: ir_version = 1, graph = 7, opset_import = 8, functions = 25.
 *
 * @returns undefined for a graph with a loop, such as a training step's
 * @throws WireError for bytes that are no protobuf message
 */
export function encodeOutline(model: Uint8Array): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  for (const field of readFields(model)) {
    if (field.number === 7) {
      if (hasLoop(field.payload)) return undefined;
      parts.push(encodeField(7, ...outlineGraph(field.payload)));
    } else if ([1, 8, 25].includes(field.number)) parts.push(copyField(field));
  }
  return new Uint8Array(Buffer.concat(parts));
}
