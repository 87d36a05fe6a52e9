/**
 * How much arithmetic one image takes, from the shapes of a trace: what decides where the live network runs and on how
 * many latents it is compared. No weights are needed for it.
 */
import type { Gan } from '../models/types.js';
import { sizeOf } from '../src/core/tensor.js';
import type { Graph, GraphNode } from './graph.js';
import { type TraceInput, trace } from './trace.js';

function countNode(graph: Graph, { op, inputs, outputs, attributes }: GraphNode): number {
  const shapeOf = (tensor: string): readonly number[] => graph.typeOf(tensor).shape as readonly number[];
  const [x, weights] = inputs.map(shapeOf);
  const y = shapeOf(outputs[0]!);
  // Each element that goes in (transposed) or comes out meets one channel's part of the filter [first, …].
  if (op === 'ConvTranspose') return (sizeOf(x!) * sizeOf(weights!)) / weights![0]!;
  if (op === 'Conv') return (sizeOf(y) * sizeOf(weights!)) / weights![0]!;
  if (op === 'Gemm') return sizeOf(y) * x![attributes.transA === 1 ? 0 : 1]!;
  if (op === 'MatMul') return sizeOf(y) * x!.at(-1)!;
  return 0;
}

/**
 * Multiplications of one image in the generator's products and convolutions.
 *
 * @throws GanError `UNSUPPORTED_OP` or `BAKED_RANDOMNESS`
 */
export function countMultiplications({ generator, shape }: Gan): number {
  const latents: TraceInput = { shape: [1, shape.latentSize], dtype: 'float32' };
  const weights = generator.weights.map(({ name, shape: own }): [string, TraceInput] => [
    name,
    { shape: own, dtype: 'float32' },
  ]);
  const graph = trace(
    ({ latents: z, ...rest }) => ({
      images: generator.apply(z!, { training: false, weights: rest, coins: {}, updates: {} }),
    }),
    { latents, ...Object.fromEntries(weights) },
    { name: 'generator' },
  );
  return graph.nodes.reduce((sum, node) => sum + countNode(graph, node), 0);
}
