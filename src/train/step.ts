/**
 * One step of Algorithm 1 (arXiv:1406.2661) as a pure function: (state, inputs) -> (state, losses), in tfjs ops.
 * The same function runs eagerly and is traced to ONNX. Whatever is random is an input.
 */
import '@tensorflow/tfjs'; // registers the gradients of tfjs-core's ops
import * as tf from '@tensorflow/tfjs-core';
import type { Call, Gan, Network, WeightSpec } from '../../models/types.js';
import { discriminatorLoss, generatorLoss, type LossName } from './losses.js';
import type { Optimizer, Rates } from './optimizers.js';

/** How an input of a step is made. */
export type InputSpec =
  | { readonly kind: 'reals' | 'latents' | 'number'; readonly shape: readonly number[] }
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

type Tensors = Record<string, tf.Tensor>;

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
}

/** The tensors of `all` under a prefix, by the rest of their names. */
function under(all: Readonly<Tensors>, prefix: string): Tensors {
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, tensor]) =>
      name.startsWith(`${prefix}/`) ? [[name.slice(prefix.length + 1), tensor]] : [],
    ),
  );
}

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

function listInputs(
  { shape, generator, discriminator }: Gan,
  options: StepOptions,
): Record<string, InputSpec> {
  const { batch, discriminatorSteps } = options;
  const inputs: Record<string, InputSpec> = {};
  const addCoins = (network: Network, use: string): void => {
    for (const coin of network.coins) {
      inputs[`coins/${use}/${coin.name}`] = { kind: 'coins', shape: [batch, ...coin.shape], keep: coin.keep };
    }
  };
  for (let i = 1; i <= discriminatorSteps; i++) {
    inputs[`reals/${i}`] = { kind: 'reals', shape: [batch, ...shape.imageShape] };
    inputs[`latents/discriminator_${i}`] = { kind: 'latents', shape: [batch, shape.latentSize] };
    addCoins(generator, `discriminator_${i}/generator`);
    addCoins(discriminator, `discriminator_${i}/real`);
    addCoins(discriminator, `discriminator_${i}/fake`);
  }
  inputs['latents/generator'] = { kind: 'latents', shape: [batch, shape.latentSize] };
  addCoins(generator, 'generator/generator');
  addCoins(discriminator, 'generator/fake');
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

/** Descends one network's loss: gradients, then the optimizer, weight by weight. */
function update(
  network: Network,
  optimizer: Optimizer,
  state: Tensors,
  rates: Rates,
  lossOf: (weights: Tensors) => tf.Scalar,
): tf.Scalar {
  const fixed = under(state, network.name);
  const names = network.weights.filter((weight) => weight.trainable).map((weight) => weight.name);
  const { value, grads } = tf.valueAndGrads((...weights: tf.Tensor[]) =>
    lossOf({ ...fixed, ...Object.fromEntries(names.map((name, i) => [name, weights[i]!])) }),
  )(names.map((name) => fixed[name]!));
  names.forEach((name, i) => {
    tf.tidy(`${optimizer.name}/${network.name}/${name}`, () => {
      const key = `${network.name}/${name}`;
      const slots = Object.fromEntries(
        optimizer.slots.map((slot) => [slot, state[`${optimizer.name}/${slot}/${key}`]!]),
      );
      const next = optimizer.apply(state[key]!, grads[i]!, slots, rates);
      state[key] = tf.keep(next.weight);
      for (const slot of optimizer.slots)
        state[`${optimizer.name}/${slot}/${key}`] = tf.keep(next.slots[slot]!);
    });
  });
  return value as tf.Scalar;
}

/** Builds the step of Algorithm 1: k times {fresh z, real data, D descends}, then fresh z and G descends. */
export function makeStep(gan: Gan, options: StepOptions): Step {
  const { generator, discriminator } = gan;
  const { optimizer, discriminatorSteps, loss } = options;

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
      const coins = (part: string): Tensors => under(inputs, `coins/${use}/${part}`);
      // Outside the gradient's scope: D's update sees the fakes as data.
      const z = inputs[`latents/${use}`]!;
      const fakes = callInTraining(generator, under(state, 'generator'), coins('generator'), discard(), z);
      losses.lossD = update(discriminator, optimizer, state, rates, (weights) => {
        const judge = (part: string, updates: Tensors, x: tf.Tensor): tf.Tensor =>
          callInTraining(discriminator, weights, coins(part), updates, x);
        const reals = inputs[`reals/${i}`]!;
        const [real, fake] = discriminator.acrossBatch
          ? [judge('real', averages, reals), judge('fake', discard(), fakes)]
          : judgeTogether(discriminator, weights, [coins('real'), coins('fake')], [reals, fakes]);
        losses.dReal = tf.keep(tf.mean(tf.sigmoid(real)));
        losses.dFake = tf.keep(tf.mean(tf.sigmoid(fake)));
        return discriminatorLoss(real, fake);
      });
      keepUpdates(discriminator, averages);
    }

    const averages: Tensors = {};
    const rates = { rate: inputs['rate/generator']!, momentum: inputs.momentum! };
    losses.lossG = update(generator, optimizer, state, rates, (weights) => {
      const coins = under(inputs, 'coins/generator/generator');
      const fakes = callInTraining(generator, weights, coins, averages, inputs['latents/generator']!);
      const judged = under(inputs, 'coins/generator/fake');
      return generatorLoss(
        callInTraining(discriminator, under(state, 'discriminator'), judged, discard(), fakes),
        loss,
      );
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
