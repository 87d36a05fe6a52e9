/**
 * ONNX Runtime's native library in Node: CPU, WebGPU (Dawn over Vulkan, Metal or Direct3D 12), CUDA, and Core
 * ML or DirectML on their systems. Asks for exactly one execution provider and has no fallback; ONNX Runtime itself may
 * still place single nodes on the CPU. It does not know what a model means.
 * https://onnxruntime.ai/docs/get-started/with-javascript/node.html
 */
import type * as Ort from 'onnxruntime-node';
import { GanError } from '../src/core/errors.js';
import type { TensorData, TensorMap } from '../src/core/tensor.js';
import type { OpenOptions, Probe, Runtime, Session } from '../src/core/types.js';
import {
  badModel,
  checkRun,
  describeValue,
  disposedSession,
  failedRun,
  requireDevice,
  requireThreads,
  unavailable,
} from './contract.js';
import { estimateNeed, type MemoryNeed, requireMemory } from './onnxruntime-node/memory-need.js';
import { probeInChild } from './onnxruntime-node/probe-in-child.js';
import { probeByRunning } from './probe-model.js';

const NAME = 'onnxruntime-node';
/** Devices that one system alone has: Apple's Core ML, and DirectML over Direct3D 12. */
const OF_SYSTEM: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['coreml'],
  win32: ['dml'],
};
const DEVICES = ['cpu', 'webgpu', 'cuda', ...(OF_SYSTEM[process.platform] ?? [])];
/** Devices behind a graphics driver, which is tried apart from this process. */
const DRIVEN = ['webgpu', 'coreml', 'dml'];

async function loadLibrary(): Promise<typeof Ort> {
  const ort = await import('onnxruntime-node');
  // Whatever it would log as an error it also throws.
  ort.env.logLevel = 'fatal';
  return ort;
}

/**
 * @param model a file's bytes, or its path
 * @param only  refuses to place any node elsewhere than on the device
 * @throws whatever the library throws
 */
async function createSession(
  model: Uint8Array | string,
  options: OpenOptions,
  only = false,
): Promise<Session> {
  const ort = await loadLibrary();
  const { device } = options;
  const threads = options.threads ?? (await import('node:os')).availableParallelism();
  const settings: Ort.InferenceSession.SessionOptions = {
    executionProviders: [device],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4,
    ...(only && device !== 'cpu' ? { extra: { session: { disable_cpu_ep_fallback: '1' } } } : {}),
    // DirectML cannot plan its memory ahead.
    ...(device === 'dml' ? { enableMemPattern: false } : {}),
    ...(options.profile ? { enableProfiling: true, profileFilePrefix: options.profile } : {}),
  };
  // Files by path are the caller's own; a GPU limits its memory itself.
  const need = device === 'cpu' && typeof model !== 'string' ? await estimateNeed(ort, model) : undefined;
  if (need) requireMemory(NAME, need, 1);
  const native = await (typeof model === 'string'
    ? ort.InferenceSession.create(model, settings)
    : ort.InferenceSession.create(model, settings));
  try {
    return wrapSession(ort, native, device, need);
  } catch (error) {
    await native.release();
    throw error;
  }
}

function wrapSession(
  ort: typeof Ort,
  native: Ort.InferenceSession,
  device: string,
  need: MemoryNeed | undefined,
): Session {
  const describe = (value: Ort.InferenceSession.ValueMetadata) =>
    describeValue(
      NAME,
      value.name,
      value.isTensor ? value.type : 'no tensor',
      value.isTensor ? value.shape : [],
    );
  const inputs = native.inputMetadata.map(describe);
  const outputs = native.outputMetadata.map(describe);
  const batched = inputs.filter(({ shape: [batch = 1] }) => !(Number(batch) >= 0)).map(({ name }) => name);
  // A value that goes straight through is never written to a given place, so it has to be copied there.
  const passedThrough = new Set(native.inputNames.filter((name) => native.outputNames.includes(name)));
  let open = true;

  const run = async (feeds: TensorMap, into: TensorMap = {}): Promise<TensorMap> => {
    if (!open) throw disposedSession(NAME);
    checkRun(NAME, inputs, outputs, feeds, into);
    if (need) requireMemory(NAME, need, Math.max(1, ...batched.map((name) => feeds[name]!.shape[0]!)));
    // ort.Tensor only wraps: inputs are read from, and given outputs written to, the very memory of `data`.
    // (What the library returns is a copy nevertheless, also of outputs that were given: 1.30.)
    const wrap = ({ dtype, data, shape }: TensorMap[string]) => new ort.Tensor(dtype, data, shape);
    const fed: Record<string, Ort.Tensor> = {};
    for (const { name } of inputs) fed[name] = wrap(feeds[name]!);
    const fetched: Record<string, Ort.Tensor | null> = {};
    for (const { name } of outputs) {
      const place = into[name];
      fetched[name] = place && !passedThrough.has(name) ? wrap(place) : null;
    }
    const values = await native.run(fed, fetched).catch((cause: unknown) => {
      throw open ? failedRun(NAME, cause) : disposedSession(NAME);
    });
    const results: TensorMap = {};
    for (const { name, dtype } of outputs) {
      const value = values[name]!;
      const data = value.data as TensorData;
      const place = into[name];
      if (place && passedThrough.has(name)) place.data.set(data);
      results[name] = place ?? { shape: value.dims, dtype, data };
    }
    return results;
  };

  const dispose = async (): Promise<void> => {
    if (!open) return;
    open = false;
    await native.release();
  };
  return {
    runtime: NAME,
    device,
    version: ort.env.versions.node ?? 'unknown',
    ...(device === 'webgpu' ? { engine: 'webgpu (native, Dawn)' } : {}),
    inputs,
    outputs,
    run,
    dispose,
  };
}

let webgpuProbe: Promise<Probe> | undefined;

/** Tries WebGPU apart from this process, once: where a driver is missing, Dawn writes to stderr by itself. */
async function requireWebgpu(): Promise<void> {
  webgpuProbe ??= probeInChild('webgpu');
  const probe = await webgpuProbe;
  if (!probe.ok) throw unavailable(NAME, 'webgpu', probe.reason);
}

/**
 * The adapter. Threads default to what the process may use. One to four threads gave the same bits for MatMul,
 * Conv and reductions where it was measured (x64), but the library does not promise it.
 */
export const onnxruntimeNode: Runtime = {
  name: NAME,
  devices: DEVICES,

  async probe(device: string): Promise<Probe> {
    if (!DEVICES.includes(device)) return { ok: false, reason: `It has no device named ${device}.` };
    if (DRIVEN.includes(device)) return await probeInChild(device);
    return probeByRunning((model) => createSession(model, { device, threads: 1 }, true));
  },

  open: openModel,
};

/**
 * Opens a model from its bytes, or from a file by its path, so that large ones need not be held as bytes as well.
 *
 * @throws GanError `RUNTIME_UNAVAILABLE` or `BAD_MODEL_FILE`
 */
export async function openModel(model: Uint8Array | string, options: OpenOptions): Promise<Session> {
  requireDevice(NAME, DEVICES, options.device);
  requireThreads(NAME, options.threads);
  if (options.device === 'webgpu') await requireWebgpu();
  try {
    return await createSession(model, options);
  } catch (cause) {
    if (cause instanceof GanError) throw cause;
    const probe = await onnxruntimeNode.probe(options.device);
    if (!probe.ok) throw unavailable(NAME, options.device, probe.reason);
    const { stat } = await import('node:fs/promises');
    throw badModel(NAME, typeof model === 'string' ? (await stat(model)).size : model.length, cause);
  }
}
