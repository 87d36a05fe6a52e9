/**
 * A line to a worker that begins with the part of ONNX Runtime that generators use, and goes on with the whole where
 * that part does not do: another worker loads the same file anew, and whatever was asked is asked again. Whoever asks
 * does not notice, except by the time. An error is only ever told by the whole. It does not know what is drawn.
 */
import { type AskOptions, openLink, type WorkerLink } from './link.js';
import type { LoadedGenerator, LoadRequest, Request, Results, SentFile } from './messages.js';
import { compilePart } from './part.js';

/** A line that is loaded once, and then asked. */
export interface FallbackLink extends Pick<WorkerLink, 'ask' | 'close'> {
  /** @throws GanError as the worker's, and what getting the file throws */
  load(options: AskOptions): Promise<LoadedGenerator>;
}

/** Loads a file into a worker; all that it needs is on its way before the worker is up. */
async function loadInto(
  link: WorkerLink,
  request: Omit<LoadRequest, 'part'>,
  getFile: () => Promise<{ readonly file: SentFile; readonly transfer: Transferable[] }>,
  part: Promise<WebAssembly.Module | undefined> | 'worker' | 'none',
  options: AskOptions,
): Promise<LoadedGenerator> {
  const asked = link.ask({ ...request, part: typeof part === 'string' ? part : 'page' }, options);
  if (typeof part !== 'string') part.then((module) => link.send({ part: module }));
  const sent = getFile().then(({ file, transfer }) => link.send({ file }, transfer));
  // Neither has to wait for the other to fail.
  return await Promise.race([asked, sent.then(() => asked)]);
}

/**
 * Starts to talk with a worker.
 *
 * @param start   makes a worker
 * @param request what it is to load
 * @param getFile called for each worker; what it gives may change hands
 */
export function openFallbackLink(
  start: () => Worker,
  request: Omit<LoadRequest, 'part'>,
  getFile: Parameters<typeof loadInto>[2],
): FallbackLink {
  // Where there may be a GPU, the worker asks for it first.
  const isCertain = request.device === 'wasm' || (request.device === 'auto' && !navigator.gpu);
  const part = isCertain ? compilePart() : 'worker';
  let link = openLink(start);
  let again: Promise<LoadedGenerator> | undefined;

  /** Loads into a new worker; everybody who waits for it shares it. */
  const loadWhole = (options: AskOptions): Promise<LoadedGenerator> => {
    if (again) return again;
    link.close();
    link = openLink(start);
    again = loadInto(link, request, getFile, 'none', options);
    return again;
  };

  const ask = async <R extends Request>(wanted: R, options: AskOptions = {}): Promise<Results[R['type']]> => {
    const asked = link;
    try {
      return await asked.ask(wanted, options);
    } catch (error) {
      if (!asked.needsWhole()) throw error;
      options.signal?.throwIfAborted();
      await loadWhole({});
      return await link.ask(wanted, options);
    }
  };

  const load = async (options: AskOptions): Promise<LoadedGenerator> => {
    const first = link;
    try {
      return await loadInto(first, request, getFile, part, options);
    } catch (error) {
      if (!first.needsWhole()) throw error;
      return await loadWhole(options);
    }
  };
  return { ask, load, close: (reason) => link.close(reason) };
}
