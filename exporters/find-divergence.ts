/**
 * Finds the first node of an exported generator that does not compute what the live network does: every layer's
 * output is compared, in order, on the same latents.
 */
import type { FloatTensor, PlainTensor } from '../src/core/tensor.js';
import type { Session } from '../src/core/types.js';
import type { Graph } from './graph.js';
import type { LiveGenerator } from './live-generator.js';
import { encodeModel } from './model-proto.js';
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

/** Layers that still have a node of their own, each with the last of its nodes. */
function lastNodes(graph: Graph, layers: readonly string[]): Map<string, string> {
  const last = new Map<string, string>();
  for (const node of graph.nodes) {
    const layer = layers.find((name) => node.name.startsWith(`${name}/`));
    if (layer) last.set(layer, node.outputs[0]!);
  }
  return last;
}

/** The live layer's values in the order in which a graph that works in NCHW holds them. */
function asNchw(value: FloatTensor): ArrayLike<number> {
  return value.shape.length === 4 ? transposeData(value.data, value.shape, [0, 3, 1, 2]) : value.data;
}

/**
 * @param openSession opens the graph with every layer's result as an output
 * @param tolerance   largest absolute difference that a layer may have
 */
export async function findDivergence(
  graph: Graph,
  live: LiveGenerator,
  openSession: (bytes: Uint8Array) => Promise<Session>,
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

  const layers = [...observed.keys()];
  const last = lastNodes(graph, layers);
  const outputs = [...graph.outputs];
  for (const tensor of last.values()) if (!graph.outputs.includes(tensor)) graph.outputs.push(tensor);
  const bytes = encodeModel(graph);
  graph.outputs.splice(0, graph.outputs.length, ...outputs);
  const session = await openSession(bytes);
  try {
    const results = await session.run({ latents });
    const present = layers.filter((layer) => last.has(layer));
    for (const [position, layer] of present.entries()) {
      // Layers that were folded into this one belong to it: compare with the last of them.
      const end = layers.indexOf(present[position + 1] ?? '');
      const reference = observed.get(layers[(end < 0 ? layers.length : end) - 1]!)!;
      const actual = results[last.get(layer)!] as PlainTensor;
      const gap = Math.min(
        maxDifference(actual.data, reference.data),
        maxDifference(actual.data, asNchw(reference)),
      );
      if (!(gap <= tolerance)) return { node: last.get(layer)!, maxDifference: gap };
    }
    return undefined;
  } finally {
    await session.dispose();
  }
}
