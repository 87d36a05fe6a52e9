/**
 * A program: draws batches of one size from a file for some seconds, nothing else, and prints how fast.
 * Several at once show what several sessions reach together.
 */
import { loadGenerator } from '../../src/load-generator.js';
import { drawLatents } from '../../src/sample/index.js';
import { readOptions } from './run-program.js';

export interface OfflineOptions {
  readonly file: string;
  readonly threads: number;
  readonly batch: number;
  readonly seconds: number;
}

export interface OfflineResult {
  readonly perSecond: number;
  /** Of all threads together. */
  readonly cpuMsPerImage: number;
}

const WARMING_RUNS = 5;

async function draw({ file, threads, batch, seconds }: OfflineOptions): Promise<OfflineResult> {
  const generator = await loadGenerator(file, { device: 'cpu', threads });
  // Ready beforehand: what is measured is the model alone, which is the most that a server could reach.
  const latents = drawLatents(generator.metadata, 1, 0, batch);
  for (let i = 0; i < WARMING_RUNS; i++) await generator.run(latents);
  const cpu = process.cpuUsage();
  const start = performance.now();
  let images = 0;
  while (performance.now() - start < seconds * 1000) {
    await generator.run(latents);
    images += batch;
  }
  const perSecond = (images / (performance.now() - start)) * 1000;
  const { user, system } = process.cpuUsage(cpu);
  await generator.dispose();
  return { perSecond, cpuMsPerImage: (user + system) / 1000 / images };
}

process.stdout.write(JSON.stringify(await draw(readOptions<OfflineOptions>())));
