/**
 * Reductions over every subset of axes, from both ends of the shape, over every way in which the operand can lie.
 * Axes are logical to tfjs and physical to ONNX: an operand in another layout is where they differ.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe } from 'vitest';
import * as reduce from '../exporters/kernels/reduce.js';
import {
  differentiable,
  forward,
  integers,
  type KernelCase,
  type KernelCases,
  testKernels,
} from './support/kernel-cases.js';
import { fromNchw, overViews } from './support/views.js';

type Reduction = (x: tf.Tensor, axis?: number | number[], keepDims?: boolean) => tf.Tensor;

const SUBSETS = Array.from({ length: 16 }, (_, bits) => [0, 1, 2, 3].filter((axis) => bits & (1 << axis)));

/**
 * Cases of one reduction.
 *
 * @param declare `forward` where tfjs's gradient needs an op that has no kernel
 */
function reduction(op: Reduction, declare = differentiable): Record<string, KernelCase> {
  const cases: Record<string, KernelCase> = {};
  for (const axes of SUBSETS) {
    for (const keepDims of [false, true]) {
      const name = `over [${axes}]${keepDims ? ', kept' : ''}`;
      cases[`${name}, plain`] = declare((x) => op(x, axes, keepDims), [2, 3, 4, 2]);
      cases[`${name}, nchw`] = declare((x) => op(fromNchw(x), axes, keepDims), [2, 2, 3, 4]);
      cases[`${name}, from the end`] = declare(
        (x) =>
          op(
            fromNchw(x),
            axes.map((axis) => axis - 4),
            keepDims,
          ),
        [2, 2, 3, 4],
      );
    }
  }
  const views = {
    ...overViews((x) => op(x), 'all of '),
    ...overViews((x) => op(x, 0), 'rows of '),
    ...overViews((x) => op(x, -1, true), 'columns, kept, of '),
    ...overViews((x) => tf.sub(x, op(x, 1, true)), 'rest of '),
  };
  for (const [name, item] of Object.entries(views))
    cases[name] = { ...item, gradient: declare === differentiable };
  return {
    ...cases,
    scalar: declare((x) => op(x), []),
    'unordered axes': declare((x) => op(fromNchw(x), [3, 0]), [2, 2, 3, 4]),
    'of a reduction': declare((x) => op(op(fromNchw(x), [2]), [1], true), [2, 2, 3, 4]),
    'of a reduction that was kept': declare((x) => op(op(fromNchw(x), 3, true), [1, 2]), [2, 2, 3, 4]),
    'read in another layout': declare(
      (x) => tf.mul(tf.transpose(op(fromNchw(x), [0])), tf.ones([2, 4, 3])),
      [2, 2, 3, 4],
    ),
    int32: forward((x) => op(x, 1), integers('x', [3, 4])),
    'int32, all': forward((x) => op(x), integers('x', [3, 4])),
    'int32, no axis': forward((x) => op(x, []), integers('x', [3, 4])),
  };
}

const table: KernelCases = {
  Max: reduction(tf.max),
  Mean: reduction(tf.mean),
  Min: reduction(tf.min),
  Prod: reduction(tf.prod, forward),
  Sum: reduction(tf.sum),
};

describe.each(['operators', 'products'] as const)('reductions as %s', (form) => {
  testKernels(reduce, table, form);
});
