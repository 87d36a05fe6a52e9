/**
 * One step of Algorithm 1 (arXiv:1406.2661) as a pure function: (state, inputs) -> (state, losses), in tfjs ops.
 * The same function runs eagerly and is traced to ONNX. Whatever is random is an input.
 */
import '#gradients';
import * as tf from '@tensorflow/tfjs-core';
import type { Call, Gan, Network, WeightSpec } from '../../models/types.js';
import { expected } from '../core/errors.js';
import { discriminatorLoss, generatorLoss, type LossName } from './losses.js';
import type { Optimizer } from './optimizers.js';
import { descend, type Tensors, under } from './update.js';

/** How an input of a step is made. */
export type InputSpec =
  | { readonly kind: 'reals' | 'latents' | 'noise' | 'number'; readonly shape: readonly number[] }
  | { readonly kind: 'coins'; readonly shape: readonly number[]; readonly keep: number };

/** One tensor of the state: a weight, its average, or an optimizer's slot (which begins at 0). */
export interface StateSpec {
  readonly shape: readonly number[];
  readonly weight?: WeightSpec;
  /** For averages: they begin as this weight. */
  readonly copyOf?: string;
}

/** What a step reports, each a mean over the batch. */
export const LOSS_NAMES = ['lossD', 'lossG', 'dReal', 'dFake'] as const;
export type Losses = Record<(typeof LOSS_NAMES)[number], number>;

/** A training step: what it keeps, what it needs, and the function. */
export interface Step {
  readonly batch: number;
  readonly state: Readonly<Record<string, StateSpec>>;
  readonly inputs: Readonly<Record<string, InputSpec>>;
  run(state: Readonly<Tensors>, inputs: Readonly<Tensors>): { state: Tensors; losses: Tensors };
}

/** Choices that change the step's function, and not only its numbers. */
export interface StepOptions {
  readonly batch: number;
  readonly loss: LossName;
  /** k of Algorithm 1. */
  readonly discriminatorSteps: number;
  readonly optimizer: Optimizer;
  readonly update: UpdateOrder;
}

/**
 * `alternating`: Algorithm 1, D descends k times and then G, each at fresh noise. `simultaneous`: both descend once,
 * from the same noise, coins and old weights, as the authors' code of 2014 does.
 */
export type UpdateOrder = 'alternating' | 'simultaneous';

function listState({ generator, discriminator }: Gan, optimizer: Optimizer): Record<string, StateSpec> {
  const state: Record<string, StateSpec> = {};
  for (const network of [generator, discriminator]) {
    for (const weight of network.weights) {
      const name = `${network.name}/${weight.name}`;
      state[name] = { shape: weight.shape, weight };
      if (network === generator) state[`ema/${name}`] = { shape: weight.shape, copyOf: name };
      if (!weight.trainable) continue;
      for (const slot of optimizer.slots)
        state[`${optimizer.name}/${slot}/${name}`] = { shape: weight.shape };
    }
  }
  return state;
}

function listInputs(gan: Gan, options: StepOptions): Record<string, InputSpec> {
  const { shape, generator, discriminator } = gan;
  const { batch, discriminatorSteps, update } = options;
  const inputs: Record<string, InputSpec> = {};
  const addCoins = (network: Network, use: string): void => {
    for (const coin of network.coins) {
      inputs[`coins/${use}/${coin.name}`] = { kind: 'coins', shape: [batch, ...coin.shape], keep: coin.keep };
    }
  };
  const addJudged = (use: string): void => {
    addCoins(discriminator, use);
    if (gan.instanceNoise) inputs[`noise/${use}`] = { kind: 'noise', shape: [batch, ...shape.imageShape] };
  };
  for (let i = 1; i <= discriminatorSteps; i++) {
    inputs[`reals/${i}`] = { kind: 'reals', shape: [batch, ...shape.imageShape] };
    addJudged(`discriminator_${i}/real`);
    // At once, D judges what G makes for its own descent, under the same coins.
    if (update === 'simultaneous') continue;
    inputs[`latents/discriminator_${i}`] = { kind: 'latents', shape: [batch, shape.latentSize] };
    addCoins(generator, `discriminator_${i}/generator`);
    addJudged(`discriminator_${i}/fake`);
  }
  inputs['latents/generator'] = { kind: 'latents', shape: [batch, shape.latentSize] };
  addCoins(generator, 'generator/generator');
  addJudged('generator/fake');
  const rates = Array.from({ length: discriminatorSteps }, (_, i) => `rate/discriminator_${i + 1}`);
  for (const name of [...rates, 'rate/generator', 'momentum', 'averageDecay'])
    inputs[name] = { kind: 'number', shape: [] };
  return inputs;
}

/** Evaluates a network in training; new moving averages stay in `updates`. */
function callInTraining(
  network: Network,
  weights: Tensors,
  coins: Tensors,
  updates: Tensors,
  x: tf.Tensor,
): tf.Tensor {
  const call: Call = { training: true, weights, coins, updates };
  return network.apply(x, call);
}

/** Images with the instance noise that D sees them through, where the model asks for it. */
function blur(gan: Gan, which: 'real' | 'fake', images: tf.Tensor, noise: tf.Tensor | undefined): tf.Tensor {
  return gan.instanceNoise && noise ? tf.add(images, tf.mul(noise, gan.instanceNoise[which])) : images;
}

/** Logits of two batches by one call on both, which reads every weight once; for networks that see each example alone. */
function judgeTogether(
  discriminator: Network,
  weights: Tensors,
  coins: readonly [Tensors, Tensors],
  batches: readonly [tf.Tensor, tf.Tensor],
): [tf.Tensor, tf.Tensor] {
  // As numbers, since ONNX Runtime joins truth values on no GPU through WebGPU: they would go to the CPU and back.
  const joined = (name: string): tf.Tensor =>
    tf.concat([coins[0], coins[1]].map((batch) => tf.cast(batch[name]!, 'float32')));
  const both = Object.fromEntries(Object.keys(coins[0]).map((name) => [name, joined(name)]));
  const logits = callInTraining(discriminator, weights, both, {}, tf.concat([...batches]));
  return tf.split(logits, 2) as [tf.Tensor, tf.Tensor];
}

/**
 * Builds the step of Algorithm 1: k times {fresh z, real data, D descends}, then fresh z and G descends; or both at once.
 *
 * @throws GanError `BAD_ARGUMENT` for more than one step of D at once with one of G
 */
export function makeStep(gan: Gan, options: StepOptions): Step {
  const { generator, discriminator } = gan;
  const { optimizer, discriminatorSteps, loss } = options;
  const isSimultaneous = options.update === 'simultaneous';
  if (isSimultaneous && discriminatorSteps !== 1) {
    throw expected('train', 'one discriminator step for simultaneous updates', discriminatorSteps);
  }

  const run: Step['run'] = (before, inputs) => {
    const state: Tensors = { ...before };
    const losses: Tensors = {};
    const discarded: Tensors[] = [];
    const keepUpdates = (network: Network, updates: Tensors): void => {
      for (const [name, tensor] of Object.entries(updates)) state[`${network.name}/${name}`] = tensor;
    };
    const discard = (): Tensors => {
      const updates: Tensors = {};
      discarded.push(updates);
      return updates;
    };

    for (let i = 1; i <= discriminatorSteps; i++) {
      const use = `discriminator_${i}`;
      const rates = { rate: inputs[`rate/${use}`]!, momentum: inputs.momentum! };
      const averages: Tensors = {};
      const fakesOf = isSimultaneous ? 'generator' : use;
      const coins = (part: 'generator' | 'real' | 'fake'): Tensors =>
        under(inputs, `coins/${part === 'real' ? use : fakesOf}/${part}`);
      // Outside the gradient's scope: D's update sees the fakes as data.
      const z = inputs[`latents/${fakesOf}`]!;
      const fakes = callInTraining(generator, under(state, 'generator'), coins('generator'), discard(), z);
      losses.lossD = descend(discriminator, optimizer, state, rates, (weights) => {
        const judge = (part: 'real' | 'fake', updates: Tensors, x: tf.Tensor): tf.Tensor =>
          callInTraining(discriminator, weights, coins(part), updates, x);
        const reals = blur(gan, 'real', inputs[`reals/${i}`]!, inputs[`noise/${use}/real`]);
        const blurred = blur(gan, 'fake', fakes, inputs[`noise/${fakesOf}/fake`]);
        const [real, fake] = discriminator.acrossBatch
          ? [judge('real', averages, reals), judge('fake', discard(), blurred)]
          : judgeTogether(discriminator, weights, [coins('real'), coins('fake')], [reals, blurred]);
        losses.dReal = tf.keep(tf.mean(tf.sigmoid(real)));
        losses.dFake = tf.keep(tf.mean(tf.sigmoid(fake)));
        return discriminatorLoss(real, fake);
      });
      keepUpdates(discriminator, averages);
    }

    const averages: Tensors = {};
    const rates = { rate: inputs['rate/generator']!, momentum: inputs.momentum! };
    const judgeWeights = under(isSimultaneous ? before : state, 'discriminator');
    losses.lossG = descend(generator, optimizer, state, rates, (weights) => {
      const coins = under(inputs, 'coins/generator/generator');
      const fakes = callInTraining(generator, weights, coins, averages, inputs['latents/generator']!);
      const blurred = blur(gan, 'fake', fakes, inputs['noise/generator/fake']);
      const judged = under(inputs, 'coins/generator/fake');
      return generatorLoss(callInTraining(discriminator, judgeWeights, judged, discard(), blurred), loss);
    });
    keepUpdates(generator, averages);

    for (const weight of generator.weights) {
      const name = `generator/${weight.name}`;
      tf.tidy(`ema/${name}`, () => {
        const average = state[`ema/${name}`]!;
        const gap = tf.sub(average, state[name]!);
        state[`ema/${name}`] = tf.keep(tf.add(state[name]!, tf.mul(gap, inputs.averageDecay!)));
      });
    }
    for (const updates of discarded) tf.dispose(updates);
    return { state, losses };
  };

  return { batch: options.batch, state: listState(gan, optimizer), inputs: listInputs(gan, options), run };
}
