/**
 * The reference engine: the very same step, run eagerly, op by op, on a TensorFlow.js backend.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Gan } from '../../../models/types.js';
import { expected, GanError, messageOf } from '../../core/errors.js';
import { type PlainTensor, plainTensor, type TensorMap } from '../../core/tensor.js';
import { LOSS_NAMES, type Losses, type Step } from '../step.js';
import type { Engine, State } from './engine.js';

/** Backends by name; each package is loaded only when it is asked for. */
const BACKENDS: Readonly<Record<string, () => Promise<unknown>>> = {
  cpu: () => import('@tensorflow/tfjs-backend-cpu'),
  wasm: () => import('@tensorflow/tfjs-backend-wasm'),
};

/** Names that the engine knows as devices. */
export const tfjsDevices: readonly string[] = Object.keys(BACKENDS);

async function useBackend(device: string): Promise<void> {
  const load = BACKENDS[device];
  if (!load) throw expected('tfjs', `a backend of ${tfjsDevices.join(', ')}`, device);
  tf.enableProdMode(); // no greeting, no checks of every value
  try {
    await load();
    if (!(await tf.setBackend(device))) throw new Error(`the backend ${device} did not start`);
  } catch (cause) {
    throw new GanError(
      'RUNTIME_UNAVAILABLE',
      'tfjs',
      `Expected the backend \`${device}\` to start, got \`${messageOf(cause)}\`. Use --device cpu, or --engine onnxruntime.`,
      { cause },
    );
  }
}

function toTensor({ data, shape, dtype }: PlainTensor): tf.Tensor {
  return tf.tensor(data, [...shape], dtype as 'float32' | 'bool');
}

/** @param state the state to begin with, by name */
export async function openTfjsEngine(gan: Gan, step: Step, state: State, device: string): Promise<Engine> {
  await useBackend(device);
  let now = Object.fromEntries(Object.entries(state).map(([name, tensor]) => [name, toTensor(tensor)]));
  let busyMs = 0;
  // Anybody may have changed tfjs's global backend since the last call; awaits lie between.
  const enter = (): void => void tf.setBackend(device);

  const runStep = (inputs: TensorMap): Losses => {
    enter();
    const start = performance.now();
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([name, tensor]) => [name, toTensor(tensor)]),
    );
    const result = tf.tidy(() => step.run(now, feeds));
    const losses = {} as Losses;
    for (const name of LOSS_NAMES) losses[name] = result.losses[name]!.dataSync()[0]!;
    const kept = new Set(Object.values(result.state));
    tf.dispose([feeds, result.losses, Object.values(now).filter((tensor) => !kept.has(tensor))]);
    now = result.state;
    busyMs += performance.now() - start;
    return losses;
  };

  return {
    name: 'tfjs',
    description: `TensorFlow.js ${tf.version_core} on ${device}`,
    get busyMs() {
      return busyMs;
    },
    stepsPerRun: 1,
    async run(steps) {
      return steps.map(runStep);
    },
    async draw(latents) {
      enter();
      const images = tf.tidy(() =>
        gan.generator.apply(toTensor(latents), {
          training: false,
          weights: averagesOf(now),
          coins: {},
          updates: {},
        }),
      );
      const values = plainTensor(Float32Array.from(images.dataSync()), images.shape);
      images.dispose();
      return values;
    },
    async readState() {
      enter();
      return Object.fromEntries(
        Object.entries(now).map(([name, tensor]) => [
          name,
          plainTensor(Float32Array.from(tensor.dataSync()), tensor.shape),
        ]),
      );
    },
    async dispose() {
      tf.dispose(now);
    },
  };
}

/** The averaged generator's weights by their names in the network. */
function averagesOf(state: Readonly<Record<string, tf.Tensor>>): Record<string, tf.Tensor> {
  const prefix = 'ema/generator/';
  return Object.fromEntries(
    Object.entries(state).flatMap(([name, tensor]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [],
    ),
  );
}
