/**
 * A generator drawn by TensorFlow.js in a page, as its users would: the network itself on its fastest backends, on the
 * page's main thread. It knows no clock.
 */
import * as tf from '@tensorflow/tfjs-core';
import { findModel } from '../models/index.js';
import { expected } from '../src/core/errors.js';
import { sizeOf } from '../src/core/tensor.js';
import type { PageDrawer, PageModel } from './page-types.js';

/** Makes a backend known, and says what it computes with. */
const BACKENDS: Readonly<Record<string, (threads: number) => Promise<() => Promise<string>>>> = {
  wasm: async (wanted) => {
    const { getThreadsCount, setThreadsCount, setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
    setWasmPaths('/tfjs-wasm/');
    if (wanted > 1) setThreadsCount(wanted);
    return async () => {
      const hasSimd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
      const hasThreads = await tf.env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT');
      const threads = hasThreads ? getThreadsCount() : 1;
      return `wasm${hasSimd ? ', SIMD' : ''}, ${threads} thread${threads > 1 ? 's' : ''}`;
    };
  },
  webgpu: async () => {
    await import('@tensorflow/tfjs-backend-webgpu');
    return async () => 'webgpu';
  },
};

/**
 * @param values  of all weights, one after the other
 * @param threads of WebAssembly; more than one needs a page that is cross-origin isolated
 * @throws GanError `BAD_ARGUMENT` for a backend that does not start
 */
export async function openNetwork(
  { model, build, weights }: PageModel,
  values: Float32Array,
  backend: string,
  threads: number,
): Promise<PageDrawer> {
  tf.enableProdMode();
  const describe = await BACKENDS[backend]!(threads);
  if (!(await tf.setBackend(backend)))
    throw expected('tfjs', `the backend ${backend}`, 'one that does not start');
  await tf.ready();
  const { generator, shape } = findModel(model).build(build);
  const tensors: Record<string, tf.Tensor> = {};
  let at = 0;
  for (const { name, shape: extents } of weights) {
    tensors[name] = tf.tensor(values.slice(at, at + sizeOf(extents)), [...extents]);
    at += sizeOf(extents);
  }
  return {
    engine: await describe(),
    latents: shape,
    draw: async ({ data, shape: extents }) => {
      const images = tf.tidy(() =>
        generator.apply(tf.tensor(data, [...extents]), {
          training: false,
          weights: tensors,
          coins: {},
          updates: {},
        }),
      );
      const drawn = (await images.data()) as Float32Array;
      images.dispose();
      return drawn;
    },
  };
}
