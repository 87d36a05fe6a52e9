/**
 * Graph -> bytes of an ONNX ModelProto, the border to every runtime. protobufjs encodes all but the weights.
 * onnx.proto: https://github.com/onnx/onnx/blob/v1.10.2/onnx/onnx.proto3 (IR version 8 can state opset 17).
 */
import onnxProto from 'onnx-proto';
import { GanError } from '../src/core/errors.js';
import { encodeHalf, MAX_HALF } from '../src/core/half.js';
import { ConstantView } from './constant-view.js';
import {
  type Attribute,
  bodiesOf,
  type Graph,
  type GraphType,
  type Initializer,
  type TensorType,
} from './graph.js';
import { asField, expectFileSize, inSequence, joinFile, type ModelFile, wholePart } from './model-file.js';

const { onnx } = onnxProto;
const { AttributeType } = onnx.AttributeProto;
const { DataType } = onnx.TensorProto;

/** IR version and operator set of every file that ganx writes. */
export const IR_VERSION = 8;
export const OPSET = 17;

/** ONNX's numbers for element types. */
export const ELEMENT_TYPE: Readonly<Record<GraphType, number>> = {
  float32: DataType.FLOAT,
  float16: DataType.FLOAT16,
  int32: DataType.INT32,
  int64: DataType.INT64,
  bool: DataType.BOOL,
};

function toAttribute(name: string, value: Attribute): InstanceType<typeof onnx.AttributeProto> {
  const { create } = onnx.AttributeProto;
  if (typeof value === 'number') return create({ name, type: AttributeType.INT, i: value });
  if (typeof value === 'string')
    return create({ name, type: AttributeType.STRING, s: new TextEncoder().encode(value) });
  // Parts cannot stand inside a message of protobufjs; a body's constants are few and small.
  if ('graph' in value)
    return create({
      name,
      type: AttributeType.GRAPH,
      g: onnx.GraphProto.decode(joinFile(toGraph(value.graph))),
    });
  if ('float' in value) return create({ name, type: AttributeType.FLOAT, f: value.float });
  return create({ name, type: AttributeType.INTS, ints: [...value] });
}

/** Bytes of one element. */
const ELEMENT_BYTES: Record<GraphType, number> = { float32: 4, float16: 2, int32: 4, int64: 8, bool: 1 };
/** Field numbers of what is not left to protobufjs, which would copy it. */
const FIELD = { graph: 7, initializer: 5, rawData: 9 } as const;

/** Values as halves. @throws GanError `PARITY` for a finite one that half precision cannot hold */
function toHalves(name: string, values: Float32Array): Uint16Array {
  for (let at = 0; at < values.length; at++) {
    if (Math.abs(values[at]!) > MAX_HALF && Number.isFinite(values[at])) {
      const what = `Expected numbers of at most ${MAX_HALF} for half precision, got \`${values[at]}\`.`;
      throw new GanError('PARITY', name, `${what} Export it as float32.`);
    }
  }
  return encodeHalf(values);
}

/** The values of a constant in little-endian order, as every platform of ONNX Runtime has them; not copied. */
function toRawData(name: string, { shape, dtype, data }: Initializer): ModelFile {
  const sizeBytes = data.length * ELEMENT_BYTES[dtype];
  if (dtype === 'float16') {
    const view = ConstantView.of(data as Float32Array | ConstantView, shape);
    return {
      sizeBytes,
      *chunks() {
        for (const chunk of view.chunks()) yield asBytes(toHalves(name, chunk));
      },
    };
  }
  if (data instanceof ConstantView) {
    return {
      sizeBytes,
      *chunks() {
        for (const chunk of data.chunks()) yield asBytes(chunk);
      },
    };
  }
  return wholePart(asBytes(ArrayBuffer.isView(data) ? data : BigInt64Array.from(data, BigInt)));
}

function asBytes({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function toTensor(name: string, initializer: Initializer): ModelFile {
  const { shape, dtype } = initializer;
  const head = onnx.TensorProto.create({ name, dims: [...shape], dataType: ELEMENT_TYPE[dtype] });
  return inSequence([
    wholePart(onnx.TensorProto.encode(head).finish()),
    asField(FIELD.rawData, toRawData(name, initializer)),
  ]);
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

/** `com.microsoft.GatedAdd` -> its domain and its name there; ONNX's own operators have no domain. */
function splitOperator(op: string): { opType: string; domain: string } {
  const dot = op.lastIndexOf('.');
  return { opType: op.slice(dot + 1), domain: op.slice(0, Math.max(dot, 0)) };
}

/** Domains of the operators of a graph and its bodies, beside ONNX's own. */
function listDomains(graph: Graph): string[] {
  const bodies = graph.nodes.flatMap(bodiesOf);
  const own = graph.nodes.map(({ op }) => splitOperator(op).domain).filter((domain) => domain !== '');
  return [...new Set([...own, ...bodies.flatMap(listDomains)])];
}

/** The graph's fields in the order of their numbers: nodes and name, then constants, then inputs and outputs. */
function toGraph(graph: Graph): ModelFile {
  const { name } = graph;
  const node = graph.nodes.map(({ op, name, inputs, outputs, attributes }) => ({
    ...splitOperator(op),
    name,
    input: inputs,
    output: [...outputs],
    attribute: Object.entries(attributes).map(([key, value]) => toAttribute(key, value)),
  }));
  const input = graph.inputs.map((key) => toValueInfo(key, graph.typeOf(key)));
  const output = graph.outputs.map((key) => toValueInfo(key, graph.typeOf(key)));
  const { create, encode } = onnx.GraphProto;
  return inSequence([
    wholePart(encode(create({ node, name })).finish()),
    ...[...graph.initializers].map(([key, initializer]) =>
      asField(FIELD.initializer, toTensor(key, initializer)),
    ),
    wholePart(encode(create({ input, output })).finish()),
  ]);
}

/**
 * Lays a graph out as an ONNX file; the same graph always gives the same bytes.
 *
 * @throws GanError `BAD_MODEL_FILE` above the 2 GiB that protobuf can hold
 */
export function layOutModel(graph: Graph): ModelFile {
  const { create, encode } = onnx.ModelProto;
  const others = listDomains(graph).map((domain) => ({ domain, version: 1 }));
  const file = inSequence([
    wholePart(encode(create({ irVersion: IR_VERSION, producerName: 'ganx' })).finish()),
    asField(FIELD.graph, toGraph(graph)),
    wholePart(encode(create({ opsetImport: [{ domain: '', version: OPSET }, ...others] })).finish()),
  ]);
  expectFileSize(graph.name, file.sizeBytes);
  return file;
}

/** String pairs as `metadata_props`, to stand at the end of a file. */
export function encodeProperties(metadata: Readonly<Record<string, string>>): Uint8Array {
  const metadataProps = Object.entries(metadata).map(([key, value]) => ({ key, value }));
  return onnx.ModelProto.encode(onnx.ModelProto.create({ metadataProps })).finish();
}

/** A graph as the bytes of an ONNX file. @throws GanError `BAD_MODEL_FILE` above the 2 GiB that protobuf can hold */
export function encodeModel(graph: Graph): Uint8Array {
  return joinFile(layOutModel(graph));
}
