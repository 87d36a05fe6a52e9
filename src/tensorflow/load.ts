/**
 * The one place that loads the native TensorFlow: `@tensorflow/tfjs-node-gpu`, else `@tensorflow/tfjs-node`, as `ganx
 * setup tensorflow` or a package manager left them. Loading adds the backend `tensorflow` to TensorFlow.js.
 * It installs nothing and knows nothing of models. https://github.com/tensorflow/tfjs/tree/tfjs-v4.22.0/tfjs-node
 */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import util from 'node:util';
import type * as TensorflowCore from '@tensorflow/tfjs-core';
import { GanError, messageOf } from '../core/errors.js';
import { findHome, TFJS_VERSION } from './places.js';

/** The native TensorFlow of this process. */
export interface NativeTensorflow {
  /** The npm package that brought it. */
  readonly package: string;
  /** Of the C++ library: `2.20.0`. */
  readonly tensorflowVersion: string;
  /** Whether it took a CUDA device. */
  readonly usesGpu: boolean;
}

/** Best first. */
export const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;
const BACKEND = 'tensorflow';

/** What the backend of these packages has beside the common things. */
interface NodeBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly TF_Version: string };
}

/**
 * Gives back to `util` what these packages call and Node 23 took away (tfjs issue 8609).
 *
 * @param utilities Node's `util`, as `require` gives it
 */
export function mendUtilities(utilities: object): void {
  if ('isNullOrUndefined' in utilities) return;
  const isNullOrUndefined = (value: unknown): boolean => value === null || value === undefined;
  Object.defineProperty(utilities, 'isNullOrUndefined', { value: isNullOrUndefined, configurable: true });
}

/** Whether a package's folder has its addon, in a folder named by the version of Node's binary interface. */
export function hasAddon(folder: string): boolean {
  const lib = join(folder, 'lib');
  if (!existsSync(lib)) return false;
  return readdirSync(lib).some((name) => existsSync(join(lib, name, 'tfjs_binding.node')));
}

/** @throws an error that says why this package cannot be used */
function requirePackage(name: string, requireFrom: NodeJS.Require): void {
  let manifest: string;
  try {
    manifest = requireFrom.resolve(`${name}/package.json`);
  } catch {
    throw new Error(`${name} is not installed`);
  }
  // Without its addon a package would register its kernels before it fails, and the next one then complains.
  if (!hasAddon(dirname(manifest))) throw new Error(`${name} is installed without its native addon`);
  const { version } = requireFrom(manifest) as { version: string };
  if (version !== TFJS_VERSION) throw new Error(`${name} is ${version}, and ganx needs ${TFJS_VERSION}`);
  try {
    requireFrom(name);
  } catch (error) {
    throw new Error(`${name} does not load: ${messageOf(error)}`);
  }
}

function requireFirst(requireFrom: NodeJS.Require): string {
  const reasons: string[] = [];
  for (const name of PACKAGES) {
    try {
      requirePackage(name, requireFrom);
      return name;
    } catch (error) {
      reasons.push(messageOf(error));
    }
  }
  throw new GanError(
    'RUNTIME_UNAVAILABLE',
    'tensorflow',
    `Expected the native TensorFlow, got \`${reasons.join('; ')}\`. Run \`ganx setup tensorflow\`, or \`npm run setup:tensorflow\` in a clone of ganx.`,
  );
}

/** The backend, started. @throws GanError when the package registered it with another copy of TensorFlow.js */
async function startBackend(tf: typeof TensorflowCore, name: string): Promise<NodeBackend> {
  if (tf.findBackendFactory(BACKEND) && (await tf.setBackend(BACKEND))) {
    const backend: unknown = tf.backend();
    return backend as NodeBackend;
  }
  throw new GanError(
    'RUNTIME_UNAVAILABLE',
    'tensorflow',
    `Expected ${name} to bring the backend ${BACKEND}, got \`none, or one for another copy of TensorFlow.js\`. Run \`ganx setup tensorflow --again\`.`,
  );
}

/**
 * As {@link loadTensorflow}, from a given place.
 *
 * @param home the private folder to look into before the `node_modules` around it
 * @throws GanError `RUNTIME_UNAVAILABLE`
 */
export async function loadTensorflowFrom(home: string): Promise<NativeTensorflow> {
  mendUtilities(util);
  // TensorFlow's own log, from the level of errors on; it is read when the library is loaded.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  const tf = await import('@tensorflow/tfjs-core');
  const previous: string | undefined = tf.getBackend();
  try {
    const name = requireFirst(createRequire(join(home, 'package.json')));
    const { isUsingGpuDevice, binding } = await startBackend(tf, name);
    return { package: name, tensorflowVersion: binding.TF_Version, usesGpu: isUsingGpuDevice };
  } finally {
    // The package makes its own backend the active one.
    if (previous) await tf.setBackend(previous);
  }
}

let loaded: NativeTensorflow | undefined;

/**
 * Loads the native TensorFlow once; the backend `tensorflow` is then there to be set. The backend that was active
 * stays so; where there was none, it is `tensorflow`.
 *
 * @throws GanError `RUNTIME_UNAVAILABLE` that says what is missing and how to get it
 */
export async function loadTensorflow(): Promise<NativeTensorflow> {
  loaded ??= await loadTensorflowFrom(findHome());
  return loaded;
}
