/**
 * Runs the very same step eagerly, op by op, on whichever TensorFlow.js backend it is handed.
 * The state lives in the backend; only losses, previews and saved states come out of it. It starts no backend.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Gan } from '../../../models/types.js';
import { type FloatTensor, type PlainTensor, plainTensor, type TensorMap } from '../../core/tensor.js';
import { LOSS_NAMES, type Losses, type Step } from '../step.js';
import type { Engine, State } from './engine.js';
import type { EngineName } from './table.js';

/** A backend that is up, and how to speak of it. */
export interface EagerBackend {
  readonly engine: EngineName;
  /** tfjs's own name of the backend. */
  readonly backend: string;
  readonly description: string;
}

function toTensor({ data, shape, dtype }: PlainTensor): tf.Tensor {
  return tf.tensor(data, [...shape], dtype as 'float32' | 'bool');
}

function toPlain(tensor: tf.Tensor): FloatTensor {
  return plainTensor(Float32Array.from(tensor.dataSync()), tensor.shape);
}

/** @param state the state to begin with, by name */
export function openEagerEngine(
  gan: Gan,
  step: Step,
  state: State,
  { engine, backend, description }: EagerBackend,
): Engine {
  // Anybody may have changed tfjs's global backend since the last call; awaits lie between.
  const enter = (): void => void tf.setBackend(backend);
  enter();
  let now = Object.fromEntries(Object.entries(state).map(([name, tensor]) => [name, toTensor(tensor)]));
  let busyMs = 0;

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
    name: engine,
    description,
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
      const values = toPlain(images);
      images.dispose();
      return values;
    },
    async readState() {
      enter();
      return Object.fromEntries(Object.entries(now).map(([name, tensor]) => [name, toPlain(tensor)]));
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
