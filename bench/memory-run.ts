/**
 * One long run in a process of its own, which tells its resident memory a hundred times on the way as JSON lines.
 * Started by memory.ts with --expose-gc: garbage is collected before each look, so that only what stays is seen.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { exportGenerator } from '../exporters/export-generator.js';
import { onnxruntimeNode } from '../runtimes/onnxruntime-node.js';
import { GanError } from '../src/core/errors.js';
import type { TensorMap } from '../src/core/tensor.js';
import { createGenerator } from '../src/sample/index.js';
import { averageWeights } from '../src/train/engines/engine.js';
import { openSessionEngine } from '../src/train/engines/session-engine.js';
import { dcganOf, MLP, prepareWorkload, type Subject } from './workload.js';

const LOOKS = 100;

/** What memory.ts reads from each line. */
export interface Look {
  readonly done: number;
  readonly rssBytes: number;
}

const openSession = (bytes: Uint8Array) => onnxruntimeNode.open(bytes, { device: 'cpu' });

async function look(done: number): Promise<void> {
  const collect = globalThis.gc;
  if (!collect) throw new GanError('BAD_ARGUMENT', 'bench', 'Expected node --expose-gc, got `no gc`.');
  // Buffers of native libraries are given back by finalizers, which run in a later turn than the collection.
  for (let i = 0; i < 3; i++) {
    collect();
    await nextTurn();
  }
  const line: Look = { done, rssBytes: process.memoryUsage.rss() };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function runTraining(subject: Subject, steps: number): Promise<void> {
  const { gan, step, begin, makeFeeds } = await prepareWorkload(subject);
  const engine = await openSessionEngine(gan, step, begin, openSession);
  const every = Math.max(1, Math.floor(steps / LOOKS));
  for (let i = 0, looked = 0; i < steps; ) {
    const feeds: TensorMap[] = [];
    for (const end = Math.min(steps, i + engine.stepsPerRun); i < end; i++) feeds.push(await makeFeeds(i));
    await engine.run(feeds);
    if (i - looked >= every || i === steps) {
      await look(i);
      looked = i;
    }
  }
  await engine.dispose();
}

async function runSampling(count: number): Promise<void> {
  const { gan, begin } = await prepareWorkload(dcganOf(16));
  const source = { model: 'dcgan', gan, weights: averageWeights(begin), imagesSeen: 0, seed: 0 };
  const { bytes, metadata } = await exportGenerator({ ...source, dataDigest: '' }, { openSession });
  const generator = createGenerator(await openSession(bytes), metadata);
  const every = Math.max(1, Math.floor(count / LOOKS));
  let seen = 0;
  for await (const { images } of generator.stream({ count, seed: 1, batch: 50 })) {
    const before = seen;
    seen += images.shape[0]!;
    if (Math.floor(seen / every) > Math.floor(before / every)) await look(seen);
  }
  await generator.dispose();
}

const RUNS: Readonly<Record<string, (count: number) => Promise<void>>> = {
  mlp: (count) => runTraining(MLP, count),
  dcgan: (count) => runTraining(dcganOf(16), count),
  sample: runSampling,
};

const [name = '', count = '0'] = process.argv.slice(2);
await RUNS[name]!(Number(count));
