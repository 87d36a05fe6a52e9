/**
 * The worker's side: holds one generator and answers requests one after the other, so that the page never waits for
 * a computation. Whoever needs no more of it ends the worker, and with it all memory of WebAssembly.
 */
import { expected } from '../core/errors.js';
import { loadGenerator, startRuntime } from '../load-generator.browser.js';
import type { Generator } from '../sample/index.js';
import { setAssets } from './assets.js';
import {
  type LoadedGenerator,
  type LoadProgress,
  type LoadRequest,
  packError,
  type Request,
  type Results,
  type SentFile,
  type ToPage,
  type ToWorker,
} from './messages.js';

type Report = (progress: LoadProgress) => void;

let generator: Generator | undefined;

/** Takes the file that the page sends. */
let takeFile: ((file: SentFile) => void) | undefined;
const sentFile = new Promise<SentFile>((resolve) => {
  takeFile = resolve;
});

async function readFile(): Promise<Uint8Array> {
  const file = await sentFile;
  return file instanceof Blob ? new Uint8Array(await file.arrayBuffer()) : file;
}

async function load(request: LoadRequest, report: Report): Promise<LoadedGenerator> {
  const { device, threads, assets, describe } = request;
  setAssets(assets);
  const options = {
    ...(threads === undefined ? {} : { threads }),
    ...(assets === undefined ? {} : { assets }),
  };
  let isHere = false;
  const source = readFile().finally(() => {
    isHere = true;
  });
  const isFileHere = async () => {
    // Lets in what the page has sent meanwhile.
    await new Promise((resolve) => setTimeout(resolve));
    return isHere;
  };
  const [bytes] = await Promise.all([source, startRuntime(device, options, isFileHere)]);
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
    post({ id, failure: packError(error) });
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
  if ('file' in data) {
    takeFile?.(data.file);
    return;
  }
  const { id, request } = data;
  const canceller = new AbortController();
  cancellers.set(id, canceller);
  turn = turn.then(() => answer(id, request, canceller.signal));
});
