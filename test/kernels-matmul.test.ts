/**
 * Matrix products and batch normalisation. A product reads a transposed operand through a flag; every combination of
 * flag and layout must come out right, and so must operands that are broadcast views.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe } from 'vitest';
import * as matmul from '../exporters/kernels/matmul.js';
import * as normalization from '../exporters/kernels/normalization.js';
import {
  differentiable,
  forward,
  type KernelCase,
  type KernelCases,
  numbers,
  testKernels,
} from './support/kernel-cases.js';
import { fromNchw, overViews } from './support/views.js';

type Cases = Record<string, KernelCase>;
type Product = (a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean) => tf.Tensor;

const FLAGS = [false, true].flatMap((a) => [false, true].map((b) => [a, b] as const));

/** The last two axes exchanged. */
function flip(x: tf.Tensor): tf.Tensor {
  const axes = x.shape.map((_, axis) => axis);
  return tf.transpose(x, [...axes.slice(0, -2), ...axes.slice(-2).reverse()]);
}

/** All transpose flags over plain and lazily transposed operands, ranks 2 to 4. */
function products(product: Product): Cases {
  const cases: Cases = {};
  for (const [transposeA, transposeB] of FLAGS) {
    for (const batch of [[], [2], [2, 3]]) {
      const a = [...batch, ...(transposeA ? [5, 3] : [3, 5])];
      const b = [...batch, ...(transposeB ? [4, 5] : [5, 4])];
      const swapped = (shape: number[]): number[] => [...batch, shape.at(-1)!, shape.at(-2)!];
      const name = `[${a}]${transposeA ? 'ᵀ' : ''} [${b}]${transposeB ? 'ᵀ' : ''}`;
      const run = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => product(x, y, transposeA, transposeB);
      cases[name] = differentiable(run, a, b);
      cases[`${name}, left lies transposed`] = differentiable((x, y) => run(flip(x), y), swapped(a), b);
      cases[`${name}, right lies transposed`] = differentiable((x, y) => run(x, flip(y)), a, swapped(b));
      cases[`${name}, both lie transposed`] = differentiable(
        (x, y) => run(flip(x), flip(y)),
        swapped(a),
        swapped(b),
      );
    }
  }
  return {
    ...cases,
    ...overViews((x) => product(x, tf.ones([6, 3]), false, false), 'a constant right of '),
    ...overViews((x) => product(x, x, true, false), 'square of '),
    ...overViews((x) => tf.transpose(product(x, x, false, true)), 'transposed square of '),
    'flat nchw times weights': differentiable(
      (x, w) => product(tf.reshape(fromNchw(x), [2, 60]), w, false, false),
      [2, 3, 4, 5],
      [60, 7],
    ),
    'batch in another place': differentiable(
      (x, y) => product(tf.transpose(x, [1, 0, 2]), tf.transpose(y, [2, 1, 0]), false, false),
      [3, 2, 5],
      [4, 5, 2],
    ),
    // tfjs's gradient of a product does not sum over a broadcast batch.
    'batch of 1 left': forward((x, y) => product(x, y, false, false), [1, 3, 5], [2, 5, 4]),
    'batch of 1 right': forward((x, y) => product(x, y, false, true), [2, 3, 5], [1, 4, 5]),
    'two batch axes of 1 left': forward((x, y) => product(x, y, true, false), [1, 1, 5, 3], [2, 3, 5, 4]),
    'a batch and a matrix': forward((x, y) => product(x, y, false, false), [2, 3, 5], [5, 4]),
    'a matrix and a batch': forward((x, y) => product(x, flip(y), false, false), [3, 5], [2, 4, 5]),
  };
}

const ACTIVATIONS = ['linear', 'relu', 'sigmoid', 'leakyrelu'] as const;

const fused: Cases = {
  ...products((a, b, transposeA, transposeB) => tf.fused.matMul({ a, b, transposeA, transposeB })),
  ...Object.fromEntries(
    ACTIVATIONS.flatMap((activation) => [
      [
        `bias and ${activation}`,
        differentiable((a, b, bias) => tf.fused.matMul({ a, b, bias, activation }), [3, 5], [5, 4], [4]),
      ],
      [
        `${activation} alone`,
        differentiable((a, b) => tf.fused.matMul({ a, b, transposeA: true, activation }), [5, 3], [5, 4]),
      ],
      [
        `bias on a batch and ${activation}`,
        differentiable(
          (a, b, bias) => tf.fused.matMul({ a, b, bias, activation }),
          [2, 3, 5],
          [2, 5, 4],
          [4],
        ),
      ],
    ]),
  ),
};

const variances = numbers('variance', [3], (value) => Math.abs(value) + 0.1);
type Rank1 = tf.Tensor1D;

/** Batch normalisation of an NHWC image whose memory is NCHW, with any of its two parameters left out. */
const batchNorm: Cases = {
  'offset and scale': differentiable(
    (x, mean, variance, offset, scale) =>
      tf.batchNorm(fromNchw(x), mean as Rank1, variance as Rank1, offset as Rank1, scale as Rank1, 1e-3),
    [2, 3, 4, 5],
    [3],
    variances,
    [3],
    [3],
  ),
  // tfjs's gradient fails where one of the two is missing.
  'offset alone': forward(
    (x, mean, variance, offset) =>
      tf.batchNorm(fromNchw(x), mean as Rank1, variance as Rank1, offset as Rank1, undefined, 1e-3),
    [2, 3, 4, 5],
    [3],
    variances,
    [3],
  ),
  'scale alone': forward(
    (x, mean, variance, scale) =>
      tf.batchNorm(fromNchw(x), mean as Rank1, variance as Rank1, undefined, scale as Rank1, 1e-3),
    [2, 3, 4, 5],
    [3],
    variances,
    [3],
  ),
  'neither, rows': forward(
    (x, mean, variance) => tf.batchNorm2d(x as tf.Tensor2D, mean as Rank1, variance as Rank1),
    [5, 3],
    [3],
    variances,
  ),
  'statistics of each element': differentiable(
    (x, mean, variance, offset, scale) =>
      tf.batchNorm(
        x as tf.Tensor2D,
        mean as tf.Tensor2D,
        variance as tf.Tensor2D,
        offset as tf.Tensor2D,
        scale as tf.Tensor2D,
      ),
    [5, 3],
    [5, 3],
    numbers('variances', [5, 3], (value) => Math.abs(value) + 0.1),
    [5, 3],
    [5, 3],
  ),
  'statistics of the batch': differentiable(
    (x, offset, scale) => {
      const image = fromNchw(x);
      const { mean, variance } = tf.moments(image, [0, 1, 2]);
      return tf.batchNorm(image, mean as Rank1, variance as Rank1, offset as Rank1, scale as Rank1, 1e-3);
    },
    [2, 3, 4, 5],
    [3],
    [3],
  ),
};

const table: KernelCases = {
  BatchMatMul: products((a, b, transposeA, transposeB) => tf.matMul(a, b, transposeA, transposeB)),
  FusedBatchNorm: batchNorm,
  FusedMatMul: fused,
};

describe('products and normalisation', () => {
  testKernels({ ...matmul, ...normalization }, table);
});
