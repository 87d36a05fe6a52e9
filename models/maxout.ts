/**
 * Maxout units (arXiv:1302.4389): the largest of several affine maps, fully connected and convolutional, and the max
 * pooling that goes with the latter. The units lie next to each other, not a unit's pieces, since processors like to go
 * along the longer axis.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type ConvolutionOptions, conv } from './convolutions.js';
import { activation, dense, type Layer, type LayerOptions } from './layers.js';
import type { Initial } from './types.js';

/** [B, in] -> [B, units]. */
export function maxout(
  name: string,
  inputs: number,
  units: number,
  pieces: number,
  initial: Initial,
  options: LayerOptions = {},
): Layer {
  const affine = dense(name, inputs, units * pieces, initial, options);
  return {
    ...affine,
    apply: (x, call) => tf.max(tf.reshape(affine.apply(x, call), [-1, pieces, units]), 1), // [B, units]
  };
}

/** Convolution with stride 1, [B, H, W, in] -> [B, H', W', channels]. */
export function maxoutConv(
  name: string,
  inputs: number,
  channels: number,
  pieces: number,
  size: number,
  initial: Initial,
  options: ConvolutionOptions = {},
): Layer {
  const affine = conv(name, inputs, channels * pieces, size, 1, initial, options);
  return {
    ...affine,
    apply: (x, call) => {
      const y = affine.apply(x, call);
      const [batch, height, width] = y.shape as [number, number, number];
      return tf.max(tf.reshape(y, [batch, height, width, pieces, channels]), 3); // [B, H', W', channels]
    },
  };
}

/** Less than anything that a layer gives: stands beyond the edge. */
const BELOW_ALL = -1e30;

/** Along an axis, the larger of each two neighbours; then, for windows of 4, of each two overlapping pairs. */
function poolAxis(x: tf.Tensor, axis: 1 | 2, window: 2 | 4): tf.Tensor {
  const extent = x.shape[axis]!;
  const pairs = Math.ceil(extent / 2);
  const pads = x.shape.map((_, i): [number, number] => [0, i === axis ? 2 * pairs - extent : 0]);
  const even = extent === 2 * pairs ? x : tf.pad(x, pads, BELOW_ALL);
  const paired = tf.max(
    tf.reshape(even, [...x.shape.slice(0, axis), pairs, 2, ...x.shape.slice(axis + 1)]),
    axis + 1,
  );
  if (window === 2) return paired;
  const cut = (start: number): tf.Tensor =>
    tf.slice(
      paired,
      paired.shape.map((_, i) => (i === axis ? start : 0)),
      paired.shape.map((side, i) => (i === axis ? pairs - 1 : side)),
    );
  return tf.maximum(cut(0), cut(1));
}

/**
 * Max pooling with stride 2 whose last windows may reach beyond the edge:
 * [B, H, W, C] -> [B, ⌈(H − window)/2⌉ + 1, ⌈(W − window)/2⌉ + 1, C].
 */
export function maxPool(name: string, window: 2 | 4): Layer {
  return activation(name, (x) => poolAxis(poolAxis(x, 1, window), 2, window));
}
