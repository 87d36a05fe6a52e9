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
 * Adam (arXiv:1412.6980) in the order of operations of its section 2, where the bias corrections are folded into the
 * rate: α_t = α·√(1 − β₂ᵗ)/(1 − β₁ᵗ), θ ← θ − α_t·m/(√v + ε̂). The slots are the decayed sums S = m/(1 − β₁) and
 * Q = v/(1 − β₂), since S ← β₁·S + g and Q ← β₂·Q + g² pass over memory twice less, and memory is what Adam waits
 * for. The constants that are left over go into the rate and into ε.
 */
export function adam(beta1: number, beta2: number, epsilon = 1e-7): Optimizer {
  const root = Math.sqrt(1 - beta2);
  return {
    name: 'adam',
    slots: ['gradients', 'squares'],
    rate: (learningRate, update) =>
      (((learningRate * Math.sqrt(1 - beta2 ** update)) / (1 - beta1 ** update)) * (1 - beta1)) / root,
    apply: (weight, gradient, slots, { rate }) => {
      const gradients = tf.add(tf.mul(slots.gradients!, beta1), gradient);
      const squares = tf.add(tf.mul(slots.squares!, beta2), tf.square(gradient));
      const direction = tf.div(gradients, tf.add(tf.sqrt(squares), epsilon / root));
      return { weight: tf.sub(weight, tf.mul(direction, rate)), slots: { gradients, squares } };
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
