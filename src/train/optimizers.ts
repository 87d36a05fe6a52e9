/**
 * Optimizers as pure functions: (weight, gradient, slots, rates) -> (weight, slots), in tfjs ops.
 * Everything that changes from step to step (rate, momentum, Adam's bias correction) comes in as a number, so that
 * a traced step holds no counter.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Numbers that the optimizer reads in one step, already as tensors. */
export type Rates = Readonly<Record<'rate' | 'momentum', tf.Tensor>>;

/** An optimizer; slots are tensors of the weight's shape that begin at 0. */
export interface Optimizer {
  readonly name: 'adam' | 'momentum';
  readonly slots: readonly string[];
  /** What to feed as `rate` for update number `update` (from 1) at a learning rate. */
  rate(learningRate: number, update: number): number;
  /** One update of one weight. */
  apply(
    weight: tf.Tensor,
    gradient: tf.Tensor,
    slots: Readonly<Record<string, tf.Tensor>>,
    rates: Rates,
  ): { weight: tf.Tensor; slots: Record<string, tf.Tensor> };
}

/**
 * Adam (arXiv:1412.6980) in the order of operations of its section 2, where the bias corrections are folded into
 * the rate: α_t = α·√(1 − β₂ᵗ)/(1 − β₁ᵗ), θ ← θ − α_t·m/(√v + ε̂).
 */
export function adam(beta1: number, beta2: number, epsilon = 1e-7): Optimizer {
  return {
    name: 'adam',
    slots: ['m', 'v'],
    rate: (learningRate, update) => (learningRate * Math.sqrt(1 - beta2 ** update)) / (1 - beta1 ** update),
    apply: (weight, gradient, slots, { rate }) => {
      const m = tf.add(tf.mul(slots.m!, beta1), tf.mul(gradient, 1 - beta1));
      const v = tf.add(tf.mul(slots.v!, beta2), tf.mul(tf.square(gradient), 1 - beta2));
      const move = tf.div(tf.mul(m, rate), tf.add(tf.sqrt(v), epsilon));
      return { weight: tf.sub(weight, move), slots: { m, v } };
    },
  };
}

/** Classical momentum as the 2014 code has it: inc ← μ·inc − α·g, θ ← θ + inc. */
export function momentum(): Optimizer {
  return {
    name: 'momentum',
    slots: ['increment'],
    rate: (learningRate) => learningRate,
    apply: (weight, gradient, slots, { rate, momentum }) => {
      const increment = tf.sub(tf.mul(slots.increment!, momentum), tf.mul(gradient, rate));
      return { weight: tf.add(weight, increment), slots: { increment } };
    },
  };
}
