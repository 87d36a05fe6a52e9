/**
 * The worker's side: holds one generator and answers requests one after the other, so that the page never waits for
 * a computation. Whoever needs no more of it ends the worker, and with it all memory of WebAssembly.
 */

import { replaceModule } from '../../runtimes/onnxruntime-web-page.js';
import { expected } from '../core/errors.js';
import { loadGenerator, startRuntime } from '../load-generator.browser.js';
import type { Generator } from '../sample/index.js';
import { setAssets } from './assets.js';
import { download } from './download.js';
import {
  type LoadedGenerator,
  type LoadProgress,
  type LoadRequest,
  packError,
  type Request,
  type Results,
  type ToPage,
  type ToWorker,
} from './messages.js';
import { partAddress } from './part-address.js';

type Report = (progress: LoadProgress) => void;

let generator: Generator | undefined;
/** Whether only a part of ONNX Runtime is here. */
let hasPart = false;

/** The bytes of the part of ONNX Runtime that generators use; undefined, for the whole, where a server has none. */
async function fetchPart(): Promise<ArrayBuffer | undefined> {
  try {
    const response = await fetch(partAddress());
    if (!response.ok) return undefined;
    const bytes = await response.arrayBuffer();
    hasPart = true;
    return bytes;
  } catch {
    return undefined;
  }
}

async function readSource({ source, cache }: LoadRequest, report: Report): Promise<Uint8Array> {
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  if (source instanceof Uint8Array) return source;
  const onProgress = (loadedBytes: number, totalBytes: number | undefined) =>
    report({ phase: 'download', loadedBytes, ...(totalBytes === undefined ? {} : { totalBytes }) });
  return download(source, { cache, onProgress });
}

async function load(request: LoadRequest, report: Report): Promise<LoadedGenerator> {
  const { device, threads, assets, describe, whole } = request;
  setAssets(assets);
  if (!whole) replaceModule(fetchPart);
  const options = {
    ...(threads === undefined ? {} : { threads }),
    ...(assets === undefined ? {} : { assets }),
  };
  const [bytes] = await Promise.all([readSource(request, report), startRuntime(device, options)]);
  const sizeBytes = bytes.length;
  report({ phase: 'open', loadedBytes: sizeBytes, totalBytes: sizeBytes });
  generator = await loadGenerator(bytes, {
    device,
    ...options,
    ...(describe === undefined ? {} : { describe }),
  });
  const { metadata, runtime, device: taken, version, engine, refused, labelled } = generator;
  const known = { metadata, runtime, device: taken, version, refused, labelled, sizeBytes };
  return engine === undefined ? known : { ...known, engine };
}

/** The generator, which a page always loads first. */
function loaded(): Generator {
  if (generator) return generator;
  throw expected('worker', 'a generator', 'none', 'Load one first.');
}

function perform(request: Request, signal: AbortSignal, report: Report): Promise<Results[keyof Results]> {
  if (request.type === 'load') return load(request, report);
  if (request.type === 'run') return loaded().run(request.latents, request.labels);
  return loaded().sample({ ...request.options, signal });
}

/** The memory of a result that can change hands instead of being copied: no two of its tensors share any. */
function memoryOf(result: Results[keyof Results]): ArrayBuffer[] {
  const tensors = 'images' in result ? [result.latents, result.images] : 'data' in result ? [result] : [];
  return tensors.map(({ data }) => data.buffer).filter((buffer) => buffer instanceof ArrayBuffer);
}

function post(message: ToPage, transfer: Transferable[] = []): void {
  globalThis.postMessage(message, { transfer });
}

const cancellers = new Map<number, AbortController>();

async function answer(id: number, request: Request, signal: AbortSignal): Promise<void> {
  try {
    signal.throwIfAborted();
    const result = await perform(request, signal, (progress) => post({ id, progress }));
    post({ id, result }, memoryOf(result));
  } catch (error) {
    const part = !hasPart ? 'none' : request.type === 'load' ? 'open' : 'drawn';
    post({ id, failure: packError(error, part) });
  }
  cancellers.delete(id);
}

/** One request at a time, in the order of their arrival. */
let turn: Promise<void> = Promise.resolve();

globalThis.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if ('cancel' in data) {
    cancellers.get(data.id)?.abort();
    return;
  }
  const { id, request } = data;
  const canceller = new AbortController();
  cancellers.set(id, canceller);
  turn = turn.then(() => answer(id, request, canceller.signal));
});
