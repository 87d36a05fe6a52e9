/**
 * The compiled step against the very same step run eagerly, in pure JavaScript and in TensorFlow's C++ library: 25 steps
 * from one seed in engines that share nothing but the model's functions, then every weight, optimizer slot, moving
 * average and EMA weight compared. Without the native library its part is skipped; `GANX_REQUIRE=tensorflow` makes that
 * a failure.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { drawLatents } from '../src/sample/index.js';
import type { State } from '../src/train/engines/engine.js';
import { openSessionEngine } from '../src/train/engines/session-engine.js';
import { openTensorflowEngine, probeTensorflowEngine } from '../src/train/engines/tensorflow-engine.js';
import { openTfjsEngine } from '../src/train/engines/tfjs-engine.js';
import { LOSS_NAMES } from '../src/train/step.js';
import { openOnCpu, prepareTraining, type Recipe } from './support/small-training.js';

tf.enableProdMode();

const STEPS = 25;
/**
 * Largest difference of a tensor relative to its largest value. Each step rounds in another order and the next one
 * starts from there; Adam divides by √v, which magnifies where v is tiny. Measured on x64: 7e-7 for mlp with Adam,
 * 9e-7 for dcgan, 5e-6 for momentum at a rate of 0.05, in both eager engines; 9e-6 for the mlp of the 2014 paper's size.
 * The dcgan is narrow on purpose: with 64 channels a training is chaotic, and a last bit changed in its first weights
 * alone grows to 0.1 in six steps of one and the same engine.
 */
const TOLERANCE = 1e-4;

const native = await probeTensorflowEngine('cpu');
const isRequired = (process.env.GANX_REQUIRE ?? '').split(',').includes('tensorflow');

/** The engines that run the step eagerly, and the title of one that cannot be used here. */
const EAGER = [
  { title: 'tfjs', open: openTfjsEngine, skipped: false },
  {
    title: native.ok ? 'tensorflow' : `tensorflow [cannot be used: ${native.reason}]`,
    open: openTensorflowEngine,
    skipped: !native.ok && !isRequired,
  },
];

const IMAGES = { imageShape: [28, 28, 1], latentSize: 10 } as const;

const RECIPES: Record<string, Recipe> = {
  'mlp with maxout and dropout, Adam': {
    model: 'mlp',
    build: { ...IMAGES, width: 40 },
    learningRate: 2e-4,
  },
  'mlp, momentum, minimax loss, two steps of D': {
    model: 'mlp',
    build: { ...IMAGES, width: 40 },
    optimizer: 'momentum',
    loss: 'minimax',
    discriminatorSteps: 2,
    learningRate: 0.05,
  },
  'dcgan with BatchNorm, Adam': {
    model: 'dcgan',
    build: { ...IMAGES, width: 4 },
    learningRate: 2e-4,
  },
};

/** max |a − b| / max |b|; NaN, and so below no bound, where either holds one. */
function relativeDifference(a: Float32Array, b: Float32Array): number {
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const gap = b.reduce((most, value, i) => Math.max(most, Math.abs(value - a[i]!)), 0);
  return gap === 0 ? 0 : gap / largest;
}

async function trainTwice(
  recipe: Recipe,
  openEager: typeof openTfjsEngine,
  changed?: (begin: State) => State,
) {
  const { gan, step, begin, feedsOf } = prepareTraining(recipe);
  const compiled = await openSessionEngine(gan, step, changed?.(begin) ?? begin, openOnCpu);
  const eager = await openEager(gan, step, begin, 'cpu');
  try {
    const feeds = Array.from({ length: STEPS }, (_, i) => feedsOf(i));
    const reference = await eager.run(feeds);
    // A run of one step, then runs of several: the state has to come through both.
    const ours = await compiled.run(feeds.slice(0, 1));
    for (let i = 1; i < STEPS; i += 6) ours.push(...(await compiled.run(feeds.slice(i, i + 6))));
    const losses = reference.map((loss, i) => ({ compiled: ours[i]!, eager: loss }));
    const latents = drawLatents(gan.shape, 0, 0, 5);
    const images = { compiled: await compiled.draw(latents), eager: await eager.draw(latents) };
    return { begin, losses, images, compiled: await compiled.readState(), eager: await eager.readState() };
  } finally {
    await compiled.dispose();
    await eager.dispose();
  }
}

describe.each(Object.entries(RECIPES))('%s', (_, recipe) => {
  describe.each(EAGER)('$title', ({ open, skipped }) => {
    it.skipIf(skipped)('trains alike, compiled and eager', async () => {
      const { begin, losses, images, compiled, eager } = await trainTwice(recipe, open);
      for (const pair of losses)
        for (const name of LOSS_NAMES) {
          expect(Number.isFinite(pair.eager[name])).toBe(true);
          expect(Math.abs(pair.compiled[name] - pair.eager[name])).toBeLessThan(TOLERANCE);
        }
      expect(Object.keys(compiled).sort()).toEqual(Object.keys(begin).sort());
      expect(Object.keys(eager).sort()).toEqual(Object.keys(begin).sort());
      for (const [name, { shape, data }] of Object.entries(eager)) {
        expect(compiled[name]!.shape, name).toEqual(shape);
        const difference = relativeDifference(compiled[name]!.data, data);
        expect(difference, name).toBeLessThanOrEqual(TOLERANCE);
        expect(relativeDifference(begin[name]!.data, data), `${name} has moved`).toBeGreaterThan(
          10 * TOLERANCE,
        );
      }
      // Previews come from the averaged generator of either engine.
      expect(relativeDifference(images.compiled.data, images.eager.data)).toBeLessThanOrEqual(TOLERANCE);
      expect(images.compiled.shape).toEqual([5, 28, 28, 1]);
    });
  });
});

it('notices a state that began one part in a thousand off', async () => {
  const name = 'generator/dense_2/kernel';
  const nudge = (begin: State): State => {
    const weight = begin[name]!;
    return { ...begin, [name]: { ...weight, data: weight.data.map((value) => value * 1.001) } };
  };
  const { compiled, eager } = await trainTwice(
    RECIPES['mlp with maxout and dropout, Adam']!,
    openTfjsEngine,
    nudge,
  );
  expect(relativeDifference(compiled[name]!.data, eager[name]!.data)).toBeGreaterThan(TOLERANCE);
});
