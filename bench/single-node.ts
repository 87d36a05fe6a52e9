/**
 * One node of a model by itself: which nodes ONNX Runtime really runs after its own optimizations, and how fast one of
 * them is when it has the machine to itself and its inputs near. It knows no training.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import onnxProto, { type onnx as Onnx } from 'onnx-proto';
import { InferenceSession } from 'onnxruntime-node';
import { onnxruntimeNode } from '../runtimes/onnxruntime-node.js';
import { plainTensor, sizeOf, type TensorMap } from '../src/core/tensor.js';
import { withProfile } from './kernel-profile.js';

const { onnx } = onnxProto;

/** A node with the shapes that it ran on; all its tensors are float32. */
export interface SingleNode {
  readonly node: Onnx.INodeProto;
  readonly inputs: readonly (readonly number[])[];
  readonly output: readonly number[];
}

export type Attribute = number | readonly number[] | string;

/** ONNX's number for the element type float32. */
const FLOAT = 1;
const {
  FLOAT: FLOAT_ATTRIBUTE,
  INT: INT_ATTRIBUTE,
  STRING: STRING_ATTRIBUTE,
} = onnx.AttributeProto.AttributeType;
const IR_VERSION = 8;
/** The operators that ganx writes, and those that ONNX Runtime puts in their place. */
const OPSETS = [
  { domain: '', version: 17 },
  { domain: 'com.microsoft', version: 1 },
];
const OUTPUT = 'output';
const inputName = (i: number): string => `input_${i}`;
const WARMING_RUNS = 2;
const LEAST_RUNS = 10;
/** A node is run for about this long. */
const TIMING_MS = 200;

/** The nodes by name, bodies of loops included, as ONNX Runtime's optimizer leaves them. */
export async function listOptimizedNodes(model: Uint8Array): Promise<Map<string, Onnx.INodeProto>> {
  const folder = await mkdtemp(join(tmpdir(), 'ganx-optimized-'));
  try {
    const path = join(folder, 'model.onnx');
    const session = await InferenceSession.create(model, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      optimizedModelFilePath: path,
    });
    await session.release();
    const nodes = new Map<string, Onnx.INodeProto>();
    const visit = (graph: Onnx.IGraphProto): void => {
      for (const node of graph.node ?? []) {
        nodes.set(node.name ?? '', node);
        for (const { g } of node.attribute ?? []) if (g) visit(g);
      }
    };
    visit(onnx.ModelProto.decode(await readFile(path)).graph!);
    return nodes;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A node's attributes in the order of their names: numbers, lists of whole numbers and texts. */
export function readAttributes({ attribute }: Onnx.INodeProto): Record<string, Attribute> {
  const read = ({ type, f, i, s, ints }: Onnx.IAttributeProto): Attribute => {
    if (type === FLOAT_ATTRIBUTE) return f ?? 0;
    if (type === STRING_ATTRIBUTE) return new TextDecoder().decode(s ?? undefined);
    return type === INT_ATTRIBUTE ? Number(i ?? 0) : (ints ?? []).map(Number);
  };
  const entries = (attribute ?? []).map((given) => [given.name ?? '', read(given)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function encodeAlone({ node, inputs, output }: SingleNode): Uint8Array {
  const declare = (name: string, shape: readonly number[]): Onnx.IValueInfoProto => ({
    name,
    type: { tensorType: { elemType: FLOAT, shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
  });
  const names = inputs.map((_, i) => inputName(i));
  const graph: Onnx.IGraphProto = {
    name: 'single-node',
    node: [{ ...node, input: names, output: [OUTPUT] }],
    input: inputs.map((shape, i) => declare(names[i]!, shape)),
    output: [declare(OUTPUT, output)],
  };
  const model = onnx.ModelProto.create({ irVersion: IR_VERSION, opsetImport: OPSETS, graph });
  return onnx.ModelProto.encode(model).finish();
}

/** Ordinary numbers of both signs, none so small that arithmetic slows down. */
function fill(shape: readonly number[]) {
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = ((i * 37) % 101) / 50 - 1;
  return plainTensor(data, shape);
}

/** Milliseconds of a node's kernel in a model of its own: the least of many runs, since this is about what can be. */
export async function timeNode(single: SingleNode): Promise<number> {
  const model = encodeAlone(single);
  const feeds: TensorMap = Object.fromEntries(single.inputs.map((shape, i) => [inputName(i), fill(shape)]));
  const into: TensorMap = { [OUTPUT]: fill(single.output) };
  const { kernels } = await withProfile(async (profile) => {
    const session = await onnxruntimeNode.open(model, { device: 'cpu', profile });
    try {
      const start = performance.now();
      for (let run = 0; run < WARMING_RUNS + LEAST_RUNS || performance.now() - start < TIMING_MS; run++) {
        await session.run(feeds, into);
      }
    } finally {
      await session.dispose();
    }
  });
  return Math.min(...kernels.filter(({ run }) => run >= WARMING_RUNS).map(({ ms }) => ms));
}
