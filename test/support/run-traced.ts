/**
 * Runs a traced function in ONNX Runtime (CPU) and the same function eagerly in tfjs (pure JS), for comparison.
 * The eager run is the reference: it shares no kernel with the tracer.
 */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as ort from 'onnxruntime-node';
import type { Form } from '../../exporters/form.js';
import { encodeModel } from '../../exporters/model-proto.js';
import { type TraceInput, trace } from '../../exporters/trace.js';
import { normal } from '../../src/core/random.js';
import {
  type DType,
  type FloatTensor,
  type PlainTensor,
  plainTensor,
  sizeOf,
  type TensorMap,
} from '../../src/core/tensor.js';

/** A function over named tensors, as the tracer takes it. */
export type TensorFunction = (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>;

/** Fixed pseudo-random N(0, 1) values; `name` picks them. */
export function randomTensor(name: string, shape: readonly number[]): FloatTensor {
  return plainTensor(normal(11, `test/${name}`, 0, sizeOf(shape)), shape);
}

/** The trace inputs that fit given tensors. */
export function specsOf(inputs: TensorMap): Record<string, TraceInput> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, dtype }]) => [
      name,
      { shape, dtype: dtype as TraceInput['dtype'] },
    ]),
  );
}

/** Traces `fn` and runs the graph; graph optimization stays on, as it is for users. */
export async function runTraced(
  fn: TensorFunction,
  inputs: TensorMap,
  form: Form = 'operators',
): Promise<TensorMap> {
  const bytes = encodeModel(trace(fn, specsOf(inputs), { name: 'test', form }));
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  try {
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([name, { data, shape, dtype }]) => [
        name,
        new ort.Tensor(dtype, data, shape),
      ]),
    );
    const results = await session.run(feeds);
    return Object.fromEntries(
      Object.entries(results).map(([name, { data, dims, type }]) => [
        name,
        plainTensor(data as Float32Array, dims, type as DType),
      ]),
    );
  } finally {
    await session.release();
  }
}

/** Runs `fn` eagerly on the pure JS backend. */
export async function runEager(fn: TensorFunction, inputs: TensorMap): Promise<TensorMap> {
  await tf.setBackend('cpu');
  const results = tf.tidy(() => fn(toTensors(inputs)));
  return Object.fromEntries(
    Object.entries(results).map(([name, tensor]) => {
      const data = tensor.dataSync() as Float32Array;
      tensor.dispose();
      return [name, plainTensor(data, tensor.shape, tensor.dtype as DType)];
    }),
  );
}

function toTensors(inputs: TensorMap): Record<string, tf.Tensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { data, shape, dtype }]) => [
      name,
      tf.tensor(data, [...shape], dtype as tf.DataType),
    ]),
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
