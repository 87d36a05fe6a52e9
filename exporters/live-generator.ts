/**
 * The live generator: the network itself, run eagerly by tfjs's pure JS backend, as a Session.
 * It is the reference that every exported file is measured against.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Gan } from '../models/types.js';
import { GanError } from '../src/core/errors.js';
import { plainTensor, sizeOf } from '../src/core/tensor.js';
import type { Session } from '../src/core/types.js';
import type { GeneratorWeights } from './generator.js';

/** A session that can also tell what each layer gave. */
export interface LiveGenerator extends Session {
  /** Called with each layer's name and output while `run` works; the tensor is tfjs's own, to be read at once. */
  observe: ((layer: string, output: tf.Tensor) => void) | undefined;
}

/**
 * @param weights by full names, `generator/project/kernel`
 * @returns `latents` [n, L] -> `images` [n, H, W, C]; to be disposed by the caller
 */
export async function openLiveGenerator(gan: Gan, weights: GeneratorWeights): Promise<LiveGenerator> {
  tf.enableProdMode();
  await import('@tensorflow/tfjs-backend-cpu');
  const prefix = 'generator/';
  for (const { name, shape } of gan.generator.weights) {
    const weight = weights[prefix + name];
    if (weight?.data.length !== sizeOf(shape)) {
      const got = weight ? `[${weight.shape}]` : 'none';
      throw new GanError(
        'BAD_CHECKPOINT',
        prefix + name,
        `Expected a weight of shape [${shape}], got \`${got}\`.`,
      );
    }
  }
  await tf.setBackend('cpu');
  const tensors = Object.fromEntries(
    gan.generator.weights.map(({ name, shape }) => [
      name,
      tf.tensor(weights[prefix + name]!.data, [...shape], 'float32'),
    ]),
  );
  const { latentSize, imageShape } = gan.shape;
  const live: LiveGenerator = {
    runtime: 'tfjs-live',
    device: 'cpu',
    version: tf.version_core,
    inputs: [{ name: 'latents', dtype: 'float32', shape: ['batch', latentSize] }],
    outputs: [{ name: 'images', dtype: 'float32', shape: ['batch', ...imageShape] }],
    observe: undefined,
    async run(feeds) {
      const { data, shape } = feeds.latents!;
      const before = tf.engine().backendName;
      void tf.setBackend('cpu');
      const { observe } = live;
      const images = tf.tidy(() =>
        gan.generator.apply(tf.tensor(data, [...shape], 'float32'), {
          training: false,
          weights: tensors,
          coins: {},
          updates: {},
          ...(observe ? { observe } : {}),
        }),
      );
      const result = plainTensor(Float32Array.from(images.dataSync()), images.shape);
      images.dispose();
      void tf.setBackend(before);
      return { images: result };
    },
    async dispose() {
      tf.dispose(tensors);
    },
  };
  return live;
}
