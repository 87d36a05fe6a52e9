/**
 * The adapter of ONNX Runtime compiled to WebAssembly, over whichever builds of the package it is handed.
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
import { requireAdapter } from './onnxruntime-web-gpu.js';
import { explainFailure, probeByRunning } from './probe-model.js';

type LoadOrt = () => Promise<typeof Ort>;

/** One build of the package: the devices of a page are builds of their own, each with its own WebAssembly module. */
interface Build {
  readonly load: LoadOrt;
  /** Names of the two files that it loads, beside each other. */
  readonly files: string;
  /** Set by the first session: a module starts its threads once. */
  threads?: number;
}

const NAME = 'onnxruntime-web';

/** What the package calls the files of the build for each device. */
const FILES: Readonly<Record<string, string>> = {
  wasm: 'ort-wasm-simd-threaded',
  webgpu: 'ort-wasm-simd-threaded.asyncify',
};

/** More threads than this gain little on images of a generator's size, and leave the page nothing. */
const MOST_THREADS = 4;

/**
 * The sessions of a build share one WebAssembly module and its stack, and two WebGPU sessions that run at once can
 * crash a process: calls go one after the other.
 */
let turn: Promise<unknown> = Promise.resolve();
function inTurn<T>(call: () => Promise<T>): Promise<T> {
  const result = turn.then(call);
  turn = result.catch(() => undefined);
  return result;
}

/**
 * The threads that a session gets: as many as asked for, but one in a page (or its worker) that is not cross-origin
 * isolated, since browsers have no shared memory there. When nobody asks: several in an isolated page, one in Node.
 */
function chooseThreads(device: string, asked: number | undefined): number {
  const isPage = typeof crossOriginIsolated !== 'undefined';
  if (isPage && !crossOriginIsolated) return 1;
  return asked ?? (isPage && device === 'wasm' ? Math.min(MOST_THREADS, navigator.hardwareConcurrency) : 1);
}

/** Where a page finds the build's files, when it is not the build itself that knows. */
function locateFiles(assets: string, files: string): Ort.Env.WasmFilePaths {
  const base = new URL(assets.endsWith('/') ? assets : `${assets}/`, globalThis.location?.href);
  return { mjs: new URL(`${files}.mjs`, base).href, wasm: new URL(`${files}.wasm`, base).href };
}

async function createSession(build: Build, bytes: Uint8Array, options: OpenOptions): Promise<Session> {
  const { device, assets } = options;
  const adapter = device === 'webgpu' ? await requireAdapter() : undefined;
  const ort = await build.load();
  const threads =
    build.threads !== undefined && options.threads === undefined
      ? build.threads
      : chooseThreads(device, options.threads);
  if (build.threads !== undefined && threads !== build.threads) {
    throw expected(NAME, `${build.threads} threads as in this process's first session`, threads);
  }
  // Whatever it would log as an error it also throws.
  ort.env.logLevel = 'fatal';
  ort.env.wasm.numThreads = threads;
  if (assets !== undefined) ort.env.wasm.wasmPaths = locateFiles(assets, build.files);
  const native = await ort.InferenceSession.create(bytes, {
    executionProviders: [device],
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4,
  });
  build.threads = threads;
  const engine = adapter
    ? `webgpu (native, asyncify build), ${adapter.name}`
    : `wasm, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  try {
    return wrapSession(ort, native, device, engine);
  } catch (error) {
    await native.release();
    throw error;
  }
}

function wrapSession(ort: typeof Ort, native: Ort.InferenceSession, device: string, engine: string): Session {
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
    const values = await native.run(fed, { logSeverityLevel: 4 }).catch((cause: unknown) => {
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
  const version = ort.env.versions.web ?? 'unknown';
  return { runtime: NAME, device, version, engine, inputs, outputs, run, dispose };
}

/**
 * Makes the adapter. Every session of a device has as many threads as its first.
 *
 * @param loaders by device, what imports its build; called when the device is probed or a model opened
 */
export function createOnnxruntimeWeb(loaders: Readonly<Record<string, LoadOrt>>): Runtime {
  const devices = Object.keys(loaders);
  const builds = new Map<string, Build>(
    Object.entries(loaders).map(([device, load]) => [device, { load, files: FILES[device]! }]),
  );
  const probe = async (device: string, assets?: string): Promise<Probe> => {
    const build = builds.get(device);
    if (!build) return { ok: false, reason: `It has no device named ${device}.` };
    const options = { device, ...(assets === undefined ? {} : { assets }) };
    return probeByRunning((model) => inTurn(() => createSession(build, model, options)));
  };

  const open = async (bytes: Uint8Array, options: OpenOptions): Promise<Session> => {
    requireDevice(NAME, devices, options.device);
    requireThreads(NAME, options.threads);
    try {
      return await inTurn(() => createSession(builds.get(options.device)!, bytes, options));
    } catch (cause) {
      if (cause instanceof GanError) throw cause;
      const usable = await probe(options.device, options.assets);
      // The first failure says why; later ones only that it failed before.
      if (!usable.ok) throw unavailable(NAME, options.device, explainFailure(cause));
      throw badModel(NAME, bytes.length, cause);
    }
  };
  return { name: NAME, devices, probe, open };
}
