/**
 * TensorFlow.js as the reference: runs a generator's file operator by operator in an engine that shares
 * nothing with ONNX Runtime. Slow and easy to follow; made for comparing, not for serving. A file in float16 is computed
 * in float32, from the weights as they were rounded.
 * It does not know what a model means. https://js.tensorflow.org/api/latest/
 */
import { GanError } from '../src/core/errors.js';
import type { OpenOptions, Probe, Runtime, Session } from '../src/core/types.js';
import { requireDevice, requireThreads, unavailable } from './contract.js';
import { probeByRunning } from './probe-model.js';

const NAME = 'tensorflow';

/** Device (the name of a tfjs backend) -> what brings it. */
const BACKENDS: Readonly<Record<string, () => Promise<unknown>>> = {
  cpu: () => import('@tensorflow/tfjs-backend-cpu'),
  wasm: () => import('@tensorflow/tfjs-backend-wasm'),
  tensorflow: async () => (await import('../src/tensorflow/load.js')).loadTensorflow(),
};
const DEVICES = Object.keys(BACKENDS);

/**
 * Brings the device's backend up and leaves the process's backend as it was; where none was set yet,
 * the device stays set.
 */
async function startBackend(device: string): Promise<void> {
  const tf = await import('@tensorflow/tfjs-core');
  const previous: string | undefined = tf.getBackend();
  try {
    // A package that is loaded may also make its backend the active one.
    if (!tf.findBackendFactory(device)) await BACKENDS[device]?.();
    if (!(await tf.setBackend(device))) throw new Error(`The backend ${device} did not start.`);
    // The first tensor on the pure JS backend prints advice unless tfjs is in its production mode.
    const production = tf.env().getBool('PROD');
    tf.env().set('PROD', true);
    tf.scalar(0).dispose();
    tf.env().set('PROD', production);
  } finally {
    if (previous && previous !== device) await tf.setBackend(previous);
  }
}

async function createSession(bytes: Uint8Array, device: string): Promise<Session> {
  try {
    await startBackend(device);
  } catch (cause) {
    throw cause instanceof GanError ? cause : unavailable(NAME, device, cause);
  }
  const { createSession: create } = await import('./tensorflow/session.js');
  return create(bytes, device);
}

/** The adapter; `threads` is checked and otherwise left to the backend, which has no such option. */
export const tensorflow: Runtime = {
  name: NAME,
  devices: DEVICES,

  async probe(device: string): Promise<Probe> {
    if (!DEVICES.includes(device)) return { ok: false, reason: `It has no device named ${device}.` };
    return probeByRunning((model) => createSession(model, device));
  },

  async open(bytes: Uint8Array, options: OpenOptions): Promise<Session> {
    requireDevice(NAME, DEVICES, options.device);
    requireThreads(NAME, options.threads);
    try {
      return await createSession(bytes, options.device);
    } catch (cause) {
      if (cause instanceof GanError) throw cause;
      throw unavailable(NAME, options.device, cause);
    }
  },
};
