/**
 * Memory must not grow: real steps and real samples, and after each part of them the garbage collected and what is
 * left weighed. JavaScript's heap and the buffers outside it are counted, and for eager steps every tfjs tensor.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import type { TensorMap } from '../src/core/tensor.js';
import { createGenerator } from '../src/sample/index.js';
import type { Engine } from '../src/train/engines/engine.js';
import { openSessionEngine } from '../src/train/engines/session-engine.js';
import { openTensorflowEngine, probeTensorflowEngine } from '../src/train/engines/tensorflow-engine.js';
import { openTfjsEngine } from '../src/train/engines/tfjs-engine.js';
import { encodeSmallGenerator } from './support/small-generator.js';
import { openOnCpu, prepareTraining, type SmallTraining } from './support/small-training.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const DCGAN = {
  model: 'dcgan',
  build: { imageShape: [28, 28, 1], latentSize: 10, width: 4 },
  learningRate: 2e-4,
} as const;

/** Looks at a run. What follows is compared with the third, when caches and compiled code have settled. */
const LOOKS = 10;
const SETTLED = 2;
/**
 * Compiled code, inline caches and the test runner's own lists move the heap; measured on Node 20, x64: below 0.25 MB.
 * What must not pass: keeping each sample (7 MB after settling) or the state of each step (18 MB compiled, 7 MB eager),
 * against a bound of 3.6 MB, since some 31 MB lie in memory anyway.
 */
const SLACK_BYTES = 2e6;
const MOST_GROWTH = 0.05;

async function weigh(): Promise<number> {
  // Native results are let go by finalizers, which run after a collection, in a later turn of the event loop.
  for (let i = 0; i < 2; i++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage(); // external holds the array buffers too
  return heapUsed + external;
}

/** Runs `part` ten times and gives what lay in memory after each. */
async function weighParts(part: (index: number) => Promise<void>): Promise<number[]> {
  const weights: number[] = [];
  for (let i = 0; i < LOOKS; i++) {
    await part(i);
    weights.push(await weigh());
  }
  return weights;
}

function expectFlat(weights: readonly number[]): void {
  const settled = weights[SETTLED]!;
  expect(weights.at(-1)! - settled, `bytes: ${weights.join(' ')}`).toBeLessThan(
    MOST_GROWTH * settled + SLACK_BYTES,
  );
}

async function takeSteps(engine: Engine, { feedsOf }: SmallTraining, from: number, count: number) {
  for (let i = from; i < from + count; ) {
    const feeds: TensorMap[] = [];
    for (const end = Math.min(from + count, i + engine.stepsPerRun); i < end; i++) feeds.push(feedsOf(i));
    for (const { lossD } of await engine.run(feeds)) expect(Number.isFinite(lossD)).toBe(true);
  }
}

it('stays flat over 300 steps of the compiled engine', async () => {
  const training = prepareTraining(DCGAN);
  const engine = await openSessionEngine(training.gan, training.step, training.begin, openOnCpu);
  try {
    expectFlat(await weighParts((part) => takeSteps(engine, training, part * 30, 30)));
  } finally {
    await engine.dispose();
  }
});

const native = await probeTensorflowEngine('cpu');
const isRequired = (process.env.GANX_REQUIRE ?? '').split(',').includes('tensorflow');

it.for([
  { name: 'tfjs', open: openTfjsEngine, reason: '' },
  { name: 'tensorflow', open: openTensorflowEngine, reason: native.ok || isRequired ? '' : native.reason },
])(
  'stays flat over 200 steps of the engine $name and leaves no tensor behind',
  async ({ open, reason }, { skip }) => {
    if (reason) skip(reason);
    const training = prepareTraining({
      model: 'mlp',
      build: { imageShape: [8, 8, 1], latentSize: 10, width: 20 },
      learningRate: 2e-4,
    });
    const before = tf.memory().numTensors;
    const engine = await open(training.gan, training.step, training.begin, 'cpu');
    const tensors: number[] = [];
    const buffers: number[] = [];
    try {
      const weights = await weighParts(async (part) => {
        await takeSteps(engine, training, part * 20, 20);
        tensors.push(tf.memory().numTensors);
        buffers.push(tf.backend().numDataIds());
      });
      expectFlat(weights);
    } finally {
      await engine.dispose();
    }
    expect(new Set(tensors).size, `tensors: ${tensors.join(' ')}`).toBe(1);
    // What lies in TensorFlow's own memory, which no JavaScript heap shows.
    expect(new Set(buffers).size, `buffers: ${buffers.join(' ')}`).toBe(1);
    expect(tensors[0]! - before).toBe(Object.keys(training.step.state).length);
    expect(tf.memory().numTensors).toBe(before);
  },
);

it('stays flat over 20,000 samples', async () => {
  const session = await openOnCpu(encodeSmallGenerator(1));
  const generator = createGenerator(session, {
    kind: 'images',
    model: 'small',
    layout: 'nhwc',
    latentSize: 6,
    latentDistribution: 'normal',
    imageShape: [8, 8, 2],
    imageRange: [-1, 1],
    imagesSeen: 0,
    seed: 0,
    dataDigest: '',
    golden: { seed: 0, index: 0, sha256: '', pixels: [] },
  });
  try {
    let seen = 0;
    const weights = await weighParts(async (part) => {
      for await (const { images } of generator.stream({ count: 2000, from: part * 2000 }))
        seen += images.shape[0]!;
    });
    expect(seen).toBe(20_000);
    expectFlat(weights);
  } finally {
    await generator.dispose();
  }
});

it('notices an array that keeps what it should let go', async () => {
  const kept: Float32Array[] = [];
  const weights = await weighParts(async () => {
    kept.push(new Float32Array(250_000));
  });
  expect(kept).toHaveLength(LOOKS);
  expect(() => expectFlat(weights)).toThrow(/bytes/);
});
