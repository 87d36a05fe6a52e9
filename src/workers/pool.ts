/**
 * A pool of threads for the measures' work on distances. Matrices are put into shared memory once, so that a job costs
 * a short message. It knows what a job is, and nothing of what is measured.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Job, JobResult } from '../measure/distance-tasks.js';
import type { Rows } from '../measure/rows.js';
import type { RunJobs } from '../measure/run-jobs.js';

/** Threads that wait for jobs; whoever opened it closes it. */
export interface Pool {
  readonly threads: number;
  readonly run: RunJobs;
  close(): Promise<void>;
}

const PROGRAM = new URL('./worker.js', import.meta.url);

/** Copies of arrays in shared memory, by the array they were made of. */
const shared = new WeakMap<object, Rows['data']>();

function shareArray<A extends Rows['data']>(data: A): A {
  if (data.buffer instanceof SharedArrayBuffer) return data;
  const known = shared.get(data);
  if (known) return known as A;
  const memory = new SharedArrayBuffer(data.byteLength);
  const copy =
    data instanceof Uint8Array
      ? new Uint8Array(memory)
      : data instanceof Float32Array
        ? new Float32Array(memory)
        : new Float64Array(memory);
  copy.set(data);
  shared.set(data, copy);
  return copy as A;
}

function shareJob(job: Job): Job {
  const share = (rows: Rows): Rows => ({ ...rows, data: shareArray(rows.data) });
  const moved = { ...job, queries: share(job.queries), references: share(job.references) };
  return moved.task === 'covered' ? { ...moved, radii: shareArray(moved.radii) } : moved;
}

function doJob(worker: Worker, job: Job): Promise<JobResult> {
  return new Promise((resolve, reject) => {
    const finish = (end: () => void): void => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      end();
    };
    const onMessage = (result: JobResult): void => finish(() => resolve(result));
    const onError = (error: Error): void => finish(() => reject(error));
    const onExit = (code: number): void =>
      finish(() => reject(new Error(`a thread ended with code ${code}`)));
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    worker.postMessage(shareJob(job));
  });
}

/** Starts threads, as many as the machine runs at once unless told otherwise. */
export function openPool(threads = availableParallelism()): Pool {
  const workers = Array.from({ length: threads }, () => new Worker(PROGRAM));
  const run: RunJobs = async (jobs, { signal, onDone } = {}) => {
    const results = new Array<JobResult>(jobs.length);
    let next = 0;
    const workOn = async (worker: Worker): Promise<void> => {
      while (next < jobs.length) {
        signal?.throwIfAborted();
        const at = next++;
        results[at] = await doJob(worker, jobs[at]!);
        onDone?.(jobs[at]!);
      }
    };
    await Promise.all(workers.map(workOn));
    return results;
  };
  return {
    threads,
    run,
    close: async () => void (await Promise.all(workers.map((worker) => worker.terminate()))),
  };
}
