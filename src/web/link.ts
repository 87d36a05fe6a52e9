/**
 * The page's side of the line to a worker: numbers requests, hands answers to whoever asked, and ends when the worker
 * does. It knows neither what a generator is nor what the requests mean.
 */
import { expected, GanError } from '../core/errors.js';
import {
  type LoadProgress,
  type Request,
  type Results,
  type ToPage,
  type ToWorker,
  unpackError,
} from './messages.js';

/** What a request comes with. */
export interface AskOptions {
  /** Ends the waiting at once; the worker stops at its next chance. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/** A worker that answers. */
export interface WorkerLink {
  /** @throws GanError the worker's, or `RUNTIME_UNAVAILABLE` when it has ended; the signal's reason */
  ask<R extends Request>(request: R, options?: AskOptions): Promise<Results[R['type']]>;
  /**
   * Ends the worker; what it was doing is lost, and its memory is free.
   *
   * @param reason what those who wait get; that it was disposed when absent
   */
  close(reason?: unknown): void;
  /** Hands over what is no request: the file that a request to load waits for. */
  send(message: ToWorker, transfer?: Transferable[]): void;
}

interface Asked {
  readonly onProgress: AskOptions['onProgress'];
  resolve(result: Results[keyof Results]): void;
  reject(error: unknown): void;
}

const WHERE = 'worker';
const AGAIN = 'Load the generator again.';

function ended(reason: string, cause?: unknown): GanError {
  const message = `Expected a worker that runs, got \`${reason}\`. ${AGAIN}`;
  return new GanError('RUNTIME_UNAVAILABLE', WHERE, message, cause === undefined ? {} : { cause });
}

/** Why a worker that never said a word cannot run, as far as a browser tells. */
const UNSTARTED =
  'a script that does not start: it must lie beside this one, on the page’s own origin, and the ' +
  "Content-Security-Policy must allow worker-src 'self'";

/**
 * Starts to talk with a worker.
 *
 * @param start makes the worker; what it throws becomes `RUNTIME_UNAVAILABLE`
 */
export function openLink(start: () => Worker): WorkerLink {
  const waiting = new Map<number, Asked>();
  let worker: Worker;
  let end: unknown;
  let heard = false;
  let lastId = 0;
  try {
    worker = start();
  } catch (cause) {
    throw ended(cause instanceof Error ? cause.message : String(cause), cause);
  }

  const close = (
    reason: unknown = expected(WHERE, 'a generator that is loaded', 'disposed', AGAIN),
  ): void => {
    if (end !== undefined) return;
    end = reason;
    worker.terminate();
    for (const { reject } of waiting.values()) reject(reason);
    waiting.clear();
  };

  worker.addEventListener('message', ({ data }: MessageEvent<ToPage>) => {
    heard = true;
    const asked = waiting.get(data.id);
    if ('progress' in data) {
      asked?.onProgress?.(data.progress);
      return;
    }
    waiting.delete(data.id);
    if ('result' in data) asked?.resolve(data.result);
    else {
      asked?.reject(unpackError(data.failure));
      if (data.failure.isFatal) close(ended(data.failure.message));
    }
  });
  worker.addEventListener('error', (event) => {
    // The page hears of it through its promises.
    event.preventDefault();
    close(ended(event.message || (heard ? 'an unknown error' : UNSTARTED)));
  });
  worker.addEventListener('messageerror', () => close(ended('an answer that cannot be read')));

  const send = (message: ToWorker, transfer: Transferable[] = []): void =>
    worker.postMessage(message, transfer);

  const ask = async <R extends Request>(
    request: R,
    { signal, onProgress }: AskOptions = {},
  ): Promise<Results[R['type']]> => {
    signal?.throwIfAborted();
    if (end !== undefined) throw end;
    const id = ++lastId;
    const cancel = () => {
      send({ id, cancel: true });
      waiting.get(id)?.reject(signal?.reason);
      waiting.delete(id);
    };
    try {
      const result = await new Promise<Results[keyof Results]>((resolve, reject) => {
        waiting.set(id, { onProgress, resolve, reject });
        send({ id, request });
        signal?.addEventListener('abort', cancel, { once: true });
      });
      return result as Results[R['type']];
    } finally {
      waiting.delete(id);
      signal?.removeEventListener('abort', cancel);
    }
  };
  return { ask, send, close };
}
