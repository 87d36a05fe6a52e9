/**
 * A Session that walks the graph node by node and computes each in TensorFlow.js.
 * tfjs has one active backend for the whole process: every run switches to its own, computes without
 * giving way to anybody, and switches back. It knows no operator; those are in the tables beside it.
 */
import * as tf from '@tensorflow/tfjs-core';
import { expected, GanError, messageOf } from '../../src/core/errors.js';
import type { PlainTensor, TensorData, TensorMap } from '../../src/core/tensor.js';
import type { Session, ValueInfo } from '../../src/core/types.js';
import { checkRun, disposedSession } from '../contract.js';
import { arithmetic } from './arithmetic.js';
import { convolution } from './convolution.js';
import { layout, toTensor } from './layout.js';
import type { OperatorTable } from './operator.js';
import { type Graph, type GraphNode, readModel } from './read-model.js';

const NAME = 'tensorflow';
const OPERATORS: OperatorTable = { ...arithmetic, ...convolution, ...layout };

/** Runs `compute` on `device`, whose backend is already up, and leaves the process's backend as it was. */
function onDevice<T>(device: string, compute: () => T): T {
  const previous: string | undefined = tf.getBackend();
  // Of a backend that is up, setBackend does its work before it returns the promise.
  void tf.setBackend(device);
  try {
    return compute();
  } finally {
    if (previous && previous !== device) void tf.setBackend(previous);
  }
}

/** @throws GanError `UNSUPPORTED_OP` that lists every operator or attribute which is not known */
function requireKnown(nodes: readonly GraphNode[]): void {
  const unknown = new Set<string>();
  for (const { op, attributes, outputs } of nodes) {
    const operator = Object.hasOwn(OPERATORS, op) ? OPERATORS[op] : undefined;
    if (!operator) unknown.add(op);
    else {
      for (const text of attributes.findUnknown(operator.attributes, operator.required)) {
        unknown.add(`${op}(${text})`);
      }
      if (outputs.length > 1) unknown.add(`${op} with ${outputs.length} outputs`);
    }
  }
  if (unknown.size === 0) return;
  throw new GanError(
    'UNSUPPORTED_OP',
    NAME,
    `Expected only known operators, got \`${[...unknown].join(', ')}\`. Known: ${Object.keys(OPERATORS).sort().join(', ')}.`,
  );
}

/** tfjs keeps uint8 as int32. */
function fromPlain({ data, shape, dtype }: PlainTensor): tf.Tensor {
  return dtype === 'uint8'
    ? tf.tensor(Int32Array.from(data), [...shape], 'int32')
    : tf.tensor(data, [...shape], dtype);
}

/** A copy of the values: what tfjs hands out may be the memory of a weight or a feed. */
function toPlain(tensor: tf.Tensor, info: ValueInfo, place: PlainTensor | undefined): PlainTensor {
  const values = tensor.dataSync();
  const engineType = info.dtype === 'uint8' ? 'int32' : info.dtype;
  if (tensor.dtype !== engineType) throw expected(NAME, `\`${info.name}\` as ${engineType}`, tensor.dtype);
  if (!place) {
    const data: TensorData = info.dtype === 'uint8' ? Uint8Array.from(values) : values.slice();
    return { shape: tensor.shape, dtype: info.dtype, data };
  }
  if (place.shape.join() !== tensor.shape.join()) {
    throw expected(NAME, `a place for \`${info.name}\` of shape [${tensor.shape.join(', ')}]`, place.shape);
  }
  place.data.set(values);
  return place;
}

function runNode(node: GraphNode, values: Map<string, tf.Tensor>): void {
  const inputs = node.inputs.map((name) => values.get(name));
  try {
    values.set(node.outputs[0]!, OPERATORS[node.op]!.run(inputs, node.attributes));
  } catch (cause) {
    if (cause instanceof GanError) throw cause;
    const shapes = inputs.map((tensor) => `[${tensor?.shape.join(', ') ?? ''}]`).join(' ');
    throw new GanError(
      'BAD_ARGUMENT',
      NAME,
      `Expected ${node.op} \`${node.name}\` to run on ${shapes}, got \`${messageOf(cause)}\`. Check the feeds' shapes.`,
      { cause },
    );
  }
}

function runGraph(graph: Graph, weights: ReadonlyMap<string, tf.Tensor>, feeds: TensorMap, into: TensorMap) {
  const values = new Map(weights);
  for (const { name } of graph.inputs) values.set(name, fromPlain(feeds[name]!));
  for (const node of graph.nodes) runNode(node, values);
  const results: TensorMap = {};
  for (const info of graph.outputs)
    results[info.name] = toPlain(values.get(info.name)!, info, into[info.name]);
  return results;
}

/**
 * Opens the model; the session's weights live on the device until it is disposed.
 *
 * @param device a tfjs backend that is up
 * @throws GanError `BAD_MODEL_FILE` or `UNSUPPORTED_OP`
 */
export function createSession(bytes: Uint8Array, device: string): Session {
  const graph = readModel(bytes);
  requireKnown(graph.nodes);
  const weights = onDevice(
    device,
    () => new Map([...graph.constants].map(([name, constant]) => [name, tf.keep(toTensor(constant))])),
  );
  let open = true;

  const run = async (feeds: TensorMap, into: TensorMap = {}): Promise<TensorMap> => {
    if (!open) throw disposedSession(NAME);
    checkRun(NAME, graph.inputs, graph.outputs, feeds, into);
    let results: TensorMap = {};
    onDevice(device, () =>
      tf.tidy(() => {
        results = runGraph(graph, weights, feeds, into);
      }),
    );
    return results;
  };

  const dispose = async (): Promise<void> => {
    open = false;
    for (const tensor of weights.values()) tensor.dispose();
    weights.clear();
  };
  const { inputs, outputs } = graph;
  return { runtime: NAME, device, version: tf.version_core, inputs, outputs, run, dispose };
}
