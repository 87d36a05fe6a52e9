/**
 * One descent of one network: the gradient of its loss, then the optimizer and what a weight is held to, weight by
 * weight. It knows neither whose turn it is nor where the loss comes from.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Network } from '../../models/types.js';
import type { Optimizer, Rates } from './optimizers.js';

/** Tensors by name. */
export type Tensors = Record<string, tf.Tensor>;

/** The tensors of `all` under a prefix, by the rest of their names. */
export function under(all: Readonly<Tensors>, prefix: string): Tensors {
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, tensor]) =>
      name.startsWith(`${prefix}/`) ? [[name.slice(prefix.length + 1), tensor]] : [],
    ),
  );
}

/** Keeps the division finite for a column of zeros; as in the code of 2014. */
const EPSILON = 1e-7;

/** Scales down each column (all axes but the last) that is longer than `limit` (arXiv:1207.0580, appendix A.1). */
function limitColumns(weight: tf.Tensor, limit: number): tf.Tensor {
  const axes = weight.shape.slice(0, -1).map((_, axis) => axis);
  const norms = tf.sqrt(tf.sum(tf.square(weight), axes)); // [out]
  return tf.mul(weight, tf.div(tf.minimum(norms, limit), tf.add(norms, EPSILON)));
}

/**
 * Descends a loss in the trainable weights of `network`: their new values and slots go into `state`.
 *
 * @param state  what the step has come to; replaced entry by entry
 * @param lossOf the loss as a function of all of the network's weights, by their own names
 * @returns the loss before the update
 */
export function descend(
  network: Network,
  optimizer: Optimizer,
  state: Tensors,
  rates: Rates,
  lossOf: (weights: Tensors) => tf.Scalar,
): tf.Scalar {
  const fixed = under(state, network.name);
  const trainable = network.weights.filter((weight) => weight.trainable);
  const { value, grads } = tf.valueAndGrads((...weights: tf.Tensor[]) =>
    lossOf({ ...fixed, ...Object.fromEntries(trainable.map(({ name }, i) => [name, weights[i]!])) }),
  )(trainable.map(({ name }) => fixed[name]!));
  trainable.forEach(({ name, maxColumnNorm }, i) => {
    tf.tidy(`${optimizer.name}/${network.name}/${name}`, () => {
      const key = `${network.name}/${name}`;
      const slots = Object.fromEntries(
        optimizer.slots.map((slot) => [slot, state[`${optimizer.name}/${slot}/${key}`]!]),
      );
      const next = optimizer.apply(state[key]!, grads[i]!, slots, rates);
      state[key] = tf.keep(
        maxColumnNorm === undefined ? next.weight : limitColumns(next.weight, maxColumnNorm),
      );
      for (const slot of optimizer.slots)
        state[`${optimizer.name}/${slot}/${key}`] = tf.keep(next.slots[slot]!);
    });
  });
  return value as tf.Scalar;
}
