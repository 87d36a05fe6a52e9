/**
 * How many images a second a device draws from a file at several batch sizes: latents on the host to images on the host,
 * one run after the other, as a server would. It does not choose the devices.
 */
import { openModel } from '../../runtimes/onnxruntime-node.js';
import { normal } from '../../src/core/random.js';
import { plainTensor } from '../../src/core/tensor.js';
import { median } from '../report.js';

const SEED = 1;
/** Runs before the first turn: kernels are compiled, and memory is found. */
const WARMING_RUNS = 3;
/** Each turn lasts about this long. */
const TURN_MS = 400;
/** A run that takes longer is measured once, and larger batches are left out: a driver in software would take minutes. */
const SLOW_RUN_MS = 5000;

/** The speed at one batch size, in images a second. */
export interface Rate {
  readonly batch: number;
  /** Of the median turn. */
  readonly imagesPerSecond: number;
  /** Of the best turn. */
  readonly most: number;
}

/** Milliseconds of one call. */
async function time(call: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await call();
  return performance.now() - start;
}

/** Milliseconds per run of each turn. */
async function takeTurns(run: () => Promise<unknown>, turns: number): Promise<number[]> {
  const first = await time(run);
  if (first > SLOW_RUN_MS) return [await time(run)];
  let least = first;
  for (let i = 1; i < WARMING_RUNS; i++) least = Math.min(least, await time(run));
  const runs = Math.max(1, Math.round(TURN_MS / least));
  const times: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const wallMs = await time(async () => {
      for (let i = 0; i < runs; i++) await run();
    });
    times.push(wallMs / runs);
  }
  return times;
}

/**
 * Measures one file on one device of onnxruntime-node.
 *
 * @param path    a generator.onnx with the one input `latents` [batch, L]
 * @param batches in rising order; those behind a slow one are left out
 * @param turns   how often each is measured
 * @throws GanError `RUNTIME_UNAVAILABLE` where the device cannot run the file
 */
export async function measureThroughput(
  path: string,
  device: string,
  batches: readonly number[],
  turns: number,
): Promise<Rate[]> {
  const session = await openModel(path, { device });
  const size = Number(session.inputs[0]!.shape[1]);
  const rates: Rate[] = [];
  try {
    for (const batch of batches) {
      const latents = plainTensor(normal(SEED, 'latents', 0, batch * size), [batch, size]);
      const times = await takeTurns(() => session.run({ latents }), turns);
      const perSecond = (ms: number): number => (batch / ms) * 1000;
      rates.push({
        batch,
        imagesPerSecond: perSecond(median(times)),
        most: perSecond(Math.min(...times)),
      });
      if (Math.min(...times) > SLOW_RUN_MS) break;
    }
  } finally {
    await session.dispose();
  }
  return rates;
}
