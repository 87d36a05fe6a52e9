/**
 * `loadGenerator` for pages: a generator that lives in a worker of its own, so that the page never freezes, a load can
 * be cancelled at any time, and disposing gives all memory back. The worker's side is worker.ts.
 */
import type { FloatTensor } from '../core/tensor.js';
import type { LatentDescription, SampleOptions, Samples } from '../sample/index.js';
import { download } from './download.js';
import { openLink } from './link.js';
import type { LoadedGenerator, LoadProgress } from './messages.js';

/** How to load a generator into a page. */
export interface WebLoadOptions {
  /** `auto` (the default) takes WebGPU if it computes right here, else WebAssembly. */
  readonly device?: 'auto' | 'wasm' | 'webgpu' | undefined;
  /**
   * Threads of WebAssembly. More than one needs a page that is cross-origin isolated, and means ONNX Runtime: ganx's
   * own kernels, which draw ganx's generators otherwise, have one.
   */
  readonly threads?: number | undefined;
  /** Folder of ONNX Runtime's files; for the prebuilt bundle `ort/` beside it. */
  readonly assets?: string | URL | undefined;
  /** Keep the file in the browser and ask the server only whether it has changed; true when absent. */
  readonly cache?: boolean | undefined;
  /** What a file that another tool wrote does not say of itself. */
  readonly describe?: LatentDescription | undefined;
  /** Cancels loading; the promise is then rejected with its reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/** A generator in a worker; the caller disposes it. */
export interface WebGenerator extends LoadedGenerator {
  /**
   * Draws samples: {@link SampleOptions} as everywhere. Calls are answered in order.
   *
   * @throws GanError `BAD_ARGUMENT` for an option out of range, `RUNTIME_UNAVAILABLE` when the worker has ended
   */
  sample(options?: SampleOptions): Promise<Samples>;
  /**
   * Runs the model on given latents.
   *
   * @param latents [n, latentSize]
   * @param labels  the class of each, for a labelled generator only
   * @returns [n, H, W, C]
   * @throws GanError as `sample`
   */
  run(latents: FloatTensor, labels?: Int32Array): Promise<FloatTensor>;
  /** Ends the worker; whatever is under way is rejected. */
  dispose(): Promise<void>;
}

/** An address as the worker and the cache can use it: they know no base. */
function absolute(address: string | URL): string {
  return new URL(address, document.baseURI).href;
}

/** The folder's address, with the slash at its end that `new URL(file, folder)` needs. */
function absoluteFolder(address: string | URL): string {
  const folder = absolute(address);
  return folder.endsWith('/') ? folder : `${folder}/`;
}

/**
 * Loads a generator.onnx into a worker of this page.
 *
 * @param source an address (relative to the page), a file or its bytes
 * @throws GanError `IO`, `BAD_MODEL_FILE`, `RUNTIME_UNAVAILABLE`, `BAD_ARGUMENT`; the signal's reason when cancelled
 */
export async function loadGenerator(
  source: string | URL | Blob | Uint8Array,
  options: WebLoadOptions = {},
): Promise<WebGenerator> {
  const { device = 'auto', threads, assets, cache = true, describe, signal, onProgress } = options;
  signal?.throwIfAborted();
  const request = {
    type: 'load',
    device,
    threads,
    assets: assets === undefined ? undefined : absoluteFolder(assets),
    describe,
  } as const;
  const downloads = new AbortController();
  const getFile = async () => {
    if (source instanceof Blob || source instanceof Uint8Array) return { file: source, transfer: [] };
    const file = await download(absolute(source), {
      cache,
      signal: downloads.signal,
      ...(onProgress
        ? {
            onProgress: (loadedBytes, totalBytes) =>
              onProgress({
                phase: 'download',
                loadedBytes,
                ...(totalBytes === undefined ? {} : { totalBytes }),
              }),
          }
        : {}),
    });
    return { file, transfer: [file.buffer] };
  };
  // Bundlers look for exactly this expression.
  const link = openLink(() => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
  // No half measures: this ends a download at once, and a runtime that is being compiled.
  const cancel = () => {
    downloads.abort(signal?.reason);
    link.close(signal?.reason);
  };
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    const asked = link.ask(request, { onProgress });
    // The file is on its way before the worker is up; neither has to wait for the other to fail.
    const sent = getFile().then(({ file, transfer }) => link.send({ file }, transfer));
    const loaded = await Promise.race([asked, sent.then(() => asked)]);
    return {
      ...loaded,
      // A signal cannot be posted: it stays on this side and becomes a message.
      sample: ({ signal: stop, ...rest } = {}) =>
        link.ask({ type: 'sample', options: rest }, { signal: stop }),
      run: (latents, labels) => link.ask({ type: 'run', latents, labels }),
      dispose: async () => link.close(),
    };
  } catch (error) {
    downloads.abort();
    link.close();
    throw error;
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}
