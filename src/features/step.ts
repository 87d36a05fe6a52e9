/**
 * One step of training the classifier as a pure function in tfjs ops: (state, inputs) -> (state, losses), to be traced
 * like a GAN's step. It knows neither where it runs nor where images come from.
 */
import '#gradients';
import * as tf from '@tensorflow/tfjs-core';
import type { StatefulFunction } from '../../exporters/training-step.js';
import { adam } from '../train/optimizers.js';
import type { Classifier } from './network.js';

type Tensors = Record<string, tf.Tensor>;

/** The defaults of arXiv:1412.6980. */
export const OPTIMIZER = adam(0.9, 0.999);

/** Mean cross-entropy in nats; the largest logit is taken off first, so that no exponential overflows. */
function crossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Scalar {
  const shifted = tf.sub(logits, tf.max(logits, -1, true));
  const total = tf.log(tf.sum(tf.exp(shifted), -1)); // [B]
  return tf.mean(tf.sub(total, tf.sum(tf.mul(shifted, targets), -1))) as tf.Scalar;
}

/** Builds the step for batches of one size; its inputs are `images`, `targets` (one-hot) and `rate`. */
export function makeClassifierStep(classifier: Classifier, batch: number): StatefulFunction {
  const { weights, shape, classes } = classifier;
  const names = weights.map(({ name }) => name);
  const state: Record<string, { shape: readonly number[] }> = {};
  for (const weight of weights) {
    state[weight.name] = { shape: weight.shape };
    for (const slot of OPTIMIZER.slots) state[`${slot}/${weight.name}`] = { shape: weight.shape };
  }
  const run: StatefulFunction['run'] = (before, { images, targets, rate }) => {
    const after: Tensors = {};
    const { value, grads } = tf.valueAndGrads((...values: tf.Tensor[]) => {
      const own = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
      return crossEntropy(classifier.apply(images!, own).logits, targets!);
    })(names.map((name) => before[name]!));
    names.forEach((name, i) => {
      const slots = Object.fromEntries(OPTIMIZER.slots.map((slot) => [slot, before[`${slot}/${name}`]!]));
      const next = OPTIMIZER.apply(before[name]!, grads[i]!, slots, { rate: rate!, momentum: rate! });
      after[name] = next.weight;
      for (const slot of OPTIMIZER.slots) after[`${slot}/${name}`] = next.slots[slot]!;
    });
    return { state: after, losses: { loss: value } };
  };
  return {
    state,
    inputs: {
      images: { shape: [batch, ...shape] },
      targets: { shape: [batch, classes] },
      rate: { shape: [] },
    },
    run,
  };
}
