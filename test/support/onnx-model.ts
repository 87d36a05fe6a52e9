/**
 * Writes ONNX files for tests with onnx-proto, so that what reads them never meets its own writer.
 * Opset 17, IR 8; a string among the extents is a named free dimension.
 * https://github.com/onnx/onnx/blob/v1.10.2/onnx/onnx.proto3
 */
import type { onnx } from 'onnx-proto';
import onnxProto from 'onnx-proto';

/** ONNX's numbers for element types. */
export const ELEMENT = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9 } as const;

/** `null`: the file does not say. */
type Extents = readonly (number | string)[] | null;
type Attribute = number | string | readonly number[] | { readonly float: number };

/** A node: operator, inputs, outputs, attributes (a plain number is an integer, `{float}` is not). */
export type NodeText = readonly [
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes?: Readonly<Record<string, Attribute>>,
];

/** What a file holds. */
export interface ModelText {
  readonly nodes: readonly NodeText[];
  readonly inputs: Readonly<Record<string, readonly [keyof typeof ELEMENT, Extents]>>;
  readonly outputs: Readonly<Record<string, readonly [keyof typeof ELEMENT, Extents]>>;
  /** Float32Array or whole numbers (int64), with the shape. */
  readonly constants?: Readonly<
    Record<string, readonly [Float32Array | readonly number[], readonly number[]]>
  >;
}

function encodeAttribute(name: string, value: Attribute): onnx.IAttributeProto {
  if (typeof value === 'number') return { name, type: 2, i: value };
  if (typeof value === 'string') return { name, type: 3, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: 1, f: value.float };
  return { name, type: 7, ints: [...value] };
}

function encodeConstant(
  name: string,
  values: Float32Array | readonly number[],
  dims: readonly number[],
): onnx.ITensorProto {
  return values instanceof Float32Array
    ? { name, dims: [...dims], dataType: ELEMENT.float32, rawData: new Uint8Array(values.slice().buffer) }
    : { name, dims: [...dims], dataType: ELEMENT.int64, int64Data: [...values] };
}

function encodeValues(values: ModelText['inputs']): onnx.IValueInfoProto[] {
  return Object.entries(values).map(([name, [type, extents]]) => ({
    name,
    type: {
      tensorType: {
        elemType: ELEMENT[type],
        shape: extents && {
          dim: extents.map((one) => (typeof one === 'string' ? { dimParam: one } : { dimValue: one })),
        },
      },
    },
  }));
}

/** The file's bytes. */
export function encodeModel({ nodes, inputs, outputs, constants = {} }: ModelText): Uint8Array {
  return onnxProto.onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'test',
      node: nodes.map(([opType, input, output, attributes = {}]) => ({
        opType,
        name: output[0] ?? '',
        input: [...input],
        output: [...output],
        attribute: Object.entries(attributes).map(([name, value]) => encodeAttribute(name, value)),
      })),
      input: encodeValues(inputs),
      output: encodeValues(outputs),
      initializer: Object.entries(constants).map(([name, [values, dims]]) =>
        encodeConstant(name, values, dims),
      ),
    },
  }).finish();
}
