/**
 * Dynamic batching: images that several requests wait for go through a model together, in the order in which they
 * came. A request larger than a batch is spread over several. It knows neither HTTP nor seeds.
 */
import { type FloatTensor, plainTensor } from '../core/tensor.js';
import type { Call } from './call.js';
import type { Pace } from './pace.js';

/** Runs a model: latents [n, L] and n classes to images [n, H, W, C]. */
export type RunModel = (latents: FloatTensor, labels?: Int32Array) => Promise<FloatTensor>;

export interface BatcherOptions {
  readonly run: RunModel;
  /** Learns of every run. */
  readonly pace: Pace;
  readonly latentSize: number;
  /** Values of one image. */
  readonly imageSize: number;
  readonly maxBatch: number;
  /** Runs that may be under way at a time. */
  readonly parallel: number;
  /** Is told of every run. */
  readonly onRun?: (rows: number) => void;
}

/** What one request wants. */
export interface BatchRequest {
  /** [n, latentSize] */
  readonly latents: Float32Array;
  readonly labels?: Int32Array | undefined;
  /** Its end drops what still waits; the promise is rejected with its reason. */
  readonly call: Call;
}

export interface Batcher {
  /** @returns the images, n · H · W · C values */
  submit(request: BatchRequest): Promise<Float32Array>;
  /** Images that wait. */
  readonly waiting: number;
  /** Runs under way. */
  readonly running: number;
}

interface Job extends BatchRequest {
  readonly rows: number;
  /** Rows that have gone into a run, and those that came back. */
  taken: number;
  done: number;
  images: Float32Array | undefined;
  resolve(images: Float32Array): void;
  reject(reason: unknown): void;
}

/** Rows of a job that go into one run. */
interface Piece {
  readonly job: Job;
  readonly from: number;
  readonly rows: number;
}

export function createBatcher(options: BatcherOptions): Batcher {
  const { run, pace, latentSize, imageSize, maxBatch, parallel, onRun } = options;
  const queue: Job[] = [];
  let waiting = 0;
  let running = 0;
  /** When the next run begins with what there is then; undefined when none is planned. */
  let due: number | undefined;
  let isShort = false;

  const leave = (job: Job): void => {
    const at = queue.indexOf(job);
    if (at < 0) return;
    queue.splice(at, 1);
    waiting -= job.rows - job.taken;
  };

  /** The next rows of the queue, in order. */
  const take = (most: number): { pieces: Piece[]; rows: number } => {
    const pieces: Piece[] = [];
    let rows = 0;
    while (rows < most && queue.length > 0) {
      const job = queue[0]!;
      const count = Math.min(most - rows, job.rows - job.taken);
      job.call.hasStarted = true;
      pieces.push({ job, from: job.taken, rows: count });
      job.taken += count;
      rows += count;
      if (job.taken === job.rows) queue.shift();
    }
    waiting -= rows;
    return { pieces, rows };
  };

  const hand = ({ job, from, rows }: Piece, images: Float32Array): void => {
    job.done += rows;
    if (rows === job.rows) {
      job.resolve(images);
      return;
    }
    job.images ??= new Float32Array(job.rows * imageSize);
    job.images.set(images, from * imageSize);
    if (job.done === job.rows) job.resolve(job.images);
  };

  const runBatch = async (most: number): Promise<void> => {
    const { pieces, rows } = take(most);
    const begun = performance.now();
    running += 1;
    onRun?.(rows);
    try {
      const latents = new Float32Array(rows * latentSize);
      const labels = pieces[0]!.job.labels && new Int32Array(rows);
      let at = 0;
      for (const { job, from, rows: count } of pieces) {
        latents.set(job.latents.subarray(from * latentSize, (from + count) * latentSize), at * latentSize);
        if (labels && job.labels) labels.set(job.labels.subarray(from, from + count), at);
        at += count;
      }
      const { data } = await run(plainTensor(latents, [rows, latentSize]), labels);
      pace.noteRun(rows, performance.now() - begun);
      at = 0;
      for (const piece of pieces) {
        hand(piece, data.subarray(at * imageSize, (at + piece.rows) * imageSize));
        at += piece.rows;
      }
    } catch (error) {
      for (const { job } of pieces) {
        leave(job);
        job.reject(error);
      }
    } finally {
      running -= 1;
      plan();
    }
  };

  /** Quick runs one after the other are fuller, which pays more than a second thread; others go side by side. */
  const places = (): number => (waiting < maxBatch && pace.isQuick(waiting) ? 1 : parallel) - running;

  const start = (): void => {
    due = undefined;
    if (waiting > 0) pace.noteTide(waiting);
    for (let free = places(); free > 0 && queue.length > 0; free = places()) {
      void runBatch(Math.min(maxBatch, Math.ceil(waiting / free)));
    }
  };

  const check = (): void => {
    if (due === undefined) return;
    const left = due - performance.now();
    if (waiting >= pace.target || left <= 0) start();
    // A timer's grain is a millisecond; only for shorter waits the event loop turns.
    else if (isShort) setImmediate(check);
    else setTimeout(check, left);
  };

  const plan = (): void => {
    if (places() <= 0 || queue.length === 0) return;
    if (waiting >= maxBatch) start();
    else if (due === undefined) {
      const patienceMs = pace.patienceMs(running > 0);
      isShort = patienceMs < 1;
      due = performance.now() + patienceMs;
      // One turn at least: what arrives together is run together.
      setImmediate(check);
    } else if (waiting >= pace.target) setImmediate(check);
  };

  const submit = (request: BatchRequest): Promise<Float32Array> =>
    new Promise((resolve, reject) => {
      const { call, latents, labels } = request;
      if (call.reason) return reject(call.reason);
      const rows = latents.length / latentSize;
      const job: Job = { call, latents, labels, rows, taken: 0, done: 0, images: undefined, resolve, reject };
      call.onEnd = (reason) => {
        leave(job);
        reject(reason);
      };
      queue.push(job);
      waiting += rows;
      plan();
    });

  return {
    submit,
    get waiting() {
      return waiting;
    },
    get running() {
      return running;
    },
  };
}
