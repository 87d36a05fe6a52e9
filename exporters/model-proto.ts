/**
 * Graph -> bytes of an ONNX ModelProto, the border to every runtime.
 * onnx.proto: https://github.com/onnx/onnx/blob/v1.10.2/onnx/onnx.proto3 (IR version 8 can state opset 17).
 */
import onnxProto from 'onnx-proto';
import { GanError } from '../src/core/errors.js';
import type { Attribute, Graph, GraphType, Initializer, TensorType } from './graph.js';

const { onnx } = onnxProto;
const { AttributeType } = onnx.AttributeProto;
const { DataType } = onnx.TensorProto;

/** IR version and operator set of every file that ganx writes. */
export const IR_VERSION = 8;
export const OPSET = 17;

const ELEMENT_TYPE: Record<GraphType, number> = {
  float32: DataType.FLOAT,
  int32: DataType.INT32,
  int64: DataType.INT64,
  bool: DataType.BOOL,
};

function toAttribute(name: string, value: Attribute): InstanceType<typeof onnx.AttributeProto> {
  const { create } = onnx.AttributeProto;
  if (typeof value === 'number') return create({ name, type: AttributeType.INT, i: value });
  if (typeof value === 'string')
    return create({ name, type: AttributeType.STRING, s: new TextEncoder().encode(value) });
  if ('graph' in value) return create({ name, type: AttributeType.GRAPH, g: toGraph(value.graph) });
  if ('float' in value) return create({ name, type: AttributeType.FLOAT, f: value.float });
  return create({ name, type: AttributeType.INTS, ints: [...value] });
}

function toTensor(name: string, { shape, dtype, data }: Initializer): InstanceType<typeof onnx.TensorProto> {
  const typed = ArrayBuffer.isView(data) ? data : BigInt64Array.from(data, BigInt);
  return onnx.TensorProto.create({
    name,
    dims: [...shape],
    dataType: ELEMENT_TYPE[dtype],
    rawData: new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength),
  });
}

function toValueInfo(name: string, { shape, dtype }: TensorType): InstanceType<typeof onnx.ValueInfoProto> {
  const dim = shape.map((extent) =>
    typeof extent === 'string' ? { dimParam: extent } : { dimValue: extent },
  );
  return onnx.ValueInfoProto.create({
    name,
    type: { tensorType: { elemType: ELEMENT_TYPE[dtype], shape: { dim } } },
  });
}

function toGraph(graph: Graph): InstanceType<typeof onnx.GraphProto> {
  return onnx.GraphProto.create({
    name: graph.name,
    node: graph.nodes.map((node) => ({
      opType: node.op,
      name: node.name,
      input: node.inputs,
      output: [...node.outputs],
      attribute: Object.entries(node.attributes).map(([name, value]) => toAttribute(name, value)),
    })),
    initializer: [...graph.initializers].map(([name, initializer]) => toTensor(name, initializer)),
    input: graph.inputs.map((name) => toValueInfo(name, graph.typeOf(name))),
    output: graph.outputs.map((name) => toValueInfo(name, graph.typeOf(name))),
  });
}

/**
 * Encodes a graph as ONNX bytes; the same graph always gives the same bytes.
 *
 * @param metadata string pairs for `metadata_props`
 * @throws GanError `BAD_MODEL_FILE` above the 2 GiB that protobuf can hold
 */
export function encodeModel(graph: Graph, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  let sizeBytes = 0;
  for (const { data } of graph.initializers.values())
    sizeBytes += ArrayBuffer.isView(data) ? data.byteLength : data.length * 8;
  if (sizeBytes >= 2 ** 31) {
    throw new GanError(
      'BAD_MODEL_FILE',
      graph.name,
      `Expected less than 2 GiB of weights, got \`${sizeBytes}\` bytes.`,
    );
  }
  const model = onnx.ModelProto.create({
    irVersion: IR_VERSION,
    producerName: 'ganx',
    opsetImport: [{ domain: '', version: OPSET }],
    graph: toGraph(graph),
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
  return onnx.ModelProto.encode(model).finish();
}

/** Inputs, outputs and number of parameters of any ONNX file. */
export interface ModelDescription {
  readonly inputs: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly (number | string)[];
  }[];
  readonly outputs: ModelDescription['inputs'];
  /** Elements of all initializers of floating point. */
  readonly parameters: number;
}

/**
 * Decodes a file as far as it takes to describe it.
 *
 * @param where named in messages
 * @throws GanError `BAD_MODEL_FILE` when the bytes are no ONNX model
 */
export function describeModel(bytes: Uint8Array, where: string): ModelDescription {
  let graph: InstanceType<typeof onnx.GraphProto>;
  try {
    graph = onnx.GraphProto.create(onnx.ModelProto.decode(bytes).graph ?? {});
  } catch (cause) {
    throw new GanError(
      'BAD_MODEL_FILE',
      where,
      `Expected an ONNX model, got \`${String(cause)}\`. Is the file whole?`,
      {
        cause,
      },
    );
  }
  const floats: readonly number[] = [DataType.FLOAT, DataType.FLOAT16, DataType.DOUBLE, DataType.BFLOAT16];
  const constants = new Set(graph.initializer.map(({ name }) => name));
  const describe = (values: typeof graph.input): ModelDescription['inputs'] =>
    values.map(({ name, type }) => ({
      name: name ?? '',
      dtype: (DataType[type?.tensorType?.elemType ?? 0] ?? 'unknown')
        .toLowerCase()
        .replace(/^float$/, 'float32'),
      shape: (type?.tensorType?.shape?.dim ?? []).map(
        ({ dimParam, dimValue }) => dimParam || Number(dimValue ?? 0),
      ),
    }));
  return {
    inputs: describe(graph.input.filter(({ name }) => !constants.has(name))),
    outputs: describe(graph.output),
    parameters: graph.initializer
      .filter(({ dataType }) => floats.includes(dataType ?? 0))
      .reduce(
        (sum, { dims }) =>
          sum + (dims ?? []).reduce<number>((product, extent) => product * Number(extent), 1),
        0,
      ),
  };
}
