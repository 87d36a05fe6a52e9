/**
 * Finds the first node of an exported generator that does not compute what the live network does: every layer's
 * output is compared, in order, on the same latents.
 */
import type { FloatTensor } from '../src/core/tensor.js';
import type { Session } from '../src/core/types.js';
import type { Graph, GraphNode } from './graph.js';
import type { LiveGenerator } from './live-generator.js';
import type { ModelFile } from './model-file.js';
import { layOutModel } from './model-proto.js';
import { transposeData } from './value.js';

/** Where the numbers part. */
export interface Divergence {
  readonly node: string;
  readonly maxDifference: number;
}

/** Largest |a − b|; infinite where a number is missing or is none. */
export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const gap = Math.abs(a[i]! - b[i]!);
    if (!(gap <= largest)) largest = Number.isNaN(gap) ? Number.POSITIVE_INFINITY : gap;
  }
  return largest;
}

/** A tensor to compare, the node to name if it is wrong, and the last layer whose work it holds. */
interface Probe {
  readonly tensor: string;
  readonly node: string;
  readonly layer: string;
}

/**
 * The places where graph and live network hold the same values: the end of each layer that still has nodes of its
 * own. Layers without any were folded into the one before. Into a dense layer they may have been folded across the
 * Reshape behind it, so both are compared after the Reshape, which itself cannot go wrong.
 */
function listProbes(graph: Graph, layers: readonly string[]): Probe[] {
  const last = new Map<string, GraphNode>();
  for (const node of graph.nodes) {
    const layer = layers.find((name) => node.name.startsWith(`${name}/`));
    if (layer) last.set(layer, node);
  }
  const present = layers.filter((layer) => last.has(layer));
  return present.flatMap((layer, position) => {
    const node = last.get(layer)!;
    const tensor = node.outputs[0]!;
    const next = present[position + 1];
    const isReshaped = next !== undefined && last.get(next)!.op === 'Reshape';
    if (isReshaped && last.get(next)!.inputs[0] === tensor) return [];
    const source = node.op === 'Reshape' ? graph.producerOf(node.inputs[0]!) : undefined;
    const end = next === undefined ? layers.length : layers.indexOf(next);
    return [{ tensor, node: (source ?? node).name, layer: layers[end - 1]! }];
  });
}

/** The live layer's values in the order in which a graph that works in NCHW holds them. */
function asNchw(value: FloatTensor): ArrayLike<number> {
  return value.shape.length === 4 ? transposeData(value.data, value.shape, [0, 3, 1, 2]) : value.data;
}

/**
 * @param openFile   opens the graph with every layer's result as an output
 * @param tolerance   largest absolute difference that a layer may have; more where its values exceed 1
 */
export async function findDivergence(
  graph: Graph,
  live: LiveGenerator,
  openFile: (file: ModelFile) => Promise<Session>,
  latents: FloatTensor,
  tolerance: number,
): Promise<Divergence | undefined> {
  const observed = new Map<string, FloatTensor>();
  live.observe = (layer, output) =>
    observed.set(layer, {
      shape: output.shape,
      dtype: 'float32',
      data: Float32Array.from(output.dataSync()),
    });
  await live.run({ latents });
  live.observe = undefined;

  const probes = listProbes(graph, [...observed.keys()]);
  const outputs = [...graph.outputs];
  for (const { tensor } of probes) if (!graph.outputs.includes(tensor)) graph.outputs.push(tensor);
  const file = layOutModel(graph);
  graph.outputs.splice(0, graph.outputs.length, ...outputs);
  const session = await openFile(file);
  try {
    const results = await session.run({ latents });
    for (const { tensor, node, layer } of probes) {
      const reference = observed.get(layer)!;
      const { data } = results[tensor]!;
      const gap = Math.min(maxDifference(data, reference.data), maxDifference(data, asNchw(reference)));
      const largest = reference.data.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
      if (!(gap <= tolerance * largest)) return { node, maxDifference: gap };
    }
    return undefined;
  } finally {
    await session.dispose();
  }
}
