/**
 * A session that is many: the same file open in several threads, so that a native library's `run`, which holds its
 * thread, never holds the caller's, and as many runs go at once as there are threads. It knows no generator.
 *
 * Piscina starts, replaces and ends the threads. Its own queue and signals are not used: aborting one of its tasks ends
 * the thread that works on it, and the file would have to be opened again. https://github.com/piscinajs/piscina
 */
import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { checkRun } from '../../runtimes/contract.js';
import { expected, GanError, messageOf } from '../core/errors.js';
import type { TensorMap } from '../core/tensor.js';
import type { OpenOptions, Session } from '../core/types.js';
import { fitBrake } from './brake.js';
import { type Line, makeLine } from './line.js';
import {
  type Hello,
  isolate,
  type SessionAnswer,
  type SessionFacts,
  type SessionJob,
  type SessionSource,
  unpackError,
} from './session-messages.js';

const PROGRAM = new URL('./session-worker.js', import.meta.url);
const WHERE = 'workers';

/** The most that makes sense of threads that each hold a file. */
const MOST_WORKERS = 1024;

function endedError(reason: string): GanError {
  const remedy = 'See whether memory is short, and try again.';
  return new GanError(
    'RUNTIME_UNAVAILABLE',
    WHERE,
    `Expected a worker to answer, got \`${reason}\`. ${remedy}`,
  );
}

function closedError(): GanError {
  return expected(WHERE, 'an open session', 'disposed', 'Open the model again.');
}

/** The result of `work`, or the signal's reason as soon as it is aborted; the work then goes on unseen. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await work;
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Threads that answer jobs; each holds the same file. */
class Threads {
  replaced = 0;
  readonly line: Line;
  private readonly pool: Piscina;
  /** Ends of the jobs that threads work on. */
  private readonly underWay = new Set<(error: Error) => void>();
  /** Threads that end after their run. */
  private readonly stopping = new Set<number>();
  /** Threads that died one after the other while none answered. */
  private deaths = 0;
  private closing: Promise<void> | undefined;

  constructor(
    source: SessionSource,
    readonly count: number,
  ) {
    this.line = makeLine(count);
    this.pool = new Piscina({
      filename: PROGRAM.href,
      name: 'runJob',
      minThreads: count,
      maxThreads: count,
      idleTimeout: Number.POSITIVE_INFINITY,
      loadBalancer: (_, workers) =>
        workers.find(({ id, currentUsage }) => currentUsage === 0 && !this.stopping.has(id)) ?? null,
      // Threads must stay open to what a runtime does between two runs.
      atomics: 'disabled',
      workerData: source,
    });
    // A thread that dies without a job harms nobody.
    this.pool.on('error', () => {});
    this.pool.on('message', ({ threadId, brake }: Hello) => {
      const worker = this.pool.threads.find((thread) => thread.threadId === threadId);
      if (worker) fitBrake(worker, brake, () => void this.stopping.add(threadId));
      worker?.once('exit', () => void this.stopping.delete(threadId));
    });
    this.pool.on('workerDestroy', () => this.onDeath());
  }

  private onDeath(): void {
    if (this.closing) return;
    this.replaced++;
    this.deaths++;
    if (this.deaths > 2 * this.count + 2) {
      this.deaths = 0;
      for (const fail of this.underWay) fail(endedError(`${2 * this.count + 2} of them ended`));
      return;
    }
    // After a thread has died while it started, Piscina waits for a job before it starts another one.
    queueMicrotask(() => {
      if (!this.closing && this.pool.threads.length < this.count) void this.pool.run({}).catch(() => {});
    });
  }

  /** @throws whatever ended the thread */
  private async post(job: SessionJob): Promise<SessionAnswer> {
    let fail: (error: Error) => void = () => {};
    const failed = new Promise<never>((_, reject) => {
      fail = reject;
    });
    this.underWay.add(fail);
    try {
      const found = (await Promise.race([this.pool.run(job), failed])) as SessionAnswer;
      this.deaths = 0;
      return found;
    } finally {
      this.underWay.delete(fail);
    }
  }

  /** Does a job in whichever thread is free; once more in another one when a thread dies of it. */
  async answer(job: SessionJob): Promise<SessionAnswer> {
    try {
      return await this.post(job);
    } catch (error) {
      if (this.closing) throw closedError();
      if (error instanceof GanError) throw error;
    }
    return await this.post(job).catch((error: unknown) => {
      throw this.closing ? closedError() : error instanceof GanError ? error : endedError(messageOf(error));
    });
  }

  close(): Promise<void> {
    this.closing ??= (async () => {
      this.line.close(closedError());
      await this.line.empty();
      await this.pool.destroy();
    })();
    return this.closing;
  }
}

async function openAll(threads: Threads): Promise<SessionFacts> {
  // All at once: one goes to each of the threads, which have nothing else to do yet.
  const opened = await Promise.allSettled(Array.from({ length: threads.count }, () => threads.answer({})));
  const [first] = opened.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    if ('failure' in one.value) throw unpackError(one.value.failure);
    return one.value;
  });
  if (first && 'facts' in first) return first.facts;
  throw endedError('no session');
}

/**
 * Opens a file in several threads, each with a session of its own, as one session that runs as many jobs at once; the
 * caller disposes it. A thread that dies is replaced, and its run done again once.
 *
 * @param bytes   the file; copied once into memory that all threads share
 * @param options `threads` of each session; when absent the cores are divided among the workers
 * @param workers 1 to 1024
 * @throws GanError `BAD_ARGUMENT` for another number of workers, and as the runtime's `open`
 */
export async function openSessions(
  bytes: Uint8Array,
  runtime: string,
  options: OpenOptions,
  workers: number,
): Promise<Session> {
  if (!Number.isSafeInteger(workers) || workers < 1 || workers > MOST_WORKERS) {
    throw expected(WHERE, `workers as a whole number from 1 to ${MOST_WORKERS}`, String(workers));
  }
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  const each = options.threads ?? Math.max(1, Math.floor(availableParallelism() / workers));
  const threads = new Threads({ bytes: shared, runtime, options: { ...options, threads: each } }, workers);
  let facts: SessionFacts;
  try {
    facts = await openAll(threads);
  } catch (error) {
    await threads.close();
    throw error;
  }

  const run = async (feeds: TensorMap, into: TensorMap = {}, signal?: AbortSignal): Promise<TensorMap> => {
    checkRun(facts.runtime, facts.inputs, facts.outputs, feeds, into);
    await threads.line.enter(signal);
    if (signal?.aborted) {
      threads.line.leave();
      throw signal.reason;
    }
    const answered = threads.answer({ feeds: isolate(feeds) }).finally(() => threads.line.leave());
    const found = await untilAborted(answered, signal);
    if ('failure' in found) throw unpackError(found.failure);
    if (!('results' in found)) throw endedError('no results');
    const { results } = found;
    for (const [name, place] of Object.entries(into)) {
      const result = results[name];
      if (result?.shape.join() !== place.shape.join() || result.dtype !== place.dtype) {
        throw expected(
          WHERE,
          `a place for \`${name}\` of ${result?.dtype} [${result?.shape.join(', ')}]`,
          place.shape,
        );
      }
      place.data.set(result.data);
      results[name] = place;
    }
    return results;
  };
  return {
    ...facts,
    run,
    workers: () => ({
      workers,
      threads: each,
      busy: threads.line.busy,
      queued: threads.line.waiting,
      replaced: threads.replaced,
    }),
    dispose: () => threads.close(),
  };
}
