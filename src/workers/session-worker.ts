/**
 * The program of one thread of {@link file://./sessions.ts}: opens the file that it was started with on one device, and
 * runs it whenever it is told to. Results are moved to the owner, not copied.
 */
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { loadRuntime } from '../../runtimes/index.js';
import type { Session } from '../core/types.js';
import { makeBrake, runBraked } from './brake.js';
import {
  type Hello,
  isolate,
  packError,
  type SessionAnswer,
  type SessionJob,
  type SessionSource,
} from './session-messages.js';

const brake = makeBrake();
parentPort?.postMessage({ threadId, brake } satisfies Hello);

let opening: Promise<Session> | undefined;

async function open(): Promise<Session> {
  const { bytes, runtime, options } = workerData as SessionSource;
  // Libraries do not read from shared memory; the copy is garbage as soon as the file is open.
  return await (await loadRuntime(runtime)).open(new Uint8Array(bytes), options);
}

async function answer({ feeds }: SessionJob): Promise<SessionAnswer> {
  try {
    opening ??= open();
    const session = await opening.catch((error: unknown) => {
      opening = undefined; // Memory that is short now may be there for the next job.
      throw error;
    });
    if (feeds) return { results: isolate(await session.run(feeds)) };
    const { runtime, device, version, engine, inputs, outputs } = session;
    return {
      facts: { runtime, device, version, inputs, outputs, ...(engine === undefined ? {} : { engine }) },
    };
  } catch (error) {
    return { failure: packError(error) };
  }
}

/** Does one job. */
export async function runJob(job: SessionJob): Promise<unknown> {
  const found = await runBraked(brake, () => answer(job));
  const tensors = 'results' in found ? Object.values(found.results) : [];
  const memory = new Set(tensors.map(({ data }) => data.buffer));
  return move({ [transferableSymbol]: [...memory], [valueSymbol]: found });
}
