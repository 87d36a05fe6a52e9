/**
 * Small trainings for the tests of whole paths: a few real steps, after which biases and moving averages are far from
 * where they began. Everything follows from the recipe.
 */
import { findModel } from '../../models/index.js';
import type { BuildOptions, Gan } from '../../models/types.js';
import { onnxruntimeNode } from '../../runtimes/onnxruntime-node.js';
import { uniform } from '../../src/core/random.js';
import { plainTensor, sizeOf, type TensorMap } from '../../src/core/tensor.js';
import type { Session } from '../../src/core/types.js';
import { averageWeights, type State } from '../../src/train/engines/engine.js';
import { openSessionEngine } from '../../src/train/engines/session-engine.js';
import { initialState } from '../../src/train/initial-state.js';
import type { LossName } from '../../src/train/losses.js';
import { drawNoise } from '../../src/train/noise.js';
import { adam, momentum, type Optimizer } from '../../src/train/optimizers.js';
import { makeStep, type Step, type UpdateOrder } from '../../src/train/step.js';

/** What is trained, and how. */
export interface Recipe {
  readonly model: string;
  readonly build: BuildOptions;
  readonly optimizer?: 'adam' | 'momentum';
  readonly loss?: LossName;
  readonly discriminatorSteps?: number;
  readonly update?: UpdateOrder;
  readonly learningRate: number;
}

/** A recipe made ready. */
export interface SmallTraining {
  readonly gan: Gan;
  readonly step: Step;
  readonly begin: State;
  /** Every input of step number `index`. */
  feedsOf(index: number): TensorMap;
}

const BATCH = 6;
const SEED = 3;

/** A DCGAN of four channels. */
export function dcgan(size: number, channels: 1 | 3): Recipe {
  const build = { imageShape: [size, size, channels], width: 4, latentSize: 10 } as const;
  return { model: 'dcgan', build, learningRate: 0.02 };
}

/** One of every kind of generator, as small as it can be while all its layers work. */
export const RECIPES = {
  'mlp on images': {
    model: 'mlp',
    build: { imageShape: [28, 28, 1], width: 40, latentSize: 10 },
    learningRate: 0.02,
  },
  'mlp on points': {
    model: 'mlp',
    build: { kind: 'points', imageShape: [1, 1, 2], width: 32 },
    learningRate: 0.02,
  },
  'dcgan, 28 grey': dcgan(28, 1),
  'dcgan, 32 RGB': dcgan(32, 3),
} as const satisfies Record<string, Recipe>;

/** Opens ONNX bytes where the tests of exporters and engines run them. */
export function openOnCpu(bytes: Uint8Array): Promise<Session> {
  return onnxruntimeNode.open(bytes, { device: 'cpu', threads: 1 });
}

export function prepareTraining(recipe: Recipe): SmallTraining {
  const { loss = 'non-saturating', discriminatorSteps = 1, update = 'alternating', learningRate } = recipe;
  const optimizer: Optimizer = recipe.optimizer === 'momentum' ? momentum() : adam(0.5, 0.999);
  const gan = findModel(recipe.model).build(recipe.build);
  const step = makeStep(gan, { batch: BATCH, loss, discriminatorSteps, optimizer, update });
  const [low, high] = gan.shape.imageRange;

  const feedsOf = (index: number): TensorMap => {
    const feeds = drawNoise(step.inputs, gan.shape, SEED, index);
    for (const [name, { kind, shape }] of Object.entries(step.inputs)) {
      const count = sizeOf(shape);
      if (kind === 'reals')
        feeds[name] = plainTensor(uniform(SEED, name, index * count, count, low, high), shape);
    }
    const updates = Array.from({ length: discriminatorSteps }, (_, i) => i + 1);
    const number = (value: number) => plainTensor(Float32Array.of(value), []);
    for (const i of updates) {
      const update = index * discriminatorSteps + i;
      feeds[`rate/discriminator_${i}`] = number(optimizer.rate(learningRate, update));
    }
    feeds['rate/generator'] = number(optimizer.rate(learningRate, index + 1));
    feeds.momentum = number(0.5);
    feeds.averageDecay = number(0.5);
    return feeds;
  };
  return { gan, step, begin: initialState(step, SEED) as State, feedsOf };
}

/** Trains with the compiled engine and gives the network and the averaged generator's weights. */
export async function trainSmall(
  recipe: Recipe,
  steps: number,
): Promise<{ gan: Gan; weights: State; state: State }> {
  const { gan, step, begin, feedsOf } = prepareTraining(recipe);
  const engine = await openSessionEngine(gan, step, begin, openOnCpu);
  try {
    for (let i = 0; i < steps; i++) await engine.run([feedsOf(i)]);
    const state = await engine.readState();
    return { gan, weights: averageWeights(state), state };
  } finally {
    await engine.dispose();
  }
}
