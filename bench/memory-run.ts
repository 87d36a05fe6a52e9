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
import { ENGINES } from './contender.js';
import { dcganOf, prepareWorkload, type Subject } from './workload.js';

const LOOKS = 100;

/** What memory.ts reads from each line. */
export interface Look {
  readonly done: number;
  readonly rssBytes: number;
}

/** Small enough for twenty thousand steps in minutes; a step of theirs makes and frees as many tensors as a large one's. */
const SUBJECTS: Readonly<Record<string, Subject>> = {
  mlp: {
    title: 'MLP of width 32',
    model: 'mlp',
    build: { imageShape: [28, 28, 1], width: 32 },
    batch: 16,
  },
  dcgan: dcganOf(4, 8),
};

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

async function runTraining(engineName: string, subject: Subject, steps: number): Promise<void> {
  const workload = await prepareWorkload(subject);
  const engine = await ENGINES[engineName]!(workload);
  const every = Math.max(1, Math.floor(steps / LOOKS));
  for (let i = 0, looked = 0; i < steps; ) {
    const feeds: TensorMap[] = [];
    for (const end = Math.min(steps, i + engine.stepsPerRun); i < end; i++)
      feeds.push(await workload.makeFeeds(i));
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

const [count = '0', engine, subject = ''] = process.argv.slice(2);
if (engine) await runTraining(engine, SUBJECTS[subject]!, Number(count));
else await runSampling(Number(count));
