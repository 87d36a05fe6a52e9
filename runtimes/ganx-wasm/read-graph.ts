/**
 * The graph of an ONNX file as plain data: nodes, constants and the outline of inputs and outputs. Weights are views
 * into the file's bytes. It does not know what an operator does.
 * Field numbers: https://github.com/onnx/onnx/blob/v1.16.2/onnx/onnx.proto3
 */
import { readFields, readText, WireError, type WireField } from '../../src/core/protobuf.js';
import { unsupported } from './unsupported.js';

/** An operator, and what it works on. */
export interface GraphNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

type AttributeValue = number | string | readonly number[];

/** A constant: its element type by ONNX's number, its extents, its elements as little-endian bytes or as numbers. */
export interface GraphConstant {
  readonly type: number;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  readonly wholes: readonly number[];
}

/** An input or output: its element type by ONNX's number; -1 or a name is a free extent. */
export interface GraphValue {
  readonly name: string;
  readonly type: number;
  readonly shape: readonly (number | string)[];
}

/** What a file computes. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly constants: ReadonlyMap<string, GraphConstant>;
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
}

/** Element types of constants (TensorProto.DataType). */
export const ELEMENT = { float: 1, int64: 7, half: 10 } as const;

/** Fields of a message by number, those that repeat in order. */
function fieldsOf(message: Uint8Array): Map<number, WireField[]> {
  const fields = new Map<number, WireField[]>();
  for (const field of readFields(message)) {
    const known = fields.get(field.number);
    if (known) known.push(field);
    else fields.set(field.number, [field]);
  }
  return fields;
}

const textOf = (field: WireField | undefined): string => (field === undefined ? '' : readText(field));

/** Whole numbers, each a field of its own or packed into one. A negative one, of ten bytes, is -1. */
function readWholes(fields: readonly WireField[] = []): number[] {
  return fields.flatMap(({ type, value, payload }) => {
    if (type === 0) return [toSigned(value)];
    const values: number[] = [];
    for (let at = 0, number = 0, unit = 1; at < payload.length; at++) {
      number += (payload[at]! & 127) * unit;
      unit *= 128;
      if (payload[at]! >= 128) continue;
      values.push(toSigned(number));
      number = 0;
      unit = 1;
    }
    return values;
  });
}

const toSigned = (value: number): number => (value > Number.MAX_SAFE_INTEGER ? -1 : value);

function readFloat({ payload }: WireField): number {
  return new DataView(payload.buffer, payload.byteOffset, payload.length).getFloat32(0, true);
}

/** AttributeProto: one number, one text, or whole numbers; anything else is left out. */
function readAttribute(message: Uint8Array): [string, AttributeValue][] {
  const fields = fieldsOf(message);
  const name = textOf(fields.get(1)?.[0]);
  const [float, int, text] = [2, 3, 4].map((number) => fields.get(number)?.[0]);
  const type = fields.get(20)?.[0]?.value;
  if (type === 1 && float) return [[name, readFloat(float)]];
  if (type === 2) return [[name, toSigned(int?.value ?? 0)]];
  if (type === 3 && text) return [[name, readText(text)]];
  if (type === 7) return [[name, readWholes(fields.get(8))]];
  return [];
}

function readNode(message: Uint8Array): GraphNode {
  const fields = fieldsOf(message);
  const texts = (number: number): string[] => (fields.get(number) ?? []).map(readText);
  const [operator = ''] = texts(4);
  const [domain = ''] = texts(7);
  if (domain !== '') throw unsupported('operators of ONNX’s own domain', domain);
  const attributes = Object.fromEntries(
    (fields.get(5) ?? []).flatMap(({ payload }) => readAttribute(payload)),
  );
  return { operator, inputs: texts(1), outputs: texts(2), attributes };
}

function readConstant(message: Uint8Array): [string, GraphConstant] {
  const fields = fieldsOf(message);
  const name = textOf(fields.get(8)?.[0]);
  // Packed floats are raw bytes, too.
  const bytes = (fields.get(9) ?? fields.get(4))?.[0]?.payload ?? new Uint8Array();
  const type = fields.get(2)?.[0]?.value ?? 0;
  return [name, { type, shape: readWholes(fields.get(1)), bytes, wholes: readWholes(fields.get(7)) }];
}

/** ValueInfoProto of a tensor. */
function readValue(message: Uint8Array): GraphValue {
  const fields = fieldsOf(message);
  const name = textOf(fields.get(1)?.[0]);
  const type = fieldsOf(fields.get(2)?.[0]?.payload ?? new Uint8Array());
  const tensor = fieldsOf(type.get(1)?.[0]?.payload ?? new Uint8Array());
  const extents = fieldsOf(tensor.get(2)?.[0]?.payload ?? new Uint8Array()).get(1) ?? [];
  const shape = extents.map(({ payload }) => {
    const extent = fieldsOf(payload);
    const [value] = readWholes(extent.get(1));
    return value ?? (textOf(extent.get(2)?.[0]) || -1);
  });
  return { name, type: tensor.get(1)?.[0]?.value ?? 0, shape };
}

/**
 * Reads a file.
 *
 * @throws WireError where it is no protobuf message of a graph; GanError `UNSUPPORTED_OP` for what no plain graph has
 */
export function readGraph(file: Uint8Array): Graph {
  const graph = fieldsOf(file).get(7)?.[0];
  if (!graph) throw new WireError('it has no graph', true);
  const fields = fieldsOf(graph.payload);
  const messages = (number: number): Uint8Array[] => (fields.get(number) ?? []).map(({ payload }) => payload);
  return {
    nodes: messages(1).map(readNode),
    constants: new Map(messages(5).map(readConstant)),
    inputs: messages(11).map(readValue),
    outputs: messages(12).map(readValue),
  };
}
