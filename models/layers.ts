/**
 * The few layers that the models here are made of: each says which weights it has and what it does with them.
 * A network is a list of layers; scopes carry the layers' names into the exported graph.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Call, CoinSpec, Initial, Network, WeightSpec } from './types.js';

/** One layer; names of its weights and coins begin with its own. */
export interface Layer {
  readonly name: string;
  readonly weights?: readonly WeightSpec[];
  readonly coins?: readonly CoinSpec[];
  /** Whether an example's output depends on the others of its batch. */
  readonly acrossBatch?: boolean;
  apply(x: tf.Tensor, call: Call): tf.Tensor;
}

/** Chains layers into a network. */
export function sequential(name: Network['name'], layers: readonly Layer[]): Network {
  return {
    name,
    weights: layers.flatMap((layer) => layer.weights ?? []),
    coins: layers.flatMap((layer) => layer.coins ?? []),
    acrossBatch: layers.some((layer) => layer.acrossBatch ?? false),
    apply: (input, call) =>
      layers.reduce((x, layer) => {
        const scope = `${name}/${layer.name}`;
        const y = tf.tidy(scope, () => layer.apply(x, call));
        call.observe?.(scope, y);
        return y;
      }, input),
  };
}

/** What may differ between layers of one kind. */
export interface LayerOptions {
  /** Whether a bias is added; true when absent. */
  readonly bias?: boolean;
  /** How the bias begins; at 0 when absent. */
  readonly biasInitial?: Initial;
  readonly maxColumnNorm?: number;
}

/** x·W + b, [B, in] -> [B, out]. */
export function dense(
  name: string,
  inputs: number,
  outputs: number,
  initial: Initial,
  options: LayerOptions = {},
): Layer {
  const { biasInitial, maxColumnNorm } = options;
  const withBias = options.bias ?? true;
  const kernel = `${name}/kernel`;
  const offset = `${name}/bias`;
  const limited = maxColumnNorm === undefined ? {} : { maxColumnNorm };
  return {
    name,
    weights: [
      { name: kernel, shape: [inputs, outputs], initial, trainable: true, ...limited },
      ...(withBias ? [biasOf(offset, [outputs], biasInitial)] : []),
    ],
    apply: (x, { weights }) => {
      const product = tf.matMul(x as tf.Tensor2D, weights[kernel] as tf.Tensor2D);
      return withBias ? tf.add(product, weights[offset]!) : product;
    },
  };
}

/** The weight that a layer adds to its output. */
export function biasOf(
  name: string,
  shape: readonly number[],
  initial: Initial = { kind: 'constant', value: 0 },
): WeightSpec {
  return { name, shape, initial, trainable: true };
}

const EPSILON = 1e-5;
/** Share of the old moving average that one step keeps. */
const MOVING_MOMENTUM = 0.9;

/** Batch normalisation over all axes but the last (arXiv:1502.03167); the batch's statistics in training. */
export function batchNorm(name: string, channels: number, gamma: Initial): Layer {
  const names = {
    gamma: `${name}/gamma`,
    beta: `${name}/beta`,
    mean: `${name}/moving_mean`,
    variance: `${name}/moving_variance`,
  };
  const spec = (weight: string, initial: Initial, trainable: boolean): WeightSpec => ({
    name: weight,
    shape: [channels],
    initial,
    trainable,
  });
  return {
    name,
    weights: [
      spec(names.gamma, gamma, true),
      spec(names.beta, { kind: 'constant', value: 0 }, true),
      spec(names.mean, { kind: 'constant', value: 0 }, false),
      spec(names.variance, { kind: 'constant', value: 1 }, false),
    ],
    acrossBatch: true,
    apply: (x, { weights, training, updates }) => {
      if (!training) {
        // One multiplication and one addition: the export folds both into the product before them.
        const scale = tf.mul(weights[names.gamma]!, tf.rsqrt(tf.add(weights[names.variance]!, EPSILON)));
        return tf.add(tf.mul(x, scale), tf.sub(weights[names.beta]!, tf.mul(weights[names.mean]!, scale)));
      }
      const axes = x.shape.slice(0, -1).map((_, axis) => axis);
      const mean = tf.mean(x, axes); // [C]
      const centred = tf.sub(x, mean);
      const variance = tf.mean(square(centred), axes); // [C]
      for (const [key, statistic] of [
        [names.mean, mean],
        [names.variance, variance],
      ] as const) {
        const old = weights[key]!;
        // Kept, since it is a result of the step and not an intermediate value of the gradient's scope.
        updates[key] = tf.keep(tf.add(old, tf.mul(tf.sub(statistic, old), 1 - MOVING_MOMENTUM)));
      }
      const scale = tf.mul(weights[names.gamma]!, tf.rsqrt(tf.add(variance, EPSILON)));
      return tf.add(tf.mul(centred, scale), weights[names.beta]!);
    },
  };
}

/** Inverted dropout (arXiv:1207.0580): keeps an element with probability `keep`, then scales it by 1/keep. */
export function dropout(name: string, shape: readonly number[], keep: number): Layer {
  return {
    name,
    coins: [{ name, shape, keep }],
    apply: (x, { coins, training }) =>
      training ? tf.mul(x, tf.mul(tf.cast(coins[name]!, 'float32'), 1 / keep)) : x,
  };
}

/**
 * x above 0 and slope · x else. Its gradient is one product with the steps of x, where tfjs's own would choose element
 * by element; it can be differentiated once more, which tfjs's own cannot.
 */
export function leakyRelu(x: tf.Tensor, slope: number): tf.Tensor {
  return tf.customGrad((value, save) => {
    const input = value as tf.Tensor;
    (save as tf.GradSaveFunc)([input]);
    return {
      value: tf.leakyRelu(input, slope),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(dy, tf.step(saved[0]!, slope)),
    };
  })(x);
}

/**
 * x². Its gradient multiplies what comes in first, which is a number a channel behind a mean, where tfjs's own doubles
 * all of x; it can be differentiated once more.
 */
function square(x: tf.Tensor): tf.Tensor {
  return tf.customGrad((value, save) => {
    const input = value as tf.Tensor;
    (save as tf.GradSaveFunc)([input]);
    return {
      value: tf.square(input),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(tf.mul(dy, 2), saved[0]!),
    };
  })(x);
}

/** A function without weights as a layer. */
export function activation(name: string, apply: (x: tf.Tensor) => tf.Tensor): Layer {
  return { name, apply };
}

/** A number of its own for every element of an example: [B, ...shape] + [...shape]. */
export function bias(name: string, shape: readonly number[]): Layer {
  const weight = `${name}/bias`;
  return {
    name,
    weights: [biasOf(weight, shape)],
    apply: (x, { weights }) => tf.add(x, weights[weight]!),
  };
}

/** [B, ...] -> [B, ...shape]. */
export function reshape(name: string, shape: readonly number[]): Layer {
  return activation(name, (x) => tf.reshape(x, [x.shape[0]!, ...shape]));
}
