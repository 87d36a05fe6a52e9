/**
 * The end of a thread that may be within a native library: onnxruntime-node takes the whole process down (`terminate
 * called after throwing an instance of 'Napi::Error'`) when its thread is stopped during a run, be it by `terminate()`
 * or because the process exits. So whoever ends a thread waits for its run first. It knows nothing of what is run.
 */
import type { Worker } from 'node:worker_threads';

/** Memory that a thread and its owner share: whether the thread is to stop, and how many runs it is within. */
export type Brake = Int32Array<SharedArrayBuffer>;

const STOP = 0;
const RUNS = 1;

/** A brake for the thread that makes it. */
export function makeBrake(): Brake {
  return new Int32Array(new SharedArrayBuffer(8));
}

/** Runs `work` unless the thread is to stop; then it never ends, as the thread is about to. */
export async function runBraked<T>(brake: Brake, work: () => Promise<T>): Promise<T> {
  const release = (): void => {
    Atomics.sub(brake, RUNS, 1);
    Atomics.notify(brake, RUNS);
  };
  // The run is counted before STOP is read, and the owner does it the other way round: one of them sees the other.
  Atomics.add(brake, RUNS, 1);
  try {
    if (Atomics.load(brake, STOP) === 0) return await work();
  } finally {
    setImmediate(release); // When the result is on its way.
  }
  return await new Promise<never>(() => {});
}

/** Brakes of the threads that this process has now. */
const pulledAtExit = new Set<Brake>();

function stopAll(): void {
  for (const brake of pulledAtExit) Atomics.store(brake, STOP, 1);
  for (const brake of pulledAtExit) {
    for (let runs = 1; runs > 0; runs = Atomics.load(brake, RUNS)) Atomics.wait(brake, RUNS, runs);
  }
}

/**
 * Makes the end of a thread, by `terminate()` or with the process, wait for its run.
 *
 * @param onStop called when it should get no more to do
 */
export function fitBrake(worker: Worker, brake: Brake, onStop: () => void): void {
  if (pulledAtExit.size === 0) process.on('exit', stopAll);
  pulledAtExit.add(brake);
  worker.once('exit', () => {
    pulledAtExit.delete(brake);
    if (pulledAtExit.size === 0) process.off('exit', stopAll);
  });
  const terminate = worker.terminate.bind(worker);
  const stop = async (): Promise<number> => {
    onStop();
    Atomics.store(brake, STOP, 1);
    for (let runs = 1; runs > 0; runs = Atomics.load(brake, RUNS)) {
      await Atomics.waitAsync(brake, RUNS, runs).value;
    }
    return await terminate();
  };
  let stopping: Promise<number> | undefined;
  worker.terminate = () => {
    stopping ??= stop();
    return stopping;
  };
}
