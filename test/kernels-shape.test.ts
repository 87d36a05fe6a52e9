/**
 * Kernels that move, cut and repeat elements, over every way in which their operand can lie. Most of them write no
 * operator, so that mistakes show only in what reads the result: here that is the output and the gradient.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe } from 'vitest';
import * as shape from '../exporters/kernels/shape.js';
import {
  booleans,
  differentiable,
  forward,
  integers,
  type KernelCase,
  type KernelCases,
  testKernels,
} from './support/kernel-cases.js';
import { fromNchw, overViews } from './support/views.js';

type Cases = Record<string, KernelCase>;

const constant = (): tf.Tensor => tf.tensor([1, 2, 3, 4, 5, 6].map(Math.sqrt), [1, 6]);

const concat: Cases = {
  ...overViews((x) => tf.concat([x, tf.ones([2, 6]), x], 0), 'rows of '),
  ...overViews((x) => tf.concat([tf.zeros([4, 1]), x, tf.tile(constant(), [4, 1])], -1), 'columns of '),
  'images, channels': differentiable(
    (a, b) => tf.concat([fromNchw(a), fromNchw(b)], 3),
    [2, 3, 4, 5],
    [2, 1, 4, 5],
  ),
  'an image and a plain one': differentiable(
    (a, b) => tf.concat([a, fromNchw(b)], 1),
    [2, 1, 5, 3],
    [2, 3, 4, 5],
  ),
  'an image and label planes': differentiable(
    (a, b) => tf.concat([tf.broadcastTo(tf.reshape(a, [2, 1, 1, 2]), [2, 4, 5, 2]), fromNchw(b)], 3),
    [2, 2],
    [2, 3, 4, 5],
  ),
  int32: forward((a, b) => tf.concat([a, b], 0), integers('a', [2, 3]), integers('b', [1, 3])),
  bool: forward((a, b) => tf.concat([a, b], 1), booleans('a', [2, 3]), booleans('b', [2, 1])),
};

const pack: Cases = {
  ...overViews((x) => tf.stack([x, tf.mul(x, x), tf.ones([4, 6])], 0), 'axis 0 of '),
  ...overViews((x) => tf.stack([x, tf.tile(constant(), [4, 1])], 1), 'axis 1 of '),
  'last axis': differentiable((a, b) => tf.stack([a, b], 2), [4, 3], [4, 3]),
  'last axis by -1': differentiable((a, b) => tf.stack([a, b], -1), [4, 3], [4, 3]),
  'axis before the last by -2': differentiable((a, b) => tf.stack([a, b], -2), [4, 3], [4, 3]),
  scalars: differentiable((a, b) => tf.stack([a, b]), [], []),
  images: differentiable((a, b) => tf.stack([fromNchw(a), b], 2), [2, 3, 4, 5], [2, 4, 5, 3]),
};

const pad: Cases = {
  ...overViews((x) =>
    tf.pad(x, [
      [1, 0],
      [2, 3],
    ]),
  ),
  ...overViews(
    (x) =>
      tf.pad(
        x,
        [
          [0, 2],
          [0, 0],
        ],
        0.5,
      ),
    'value in ',
  ),
  image: differentiable(
    (x) =>
      tf.pad(fromNchw(x), [
        [0, 0],
        [1, 2],
        [0, 3],
        [1, 0],
      ]),
    [2, 3, 4, 5],
  ),
  vector: differentiable((x) => tf.pad(x, [[2, 1]]), [5]),
  int32: forward(
    (x) =>
      tf.pad(
        x,
        [
          [1, 0],
          [2, 3],
        ],
        7,
      ),
    integers('x', [2, 3]),
  ),
};

const reshape: Cases = {
  ...overViews((x) => tf.reshape(x, [3, 8])),
  ...overViews((x) => tf.reshape(x, [2, 1, -1]), 'inferred '),
  ...overViews((x) => tf.reshape(tf.transpose(x), [-1]), 'flat transpose of '),
  'scalar to a matrix': differentiable((x) => tf.reshape(x, [1, 1]), []),
  'one element to a scalar': differentiable((x) => tf.reshape(x, []), [1, 1, 1]),
  'image to rows': differentiable((x) => tf.reshape(fromNchw(x), [2, -1]), [2, 3, 4, 5]),
  'image of one column': differentiable((x) => tf.reshape(fromNchw(x), [2, 3]), [2, 3, 1, 1]),
  // tfjs has no gradient for a tile of six axes.
  'upsampling by reshape and tile': forward(
    (x) =>
      tf.reshape(tf.tile(tf.reshape(fromNchw(x), [2, 4, 1, 5, 1, 3]), [1, 1, 2, 1, 2, 1]), [2, 8, 10, 3]),
    [2, 3, 4, 5],
  ),
  int32: forward((x) => tf.reshape(x, [6]), integers('x', [2, 3])),
};

const slice: Cases = {
  ...overViews((x) => tf.slice(x, [1, 2], [2, 3])),
  ...overViews((x) => tf.slice(x, [2, 0]), 'to the end of '),
  ...overViews((x) => tf.slice(x, 1, 2), 'rows of '),
  ...overViews((x) => tf.slice(x, [0, 1], [-1, -1]), 'all columns but one of '),
  'a cut image': differentiable((x) => tf.slice(fromNchw(x), [1, 0, 2, 1], [1, 4, 3, 2]), [2, 3, 4, 5]),
  'a cut of a cut': differentiable((x) => tf.slice(tf.slice(x, [1, 1]), [1, 0], [1, 2]), [4, 6]),
  'one element': differentiable((x) => tf.slice(x, [0, 2], [1, 1]), [1, 6]),
  bool: forward((x) => tf.slice(x, [1, 0], [1, 2]), booleans('x', [2, 3])),
};

const split: Cases = {
  ...overViews((x) => {
    const [left, right] = tf.split(x, 2, 1);
    return tf.add(left!, tf.mul(right!, 3));
  }, 'halves of '),
  ...overViews((x) => tf.concat(tf.split(x, [1, 3], 0).reverse(), 0), 'sizes of '),
  'negative axis': differentiable((x) => tf.concat(tf.split(x, 3, -1).reverse(), 1), [4, 6]),
  'the rest': differentiable((x) => tf.concat(tf.split(x, [1, -1, 2], 1).reverse(), 1), [4, 6]),
  // tfjs has a gradient only where every part is used.
  'channels of an image': forward((x) => tf.split(fromNchw(x), [1, 2], 3)[1]!, [2, 3, 4, 5]),
};

const tile: Cases = {
  ...overViews((x) => tf.tile(x, [2, 3])),
  ...overViews((x) => tf.tile(x, [1, 2]), 'columns of '),
  'an image': differentiable((x) => tf.tile(fromNchw(x), [1, 2, 1, 2]), [2, 3, 4, 5]),
  'a view of a view': differentiable((x) => tf.tile(tf.tile(x, [1, 6]), [1, 2]), [4, 1]),
  'a row, read by many': differentiable(
    (x) => {
      const view = tf.tile(x, [4, 1]);
      const product = tf.matMul(view, tf.transpose(view));
      return tf.add(tf.concat([product, product], 1), tf.sum(view));
    },
    [1, 6],
  ),
  int32: forward((x) => tf.tile(x, [2, 2]), integers('x', [1, 3])),
};

const transpose: Cases = {
  ...overViews((x) => tf.transpose(x)),
  ...overViews((x) => tf.matMul(tf.transpose(x), x), 'product of '),
  ...Object.fromEntries(
    [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ].flatMap((perm) => [
      [`by ${perm}`, differentiable((x) => tf.transpose(x, perm), [2, 3, 4])],
      [`by ${perm} twice`, differentiable((x) => tf.transpose(tf.transpose(x, perm), perm), [2, 3, 4])],
      [`by ${perm}, then cut`, differentiable((x) => tf.slice(tf.transpose(x, perm), [1, 0, 1]), [2, 3, 4])],
      [`by ${perm}, then rows`, differentiable((x) => tf.reshape(tf.transpose(x, perm), [4, 6]), [2, 3, 4])],
    ]),
  ),
  bool: forward((x) => tf.transpose(x), booleans('x', [2, 3])),
};

const table: KernelCases = {
  Concat: concat,
  ExpandDims: {
    ...overViews((x) => tf.expandDims(x, 1)),
    ...overViews((x) => tf.expandDims(x, -1), 'last axis of '),
    'before the last': differentiable((x) => tf.expandDims(x, -2), [4, 3]),
    scalar: differentiable((x) => tf.expandDims(x), []),
  },
  Fill: {
    float32: differentiable((x) => tf.mul(x, tf.fill([4, 3], 0.3)), [4, 3]),
    output: forward(() => tf.fill([4, 3], -2.5)),
    scalar: forward(() => tf.fill([], 1e-7)),
    int32: forward(() => tf.fill([2, 2], -3, 'int32')),
    bool: forward(() => tf.fill([2, 2], 1, 'bool')),
    'read by a sum': forward(() => tf.sum(tf.fill([4, 3], 0.5), 0)),
    'read by a product': differentiable((x) => tf.matMul(tf.fill([5, 4], 0.3), x), [4, 3]),
    'reshaped, cut, padded': forward(() =>
      tf.pad(tf.slice(tf.reshape(tf.fill([4, 3], 2), [6, 2]), 1, 3), [
        [1, 1],
        [0, 2],
      ]),
    ),
  },
  Identity: overViews((x) => tf.clone(x)),
  OnesLike: overViews((x) => tf.mul(x, tf.add(tf.onesLike(x), x))),
  Pack: pack,
  PadV2: pad,
  Reshape: reshape,
  Slice: slice,
  SplitV: split,
  Tile: tile,
  Transpose: transpose,
  Unpack: {
    ...overViews((x) => tf.stack(tf.unstack(x, 0).reverse(), 1), 'rows of '),
    ...overViews((x) => tf.concat(tf.unstack(x, -1).reverse(), 0), 'columns of '),
    'channels of an image': differentiable((x) => tf.concat(tf.unstack(fromNchw(x), 3), 1), [2, 3, 4, 5]),
    int32: forward((x) => tf.unstack(x, 1)[2]!, integers('x', [2, 3])),
  },
  ZerosLike: {
    ...overViews((x) => tf.mul(x, tf.sub(tf.zerosLike(x), x))),
    int32: forward((x) => tf.zerosLike(x), integers('x', [2, 3])),
    bool: forward((x) => tf.zerosLike(x), booleans('x', [2, 3])),
  },
};

describe('shape kernels', () => {
  testKernels(shape, table);
});
