/**
 * The live generator: the network itself, run eagerly by TensorFlow.js, as a Session.
 * It is the reference that every exported file is measured against.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Gan } from '../models/types.js';
import { expected } from '../src/core/errors.js';
import { type FloatTensor, plainTensor } from '../src/core/tensor.js';
import type { Session } from '../src/core/types.js';
import { countMultiplications } from './count-multiplications.js';
import { expectWeights, type GeneratorWeights } from './generator.js';

/** A session that can also tell what each layer gave. */
export interface LiveGenerator extends Session {
  /** Called with each layer's name and output while `run` works; the tensor is tfjs's own, to be read at once. */
  observe: ((layer: string, output: tf.Tensor) => void) | undefined;
}

type Backend = 'cpu' | 'wasm';

/**
 * From here on an image is worth another backend: pure JS does some 2e8 multiplications a second, WebAssembly 1.5e9 (in
 * one thread, without fusing multiplications and additions: float32 all the same), but it takes 0.1 s to start.
 */
const LARGE_MULTIPLICATIONS = 5e6;

/** The backend for a network of this size: WebAssembly for a large one, if its package is there and starts. */
async function startBackend(multiplications: number): Promise<Backend> {
  await import('@tensorflow/tfjs-backend-cpu');
  if (multiplications >= LARGE_MULTIPLICATIONS) {
    try {
      await import('@tensorflow/tfjs-backend-wasm');
      if (await tf.setBackend('wasm')) return 'wasm';
    } catch {
      // It is optional: pure JS takes longer and gives the same.
    }
  }
  await tf.setBackend('cpu');
  return 'cpu';
}

/**
 * @param weights by full names, `generator/project/kernel`
 * @returns `latents` [n, L] -> `images` [n, H, W, C]; to be disposed by the caller
 * @throws GanError `BAD_CHECKPOINT` for a weight that is missing or of another size
 */
export async function openLiveGenerator(gan: Gan, weights: GeneratorWeights): Promise<LiveGenerator> {
  tf.enableProdMode();
  const toTensor = ({ data, shape }: FloatTensor): tf.Tensor => tf.tensor(data, [...shape], 'float32');
  // A weight becomes a tensor when a layer asks for it and goes with the layer's scope: WebAssembly copies it, twice.
  const tensors: Record<string, tf.Tensor> = {};
  for (const [name, weight] of Object.entries(expectWeights(gan, weights)))
    Object.defineProperty(tensors, name, { enumerable: true, get: () => toTensor(weight) });
  const before = tf.engine().backendName;
  const backend = await startBackend(countMultiplications(gan));
  if (before) void tf.setBackend(before);
  let open = true;
  const { latentSize, imageShape } = gan.shape;

  const draw = (latents: FloatTensor): FloatTensor => {
    void tf.setBackend(backend);
    const { observe } = live;
    const images = tf.tidy(() =>
      gan.generator.apply(toTensor(latents), {
        training: false,
        weights: tensors,
        coins: {},
        updates: {},
        ...(observe ? { observe } : {}),
      }),
    );
    const result = plainTensor(images.dataSync<'float32'>().slice(), images.shape);
    images.dispose();
    return result;
  };

  const live: LiveGenerator = {
    runtime: 'tfjs-live',
    device: backend,
    version: tf.version_core,
    inputs: [{ name: 'latents', dtype: 'float32', shape: ['batch', latentSize] }],
    outputs: [{ name: 'images', dtype: 'float32', shape: ['batch', ...imageShape] }],
    observe: undefined,
    async run(feeds) {
      if (!open) throw expected('tfjs-live', 'an open session', 'disposed', 'Open the generator again.');
      const latents = feeds.latents as FloatTensor;
      const current = tf.engine().backendName;
      try {
        return { images: draw(latents) };
      } finally {
        void tf.setBackend(current);
      }
    },
    async dispose() {
      open = false;
    },
  };
  return live;
}
