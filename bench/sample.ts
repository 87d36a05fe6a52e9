/**
 * What the sampling API costs over a loop around the native session: same file, same batches, same options.
 * The three ways take turns, a few batches at a time.
 */
import { availableParallelism } from 'node:os';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { exportGenerator } from '../exporters/export-generator.js';
import { onnxruntimeNode } from '../runtimes/onnxruntime-node.js';
import type { FloatTensor } from '../src/core/tensor.js';
import type { Session } from '../src/core/types.js';
import { createGenerator, drawLatents } from '../src/sample/index.js';
import { averageWeights } from '../src/train/engines/engine.js';
import { formatNumber, median, type Report } from './report.js';
import { dcganOf, prepareWorkload } from './workload.js';

const BATCH = 64;
const SEED = 5;
/** Images in one turn: short, so that the ways meet the machine in the same mood. */
const PART = 4 * BATCH;

/** The way that the others are compared with: it does the API's work by hand. */
const BARE = 'session.run, latents drawn';

const openSession = (bytes: Uint8Array): Promise<Session> => onnxruntimeNode.open(bytes, { device: 'cpu' });

/** Exports a DCGAN generator with its first weights; speed does not depend on their values. */
async function exportUntrained() {
  const subject = dcganOf(64, BATCH);
  const { gan, begin, close } = await prepareWorkload(subject);
  await close();
  const source = { model: subject.model, gan, weights: averageWeights(begin), imagesSeen: 0, seed: 0 };
  return await exportGenerator({ ...source, dataDigest: '' }, { openSession });
}

/** A native session with the options of our own adapter. */
function openNative(bytes: Uint8Array): Promise<InferenceSession> {
  return InferenceSession.create(bytes, {
    executionProviders: ['cpu'],
    intraOpNumThreads: availableParallelism(),
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
  });
}

/** Draws `count` images (rounded up to whole turns) in each way and compares the medians of the turns. */
export async function benchSample(count: number): Promise<Report> {
  const { bytes, metadata } = await exportUntrained();
  const generator = createGenerator(await openSession(bytes), metadata);
  // A session each, since one that ran just before is warm: it would favour whoever comes second.
  const fed = await openNative(bytes);
  const drawing = await openNative(bytes);
  const rounds = Math.ceil(count / PART);
  const draw = (from: number): FloatTensor => drawLatents(metadata, SEED, from, BATCH);
  const runNative = async (native: InferenceSession, { data, shape }: FloatTensor): Promise<number> => {
    const { images } = await native.run({ latents: new Tensor('float32', data, shape) });
    return (images!.data as Float32Array)[0]!;
  };
  let ready: FloatTensor[] = [];

  /** Each returns a checksum: the sum of every batch's first pixel. */
  const ways: Record<string, (from: number) => Promise<number>> = {
    'session.run, latents ready': async () => {
      let sum = 0;
      for (const latents of ready) sum += await runNative(fed, latents);
      return sum;
    },
    [BARE]: async (from) => {
      let sum = 0;
      for (let at = from; at < from + PART; at += BATCH) sum += await runNative(drawing, draw(at));
      return sum;
    },
    'generator.stream': async (from) => {
      let sum = 0;
      for await (const { images } of generator.stream({ count: PART, seed: SEED, from, batch: BATCH }))
        sum += images.data[0]!;
      return sum;
    },
  };
  const names = Object.keys(ways);
  const times: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  let agree = true;
  try {
    for (let round = -1; round < rounds; round++) {
      const from = Math.max(0, round) * PART;
      ready = Array.from({ length: PART / BATCH }, (_, i) => draw(from + i * BATCH));
      const sums = new Set<number>();
      for (let turn = 0; turn < names.length; turn++) {
        const name = names[(turn + round + 1) % names.length]!; // nobody is always first
        const start = performance.now();
        sums.add(await ways[name]!(from));
        if (round >= 0) times[name]!.push(performance.now() - start); // round -1 warms up
      }
      agree &&= sums.size === 1;
    }
  } finally {
    await fed.release();
    await drawing.release();
    await generator.dispose();
  }
  const bare = times[BARE]!;
  const results = names.map((name) => {
    const own = times[name]!;
    const ms = median(own);
    return {
      way: name,
      msPerTurn: ms,
      imagesPerSecond: (PART / ms) * 1000,
      overBare: ms / median(bare) - 1,
      overBareInPairs: median(own.map((time, i) => time / bare[i]!)) - 1,
    };
  });
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  return {
    title: `Sampling ${PART * rounds} images: DCGAN 28x28 generator, width 64, batch ${BATCH}`,
    head: ['way', `ms for ${PART}`, 'images/s', 'over the bare loop', 'turn by turn'],
    rows: results.map(({ way, msPerTurn, imagesPerSecond, overBare, overBareInPairs }) => [
      way,
      formatNumber(msPerTurn),
      formatNumber(imagesPerSecond),
      percent(overBare),
      percent(overBareInPairs),
    ]),
    notes: [
      `Medians of ${rounds} turns of ${PART} images; the last column is the median of each turn's own ratio.`,
      agree ? 'All three ways gave the same images.' : 'The ways gave different images: something is wrong.',
    ],
    numbers: { results, agree, times },
  };
}
