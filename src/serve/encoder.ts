/**
 * Threads that encode pictures and long JSON, so that the event loop stays free. Tasks that come up together, as those
 * of one batch do, travel together. It knows nothing of models. https://github.com/piscinajs/piscina
 */
import { Piscina } from 'piscina';
import type { Call } from './call.js';
import type { EncodeResult, EncodeTask } from './encode-worker.js';
import { Refusal } from './refusal.js';

export interface Encoder {
  /** @param call its end rejects the promise; work that has begun is finished and dropped */
  encode(task: EncodeTask, call: Call): Promise<Uint8Array>;
  readonly threads: number;
  close(): Promise<void>;
}

interface Pending {
  readonly task: EncodeTask;
  readonly call: Call;
  resolve(bytes: Uint8Array): void;
  reject(reason: unknown): void;
}

/** Starts the threads at once: the first picture shall not wait for one. */
export function createEncoder(threads: number): Encoder {
  const filename = new URL('encode-worker.js', import.meta.url).href;
  const pool = new Piscina({ filename, name: 'encodeAll', minThreads: threads, maxThreads: threads });
  // A thread that ends without a task harms nobody.
  pool.on('error', () => {});
  let pending: Pending[] = [];

  const run = async (list: readonly Pending[]): Promise<EncodeResult[]> =>
    await pool.run(list.map(({ task }) => task));

  const send = async (list: readonly Pending[]): Promise<void> => {
    try {
      // Once more when a thread ended meanwhile, which Piscina replaces.
      const results = await run(list).catch(() => run(list));
      list.forEach(({ resolve, reject }, i) => {
        const result = results[i]!;
        if ('bytes' in result) resolve(result.bytes);
        else reject(new Error(result.error));
      });
    } catch {
      for (const { reject } of list) reject(new Refusal(503, 'The picture was not encoded; ask again.', 1));
    }
  };

  const flush = (): void => {
    const list = pending.filter(({ call }) => !call.reason);
    pending = [];
    const share = Math.ceil(list.length / threads);
    for (let at = 0; at < list.length; at += share) void send(list.slice(at, at + share));
  };

  const encode: Encoder['encode'] = (task, call) =>
    new Promise((resolve, reject) => {
      if (call.reason) return reject(call.reason);
      call.onEnd = reject;
      // After the promises that are settled now: those of the same batch.
      if (pending.length === 0) process.nextTick(flush);
      pending.push({ task, call, resolve, reject });
    });

  return { encode, threads, close: () => pool.close({ force: true }) };
}
