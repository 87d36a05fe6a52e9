/**
 * Work on distances in pieces: how it is cut, and how it is done where nobody offers threads. A pool of threads
 * (src/workers in Node) is handed in as a function of the same form.
 */
import { type Job, type JobResult, runJob } from './distance-tasks.js';

/** What is told and asked while jobs run. */
export interface WorkOptions {
  /** Stops the work between two jobs; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each piece with queries that are done and those of the whole. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Does jobs, in whatever order, and gives the results in order. */
export type RunJobs = (
  jobs: readonly Job[],
  options?: { readonly signal?: AbortSignal | undefined; readonly onDone?: (job: Job) => void },
) => Promise<JobResult[]>;

/** Options of everything that works on distances. */
export interface DistanceOptions extends WorkOptions {
  /** Who does the jobs; this thread when absent. */
  readonly run?: RunJobs | undefined;
}

/** Queries of one job: some tenths of a second for 10,000 images of MNIST. */
const JOB_QUERIES = 256;

/** Does the jobs in this thread, and lets others have their turn in between. */
export const runHere: RunJobs = async (jobs, { signal, onDone } = {}) => {
  const results: JobResult[] = [];
  for (const job of jobs) {
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
    results.push(runJob(job));
    onDone?.(job);
  }
  return results;
};

/** Cuts a job by its queries, does the pieces, and joins what they give. */
export async function runInPieces(
  whole: Job,
  { run = runHere, signal, onProgress }: DistanceOptions,
): Promise<JobResult> {
  const jobs: Job[] = [];
  for (let from = whole.from; from < whole.to; from += JOB_QUERIES) {
    jobs.push({ ...whole, from, to: Math.min(whole.to, from + JOB_QUERIES) });
  }
  let done = 0;
  const onDone = ({ from, to }: Job): void => {
    done += to - from;
    onProgress?.(done, whole.to - whole.from);
  };
  const results = await run(jobs, { signal, onDone });
  const values = new Float64Array(results.reduce((sum, result) => sum + result.values.length, 0));
  const indices = new Int32Array(whole.task === 'nearest' ? values.length : 0);
  let at = 0;
  for (const result of results) {
    values.set(result.values, at);
    if (result.indices) indices.set(result.indices, at);
    at += result.values.length;
  }
  return whole.task === 'nearest' ? { values, indices } : { values };
}
