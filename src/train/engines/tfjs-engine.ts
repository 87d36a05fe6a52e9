/**
 * The reference engine: the step run eagerly by TensorFlow.js itself, in pure JavaScript or in WebAssembly.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Gan } from '../../../models/types.js';
import { expected, GanError, messageOf } from '../../core/errors.js';
import type { Step } from '../step.js';
import { openEagerEngine } from './eager-engine.js';
import type { Engine, State } from './engine.js';
import { ENGINES } from './table.js';

type Device = (typeof ENGINES.tfjs.devices)[number];

/** A device is one of tfjs's backends; its package is loaded only when it is asked for. */
const PACKAGES: Readonly<Record<Device, () => Promise<unknown>>> = {
  cpu: () => import('@tensorflow/tfjs-backend-cpu'),
  wasm: () => import('@tensorflow/tfjs-backend-wasm'),
};

/**
 * @param state the state to begin with, by name
 * @throws GanError `BAD_ARGUMENT` for an unknown device, `RUNTIME_UNAVAILABLE` when its backend does not start
 */
export async function openTfjsEngine(gan: Gan, step: Step, state: State, device: string): Promise<Engine> {
  const backend = ENGINES.tfjs.devices.find((name) => name === device);
  if (!backend) throw expected('tfjs', `a backend of ${ENGINES.tfjs.devices.join(', ')}`, device);
  tf.enableProdMode(); // no greeting, no checks of every value
  try {
    await PACKAGES[backend]();
    if (!(await tf.setBackend(backend))) throw new Error(`the backend ${backend} did not start`);
  } catch (cause) {
    throw new GanError(
      'RUNTIME_UNAVAILABLE',
      'tfjs',
      `Expected the backend \`${backend}\` to start, got \`${messageOf(cause)}\`. See \`ganx doctor\`.`,
      { cause },
    );
  }
  const description = `TensorFlow.js ${tf.version_core} on ${backend}`;
  return openEagerEngine(gan, step, state, { engine: 'tfjs', backend, description });
}
