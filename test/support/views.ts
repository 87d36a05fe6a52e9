/**
 * The ways in which a matrix can lie before anything had to be written out: transposed, broadcast, cut, in NCHW.
 * A kernel that mistakes physical axes for logical ones fails on one of them.
 */
import * as tf from '@tensorflow/tfjs-core';
import { differentiable, type KernelCase } from './kernel-cases.js';

/** Operand shape and a function of it that gives [4, 6]. */
const VIEWS: Record<string, readonly [readonly number[], (x: tf.Tensor) => tf.Tensor]> = {
  plain: [[4, 6], (x) => x],
  transposed: [[6, 4], (x) => tf.transpose(x)],
  'broadcast row': [[1, 6], (x) => tf.broadcastTo(x, [4, 6])],
  'broadcast column': [[4, 1], (x) => tf.broadcastTo(x, [4, 6])],
  'transposed broadcast': [[1, 4], (x) => tf.transpose(tf.broadcastTo(x, [6, 4]))],
  'broadcast vector': [[6], (x) => tf.broadcastTo(x, [4, 6])],
  'broadcast scalar': [[], (x) => tf.broadcastTo(x, [4, 6])],
  'broadcast one element': [[1, 1], (x) => tf.broadcastTo(x, [4, 6])],
  tiled: [[2, 3], (x) => tf.tile(x, [2, 2])],
  'tiled row': [[1, 3], (x) => tf.tile(x, [4, 2])],
  sliced: [[6, 5], (x) => tf.slice(tf.transpose(x), [1, 0], [4, 6])],
  'flat nchw': [[2, 3, 2, 2], (x) => tf.reshape(tf.transpose(x, [0, 2, 3, 1]), [4, 6])],
  'sum of two layouts': [[4, 6], (x) => tf.add(x, tf.transpose(tf.reshape(x, [6, 4])))],
  'uniform constant in it': [[6], (x) => tf.add(tf.ones([4, 6]), x)],
};

/** [B, C, H, W] in memory, [B, H, W, C] to tfjs: what a convolution leaves behind. */
export function fromNchw(x: tf.Tensor): tf.Tensor {
  return tf.transpose(x, [0, 2, 3, 1]);
}

/** A case for each view of a [4, 6] matrix, forward and gradient. */
export function overViews(run: (x: tf.Tensor) => tf.Tensor, kernel = ''): Record<string, KernelCase> {
  return Object.fromEntries(
    Object.entries(VIEWS).map(([name, [shape, view]]) => [
      `${kernel}${name}`,
      differentiable((x) => run(view(x)), shape),
    ]),
  );
}
