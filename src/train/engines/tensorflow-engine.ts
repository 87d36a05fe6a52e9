/**
 * The native engine: the step run eagerly by TensorFlow's C++ library, on the CPU or on a CUDA device.
 * TensorFlow takes a GPU for the whole process or not at all, so that the first engine opened decides.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Gan } from '../../../models/types.js';
import { expected, GanError, messageOf } from '../../core/errors.js';
import type { Probe } from '../../core/types.js';
import { loadTensorflow } from '../../tensorflow/load.js';
import type { Step } from '../step.js';
import { openEagerEngine } from './eager-engine.js';
import type { Engine, State } from './engine.js';
import { hasNvidiaDriver } from './nvidia.js';
import { ENGINES } from './table.js';

const BACKEND = 'tensorflow';
/** CUDA's own list of the devices that a process may see; -1 is none. */
const VISIBLE = 'CUDA_VISIBLE_DEVICES';

/**
 * Loads TensorFlow for a device. The detail of a good probe describes it.
 *
 * @throws GanError `RUNTIME_UNAVAILABLE` when TensorFlow itself is missing
 */
async function startTensorflow(device: string): Promise<Probe> {
  if (device === 'cuda' && !hasNvidiaDriver()) return { ok: false, reason: 'No NVIDIA driver was found.' };
  const visible = process.env[VISIBLE];
  if (device === 'cpu') process.env[VISIBLE] = '-1';
  // A GPU adds up in any order unless it is told not to, and a training has to go on to the same bits.
  else process.env.TF_DETERMINISTIC_OPS ??= '1';
  try {
    const { package: name, tensorflowVersion, usesGpu } = await loadTensorflow();
    if (device === 'cuda' && !usesGpu) return { ok: false, reason: `${name} sees no CUDA device.` };
    if (device === 'cpu' && usesGpu) return { ok: false, reason: 'This process has given TensorFlow a GPU.' };
    return { ok: true, detail: `TensorFlow ${tensorflowVersion} (${name} ${tf.version_core}) on ${device}` };
  } finally {
    if (visible === undefined) delete process.env[VISIBLE];
    else process.env[VISIBLE] = visible;
  }
}

/** Whether the engine works on a device; without an NVIDIA driver `cuda` costs nothing to refuse. Never throws. */
export async function probeTensorflowEngine(device: string): Promise<Probe> {
  return await startTensorflow(device).catch((error: unknown) => ({ ok: false, reason: messageOf(error) }));
}

/**
 * @param state the state to begin with, by name
 * @throws GanError `BAD_ARGUMENT` for an unknown device, `RUNTIME_UNAVAILABLE` when TensorFlow or the device is missing
 */
export async function openTensorflowEngine(
  gan: Gan,
  step: Step,
  state: State,
  device: string,
): Promise<Engine> {
  const { devices } = ENGINES.tensorflow;
  if (!devices.some((name) => name === device)) {
    throw expected('tensorflow', `a device of ${devices.join(', ')}`, device);
  }
  const started = await startTensorflow(device);
  if (!started.ok) {
    throw new GanError(
      'RUNTIME_UNAVAILABLE',
      'tensorflow',
      `Expected TensorFlow on ${device}, got \`${started.reason.replace(/\.$/, '')}\`. See \`ganx doctor\`.`,
    );
  }
  tf.enableProdMode(); // no checks of every value
  const description = started.detail ?? BACKEND;
  return openEagerEngine(gan, step, state, { engine: 'tensorflow', backend: BACKEND, description });
}
