/**
 * Finds the node of an exported generator that does not compute what the live network does: every layer's output is
 * compared, in order, on the same latents. In float32 the first that differs is to blame, in half precision, where all
 * differ a little, the one at which the error grows most.
 */
import { HALF_ROUNDING } from '../src/core/half.js';
import type { FloatTensor } from '../src/core/tensor.js';
import type { Session } from '../src/core/types.js';
import type { Graph, GraphNode } from './graph.js';
import type { LiveGenerator } from './live-generator.js';
import type { ModelFile } from './model-file.js';
import { layOutModel } from './model-proto.js';
import { toHalf } from './passes/half.js';
import { spellHalf } from './passes/spell-half.js';
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

/** How far a layer of the graph is from the live network's. */
interface LayerGap extends Divergence {
  /** Largest absolute value that the live layer gives. */
  readonly largest: number;
}

/**
 * Compares every layer's output, in order.
 *
 * @param openFile opens the graph with every layer's result as an output
 * @param rewrite  makes of that graph the one that is opened; its outputs keep their names
 */
async function compareLayers(
  graph: Graph,
  live: LiveGenerator,
  openFile: (file: ModelFile) => Promise<Session>,
  latents: FloatTensor,
  rewrite: (graph: Graph) => Graph,
): Promise<LayerGap[]> {
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
  const file = layOutModel(rewrite(graph));
  graph.outputs.splice(0, graph.outputs.length, ...outputs);
  const session = await openFile(file);
  try {
    const results = await session.run({ latents });
    return probes.map(({ tensor, node, layer }) => {
      const reference = observed.get(layer)!;
      const { data } = results[tensor]!;
      const gap = Math.min(maxDifference(data, reference.data), maxDifference(data, asNchw(reference)));
      const largest = reference.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      return { node, maxDifference: gap, largest };
    });
  } finally {
    await session.dispose();
  }
}

/**
 * @param openFile  opens the graph with every layer's result as an output
 * @param tolerance largest absolute difference that a layer may have; more where its values exceed 1
 */
export async function findDivergence(
  graph: Graph,
  live: LiveGenerator,
  openFile: (file: ModelFile) => Promise<Session>,
  latents: FloatTensor,
  tolerance: number,
): Promise<Divergence | undefined> {
  const gaps = await compareLayers(graph, live, openFile, latents, (same) => same);
  return gaps.find((gap) => !(gap.maxDifference <= tolerance * Math.max(1, gap.largest)));
}

/** The layer of a rounded graph that loses most. */
export interface Loss {
  readonly node: string;
  /** Its largest difference from the live layer, as a share of that layer's largest value. */
  readonly relative: number;
  /** How many times the share of the layer before it that is. */
  readonly jump: number;
}

/**
 * Finds the layer at which the error of a graph in half precision grows most; of a layer without any error before it,
 * by as much as half precision rounds.
 *
 * @param graph in float32
 * @param openFile opens the graph, in half precision, with every layer's result as an output
 */
export async function findLoss(
  graph: Graph,
  live: LiveGenerator,
  openFile: (file: ModelFile) => Promise<Session>,
  latents: FloatTensor,
): Promise<Loss> {
  const gaps = await compareLayers(graph, live, openFile, latents, (own) => spellHalf(toHalf(own)));
  let before = HALF_ROUNDING;
  let worst: Loss = { node: 'export', relative: 0, jump: 0 };
  for (const { node, maxDifference, largest } of gaps) {
    const relative = maxDifference === 0 ? 0 : maxDifference / largest;
    const jump = relative / before;
    if (jump > worst.jump) worst = { node, relative, jump };
    before = Math.max(HALF_ROUNDING, relative);
  }
  return worst;
}
