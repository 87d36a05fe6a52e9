/**
 * Generator -> ONNX. One trace at two batch sizes gives the graph with a free batch dimension and finds numbers that
 * were frozen into it; passes fold the norms; the file is accepted only when it computes what the live network does.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { Gan } from '../models/types.js';
import { GanError } from '../src/core/errors.js';
import { type FloatTensor, sizeOf } from '../src/core/tensor.js';
import type { Form } from './form.js';
import { freeBatch } from './free-batch.js';
import type { Graph } from './graph.js';
import { encodeModel } from './model-proto.js';
import { foldAffine } from './passes/fold-affine.js';
import { foldConstants } from './passes/fold-constants.js';
import { foldTranspose } from './passes/fold-transpose.js';
import { removeUnused } from './passes/remove-unused.js';
import { type TraceInput, trace } from './trace.js';
import { stateLayout } from './training-step.js';
import { NCHW, plainLayout } from './value.js';

/** Weights of a generator by their full names, `generator/project/kernel`. */
export type GeneratorWeights = Readonly<Record<string, FloatTensor>>;

/** What the full name of a generator's weight begins with. */
const PREFIX = 'generator/';

/**
 * The generator's weights by their names in the network.
 *
 * @throws GanError `BAD_CHECKPOINT` for one that is missing or of another size
 */
export function expectWeights(gan: Gan, weights: GeneratorWeights): Record<string, FloatTensor> {
  return Object.fromEntries(
    gan.generator.weights.map(({ name, shape }) => {
      const weight = weights[PREFIX + name];
      if (weight?.data.length === sizeOf(shape)) return [name, weight];
      const got = weight ? `[${weight.shape}]` : 'none';
      const message = `Expected a weight of shape [${shape}], got \`${got}\`.`;
      throw new GanError('BAD_CHECKPOINT', PREFIX + name, message);
    }),
  );
}

/**
 * The generator with its weights inside, batch free, input `latents` [batch, L], output `images` [batch, H, W, C]
 * (`nchw`: [batch, C, H, W]).
 *
 * @throws GanError `UNSUPPORTED_OP`, `BAKED_RANDOMNESS`
 */
export function traceGenerator(gan: Gan, weights: GeneratorWeights, layout: 'nhwc' | 'nchw'): Graph {
  const traceAt = (batch: number): Graph =>
    trace(
      ({ latents }, constants) => {
        const own = Object.entries(constants).map(([name, tensor]) => [name.slice(PREFIX.length), tensor]);
        const call = { training: false, weights: Object.fromEntries(own), coins: {}, updates: {} };
        return { images: gan.generator.apply(latents!, call) };
      },
      { latents: { shape: [batch, gan.shape.latentSize], dtype: 'float32' } },
      {
        name: 'generator',
        constants: weights,
        outputLayouts: { images: layout === 'nchw' ? NCHW : plainLayout(4) },
      },
    );
  const graph = freeBatch(traceAt(2), traceAt(3));
  foldConstants(graph);
  foldAffine(graph);
  foldTranspose(graph);
  removeUnused(graph);
  return graph;
}

/** The averaged generator for previews during training: its weights are inputs named `ema/generator/…`. */
export function compileGeneratorWithState(gan: Gan, batch: number, form: Form = 'operators'): Uint8Array {
  const inputs: Record<string, TraceInput> = {
    latents: { shape: [batch, gan.shape.latentSize], dtype: 'float32' },
  };
  const keyOf = (name: string): string => `ema/generator/${name}`;
  for (const { name, shape } of gan.generator.weights) {
    inputs[keyOf(name)] = { shape, dtype: 'float32', layout: stateLayout(shape, form) };
  }
  const graph = trace(
    (tensors: Record<string, tf.Tensor>) => {
      const weights = Object.fromEntries(
        gan.generator.weights.map(({ name }) => [name, tensors[keyOf(name)]!]),
      );
      return {
        images: gan.generator.apply(tensors.latents!, { training: false, weights, coins: {}, updates: {} }),
      };
    },
    inputs,
    { name: 'generator-preview', form },
  );
  removeUnused(graph);
  return encodeModel(graph);
}
