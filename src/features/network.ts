/**
 * The small network whose features ganx compares images by where nobody names a better one: strided convolutions down
 * to a few pixels a side, a layer of 64 features, and the classes. Its features are no Inception features.
 */
import * as tf from '@tensorflow/tfjs-core';
import { conv } from '../../models/convolutions.js';
import { activation, dense, type Layer, reshape } from '../../models/layers.js';
import type { Call, Initial, WeightSpec } from '../../models/types.js';
import { normal } from '../core/random.js';
import { type FloatTensor, plainTensor, sizeOf } from '../core/tensor.js';

/** Length of a feature vector. */
export const FEATURE_SIZE = 64;
/** Convolutions halve the sides until they are this small. */
const SMALL_SIDE = 8;
const FIRST_WIDTH = 16;
const MOST_WIDTH = 64;

/** A classifier as a function of weights and pixels. */
export interface Classifier {
  readonly shape: readonly [number, number, number];
  readonly classes: number;
  readonly weights: readonly WeightSpec[];
  /** Pixels [B, H, W, C] in [0, 1] -> the last layer before the classes [B, D], and logits [B, classes]. */
  apply(
    images: tf.Tensor,
    weights: Readonly<Record<string, tf.Tensor>>,
  ): Record<'features' | 'logits', tf.Tensor>;
}

/** Deviation for layers before a ReLU (arXiv:1502.01852). */
function forRelu(inputs: number): Initial {
  return { kind: 'normal', mean: 0, deviation: Math.sqrt(2 / inputs) };
}

/** The first value of a weight; biases are 0. */
export function drawWeight({ name, shape, initial }: WeightSpec, seed: number): FloatTensor {
  const deviation = initial.kind === 'normal' ? initial.deviation : 0;
  const values = normal(seed, `features/${name}`, 0, sizeOf(shape));
  return plainTensor(
    values.map((value) => value * deviation),
    shape,
  );
}

/** Builds the network for images of one size. */
export function buildClassifier(shape: readonly [number, number, number], classes: number): Classifier {
  const [height, width, channels] = shape;
  const layers: Layer[] = [activation('centre', (x) => tf.sub(tf.mul(x, 2), 1))];
  let [rows, columns, depth] = [height, width, channels];
  for (let level = 1; Math.max(rows, columns) > SMALL_SIDE; level++) {
    const wider = Math.min(MOST_WIDTH, FIRST_WIDTH * 2 ** (level - 1));
    layers.push(conv(`conv_${level}`, depth, wider, 3, 2, forRelu(9 * depth), { pad: 1 }));
    layers.push(activation(`relu_${level}`, (x) => tf.relu(x)));
    [rows, columns, depth] = [Math.ceil(rows / 2), Math.ceil(columns / 2), wider];
  }
  const size = rows * columns * depth;
  layers.push(reshape('flatten', [size]), dense('features', size, FEATURE_SIZE, forRelu(size)));
  layers.push(activation('relu', (x) => tf.relu(x)));
  const head = dense('classes', FEATURE_SIZE, classes, { kind: 'normal', mean: 0, deviation: 0.01 });
  return {
    shape,
    classes,
    weights: [...layers, head].flatMap((layer) => layer.weights ?? []),
    apply: (images, weights) => {
      const call: Call = { training: false, weights, coins: {}, updates: {} };
      const features = layers.reduce((x, layer) => tf.tidy(layer.name, () => layer.apply(x, call)), images);
      return { features, logits: tf.tidy(head.name, () => head.apply(features, call)) };
    },
  };
}
