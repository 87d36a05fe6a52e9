/**
 * The adapter of ONNX Runtime compiled to WebAssembly, over whichever build of the package it is handed.
 * Imports nothing of Node's, so that it can be bundled. It does not know what a model means.
 * https://onnxruntime.ai/docs/tutorials/web/
 */
import type * as Ort from 'onnxruntime-web';
import { expected, GanError } from '../src/core/errors.js';
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
import { probeByRunning } from './probe-model.js';

type LoadOrt = () => Promise<typeof Ort>;

const NAME = 'onnxruntime-web';
const DEVICES = ['wasm'];

/** All sessions share one WebAssembly module and its stack, so calls into it go one after the other. */
let turn: Promise<unknown> = Promise.resolve();
function inTurn<T>(call: () => Promise<T>): Promise<T> {
  const result = turn.then(call);
  turn = result.catch(() => undefined);
  return result;
}

/** Set by the first session: the module starts its threads once. */
let startedThreads: number | undefined;

async function createSession(load: LoadOrt, bytes: Uint8Array, options: OpenOptions): Promise<Session> {
  const ort = await load();
  const threads = options.threads ?? startedThreads ?? 1;
  if (startedThreads !== undefined && threads !== startedThreads) {
    throw expected(NAME, `${startedThreads} threads as in this process's first session`, threads);
  }
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = threads;
  const native = await inTurn(() =>
    ort.InferenceSession.create(bytes, {
      executionProviders: [options.device],
      graphOptimizationLevel: 'all',
      logSeverityLevel: 4,
    }),
  );
  startedThreads = threads;
  try {
    return wrapSession(ort, native, options.device);
  } catch (error) {
    await native.release();
    throw error;
  }
}

function wrapSession(ort: typeof Ort, native: Ort.InferenceSession, device: string): Session {
  const describe = (value: Ort.InferenceSession.ValueMetadata) =>
    describeValue(
      NAME,
      value.name,
      value.isTensor ? value.type : 'no tensor',
      value.isTensor ? value.shape : [],
    );
  const inputs = native.inputMetadata.map(describe);
  const outputs = native.outputMetadata.map(describe);
  let open = true;

  const runOnce = async (feeds: TensorMap, into: TensorMap): Promise<TensorMap> => {
    if (!open) throw disposedSession(NAME);
    const fed: Record<string, Ort.Tensor> = {};
    for (const { name } of inputs) {
      const { dtype, data, shape } = feeds[name]!;
      fed[name] = new ort.Tensor(dtype, data, shape);
    }
    const values = await native.run(fed).catch((cause: unknown) => {
      throw failedRun(NAME, cause);
    });
    const results: TensorMap = {};
    for (const { name, dtype } of outputs) {
      const value = values[name]!;
      const data = value.data as TensorData;
      const place = into[name];
      if (place && place.shape.join() !== value.dims.join()) {
        throw expected(NAME, `a place for \`${name}\` of shape [${value.dims.join(', ')}]`, place.shape);
      }
      // The library leaves a given CPU tensor unwritten: results come out of its heap as copies.
      place?.data.set(data);
      results[name] = place ?? { shape: value.dims, dtype, data };
    }
    return results;
  };

  const run = async (feeds: TensorMap, into: TensorMap = {}): Promise<TensorMap> => {
    if (!open) throw disposedSession(NAME);
    checkRun(NAME, inputs, outputs, feeds, into);
    return inTurn(() => runOnce(feeds, into));
  };

  const dispose = async (): Promise<void> => {
    if (!open) return;
    open = false;
    await inTurn(() => native.release());
  };
  return { runtime: NAME, device, version: ort.env.versions.web ?? 'unknown', inputs, outputs, run, dispose };
}

/**
 * Makes the adapter. It runs on one thread unless the first session asks for more (a page must be cross-origin
 * isolated for that); every later session has the same number.
 *
 * @param load imports the build of onnxruntime-web; called when a device is probed or a model opened
 */
export function createOnnxruntimeWeb(load: LoadOrt): Runtime {
  const probe = async (device: string): Promise<Probe> => {
    if (!DEVICES.includes(device)) return { ok: false, reason: `It has no device named ${device}.` };
    return probeByRunning((model) => createSession(load, model, { device }));
  };

  const open = async (bytes: Uint8Array, options: OpenOptions): Promise<Session> => {
    requireDevice(NAME, DEVICES, options.device);
    requireThreads(NAME, options.threads);
    try {
      return await createSession(load, bytes, options);
    } catch (cause) {
      if (cause instanceof GanError) throw cause;
      const usable = await probe(options.device);
      if (!usable.ok) throw unavailable(NAME, options.device, usable.reason);
      throw badModel(NAME, bytes.length, cause);
    }
  };
  return { name: NAME, devices: DEVICES, probe, open };
}
