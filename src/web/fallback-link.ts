/**
 * A line to a worker that begins with the part of ONNX Runtime that generators use, and goes on with the whole where
 * that part does not do: another worker loads the same file anew, and whatever was asked is asked again. Whoever asks
 * does not notice, except by the time. An error is only ever told by the whole. It does not know what is drawn.
 */
import { type AskOptions, openLink, type WorkerLink } from './link.js';
import type { LoadedGenerator, LoadRequest, Request, Results } from './messages.js';

/** A line that can be loaded once, and then asked. */
export interface FallbackLink extends Pick<WorkerLink, 'ask' | 'close'> {
  /** @throws GanError as the worker's; `RUNTIME_UNAVAILABLE` when there is none */
  load(options: AskOptions): Promise<LoadedGenerator>;
}

/**
 * Starts to talk with a worker.
 *
 * @param start makes a worker
 * @param load  what it is to load
 */
export function openFallbackLink(start: () => Worker, load: Omit<LoadRequest, 'whole'>): FallbackLink {
  let link = openLink(start);
  let again: Promise<LoadedGenerator> | undefined;

  /** Loads into a new worker; everybody who waits for it shares it. */
  const loadWhole = (options: AskOptions): Promise<LoadedGenerator> => {
    if (again) return again;
    link.close();
    link = openLink(start);
    again = link.ask({ ...load, whole: true }, options);
    return again;
  };

  const ask = async <R extends Request>(
    request: R,
    options: AskOptions = {},
  ): Promise<Results[R['type']]> => {
    const asked = link;
    try {
      return await asked.ask(request, options);
    } catch (error) {
      if (!asked.needsWhole()) throw error;
      options.signal?.throwIfAborted();
      await loadWhole({});
      return await link.ask(request, options);
    }
  };

  return {
    ask,
    load: async (options) => {
      const asked = link;
      try {
        return await asked.ask({ ...load, whole: false }, options);
      } catch (error) {
        if (!asked.needsWhole()) throw error;
        return await loadWhole(options);
      }
    },
    close: (reason) => link.close(reason),
  };
}
