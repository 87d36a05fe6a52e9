/** Runs a traced function in ONNX Runtime (CPU) and the same function eagerly in tfjs (pure JS), for comparison. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as ort from 'onnxruntime-node';
import { encodeModel } from '../../exporters/model-proto.js';
import { type TraceInput, trace } from '../../exporters/trace.js';
import { type FloatTensor, type PlainTensor, sizeOf } from '../../src/core/tensor.js';
import { normal } from '../../src/core/random.js';

export type TensorFunction = (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>;

/** Fixed pseudo-random values for an input. */
export function randomTensor(name: string, shape: readonly number[]): FloatTensor {
  return { shape, dtype: 'float32', data: normal(11, `test/${name}`, 0, sizeOf(shape)) };
}

/** Traces `fn`, optionally with inputs in other physical layouts, and runs the graph. */
export async function runTraced(fn: TensorFunction, inputs: Record<string, PlainTensor>): Promise<Record<string, PlainTensor>> {
  const specs: Record<string, TraceInput> = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, dtype }]) => [name, { shape, dtype: dtype as 'float32' }]),
  );
  const session = await ort.InferenceSession.create(encodeModel(trace(fn, specs, { name: 'test' })), {
    logSeverityLevel: 3,
  });
  try {
    const feeds = Object.fromEntries(
      Object.entries(inputs)
        .filter(([name]) => session.inputNames.includes(name))
        .map(([name, { data, shape, dtype }]) => [name, new ort.Tensor(dtype, data, shape)]),
    );
    const results = await session.run(feeds);
    return Object.fromEntries(
      Object.entries(results).map(([name, { data, dims, type }]) => [
        name,
        { data: data as Float32Array, shape: dims, dtype: type as 'float32' },
      ]),
    );
  } finally {
    await session.release();
  }
}

/** Runs `fn` eagerly on the pure JS backend. */
export async function runEager(fn: TensorFunction, inputs: Record<string, PlainTensor>): Promise<Record<string, PlainTensor>> {
  await tf.setBackend('cpu');
  const results = tf.tidy(() =>
    fn(
      Object.fromEntries(
        Object.entries(inputs).map(([name, { data, shape, dtype }]) => [
          name,
          tf.tensor(data, [...shape], dtype as 'float32'),
        ]),
      ),
    ),
  );
  return Object.fromEntries(
    Object.entries(results).map(([name, tensor]) => {
      const data = tensor.dataSync() as Float32Array;
      tensor.dispose();
      return [name, { data, shape: tensor.shape, dtype: tensor.dtype as 'float32' }];
    }),
  );
}

/** Largest absolute difference, divided by the larger of 1 and the reference's largest magnitude. */
export function difference(actual: PlainTensor, reference: PlainTensor): number {
  let largest = 0;
  let magnitude = 1;
  if (actual.data.length !== reference.data.length) return Number.POSITIVE_INFINITY;
  for (let i = 0; i < reference.data.length; i++) {
    const gap = Math.abs(actual.data[i]! - reference.data[i]!);
    largest = Math.max(largest, Number.isNaN(gap) ? Number.POSITIVE_INFINITY : gap);
    magnitude = Math.max(magnitude, Math.abs(reference.data[i]!));
  }
  return largest / magnitude;
}
