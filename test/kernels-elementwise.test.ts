/**
 * Elementwise kernels: every one over every way in which its operands can lie and broadcast.
 * The gradients run through the same kernels again, with reductions back over the broadcast axes.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe } from 'vitest';
import * as elementwise from '../exporters/kernels/elementwise.js';
import type { PlainTensor } from '../src/core/tensor.js';
import {
  booleans,
  differentiable,
  forward,
  integers,
  type KernelCase,
  type KernelCases,
  numbers,
  testKernels,
} from './support/kernel-cases.js';
import { randomTensor } from './support/run-traced.js';
import { fromNchw } from './support/views.js';

type Unary = (x: tf.Tensor) => tf.Tensor;
type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
type Give = (name: string, shape: readonly number[]) => PlainTensor;
type Declare = typeof differentiable;

const positive: Give = (name, shape) => numbers(name, shape, (value) => Math.abs(value) + 0.3);
const wholeFloats: Give = (name, shape) => ({
  ...integers(name, shape),
  dtype: 'float32',
  data: Float32Array.from(integers(name, shape).data),
});

/** One operand: plain, scalar, in another layout, a broadcast view, a constant, a uniform constant. */
function unary(
  op: Unary,
  give: Give = randomTensor,
  declare: Declare = differentiable,
): Record<string, KernelCase> {
  return {
    plain: declare(op, give('x', [5, 3])),
    scalar: declare(op, give('x', [])),
    'one element': declare(op, give('x', [1, 1, 1])),
    nchw: declare((x) => op(fromNchw(x)), give('x', [2, 3, 5, 4])),
    'broadcast view': declare((x) => op(tf.broadcastTo(x, [4, 3])), give('x', [1, 3])),
    'grown rank': declare((x) => op(tf.broadcastTo(x, [2, 4, 3])), give('x', [3])),
    constant: forward(() =>
      op(tf.tensor(give('k', [2, 3]).data, [2, 3], give('k', []).dtype as tf.DataType)),
    ),
    'uniform constant': forward(() => op(tf.fill([2, 3], 1, give('k', []).dtype as 'float32'))),
  };
}

/** Two operands: every way to broadcast, in equal and in different layouts. */
function binary(
  op: Binary,
  give: Give = randomTensor,
  declare: Declare = differentiable,
): Record<string, KernelCase> {
  const uniform = (shape: number[]): tf.Tensor => tf.fill(shape, 1, give('k', []).dtype as 'float32');
  return {
    'equal shapes': declare(op, give('a', [4, 3]), give('b', [4, 3])),
    'both broadcast': declare(op, give('a', [5, 1, 3]), give('b', [4, 3])),
    'both broadcast, longer last': declare(op, give('a', [4, 1]), give('b', [5, 4, 3])),
    'scalar right': declare(op, give('a', [4, 3]), give('b', [])),
    'scalar left': declare(op, give('a', []), give('b', [4, 3])),
    'two scalars': declare(op, give('a', []), give('b', [])),
    'one element with a matrix': declare(op, give('a', [1]), give('b', [4, 3])),
    'ones of two ranks': declare(op, give('a', [1, 1]), give('b', [1])),
    'nchw and channels': declare((a, b) => op(fromNchw(a), b), give('a', [2, 3, 4, 5]), give('b', [3])),
    'channels and nchw': declare((a, b) => op(a, fromNchw(b)), give('a', [3]), give('b', [2, 3, 4, 5])),
    'nchw and plain': declare((a, b) => op(fromNchw(a), b), give('a', [2, 3, 4, 5]), give('b', [2, 4, 5, 3])),
    'plain and nchw row': declare(
      (a, b) => op(a, fromNchw(b)),
      give('a', [2, 4, 5, 3]),
      give('b', [2, 1, 1, 5]),
    ),
    'nchw twice': declare(
      (a, b) => op(fromNchw(a), fromNchw(b)),
      give('a', [2, 3, 4, 5]),
      give('b', [2, 3, 1, 5]),
    ),
    'nchw and a transposed matrix': declare(
      (a, b) => op(fromNchw(a), tf.transpose(b)),
      give('a', [2, 3, 4, 5]),
      give('b', [3, 5]),
    ),
    'transposed twice': declare(
      (a, b) => op(tf.transpose(a), tf.transpose(b)),
      give('a', [3, 4]),
      give('b', [3, 4]),
    ),
    'transposed and plain': declare((a, b) => op(tf.transpose(a), b), give('a', [3, 4]), give('b', [4, 3])),
    'two broadcast views': declare(
      (a, b) => op(tf.broadcastTo(a, [4, 3]), tf.broadcastTo(b, [4, 3])),
      give('a', [1, 3]),
      give('b', [4, 1]),
    ),
    'uniform constant right': declare((a) => op(a, uniform([4, 3])), give('a', [4, 3])),
    'uniform constant left': declare((b) => op(uniform([4, 3]), b), give('b', [3])),
    'uniform constant of more axes, then cut': declare(
      (a) => tf.slice(op(a, uniform([2, 4, 3])), [1, 0, 1], [1, 2, 2]),
      give('a', [1, 1]),
    ),
    constant: declare(
      (a) => op(fromNchw(a), tf.tensor(give('k', [3]).data, [3], give('k', []).dtype as tf.DataType)),
      give('a', [2, 3, 4, 5]),
    ),
    'the same twice': declare((a) => op(a, a), give('a', [4, 3])),
  };
}

/** tfjs's gradients of these ops do not sum over broadcast axes, so that only equal shapes have any. */
function withoutBroadcastGradients(cases: Record<string, KernelCase>): Record<string, KernelCase> {
  const equal = ['equal shapes', 'two scalars', 'nchw and plain', 'transposed twice', 'transposed and plain'];
  return Object.fromEntries(
    Object.entries(cases).map(([name, item]) => [
      name,
      {
        ...item,
        gradient: item.gradient && [...equal, 'two broadcast views', 'the same twice'].includes(name),
      },
    ]),
  );
}

/** As {@link binary} in whole numbers, forward, beside the float cases. */
function withIntegers(op: Binary): Record<string, KernelCase> {
  const whole = Object.entries(binary(op, integers, forward)).map(([name, item]) => [`int32 ${name}`, item]);
  return { ...binary(op), ...Object.fromEntries(whole) };
}

/** As {@link unary} in whole numbers, forward, beside the float cases. */
function unaryWithIntegers(op: Unary): Record<string, KernelCase> {
  const whole = Object.entries(unary(op, integers, forward)).map(([name, item]) => [`int32 ${name}`, item]);
  return { ...unary(op), ...Object.fromEntries(whole) };
}

function comparison(op: Binary): Record<string, KernelCase> {
  const whole = Object.entries(binary(op, integers, forward)).map(([name, item]) => [`int32 ${name}`, item]);
  return { ...binary(op, wholeFloats, forward), ...Object.fromEntries(whole) };
}

/** Comparisons of truth values. */
function truth(op: Binary): Record<string, KernelCase> {
  const cases = Object.entries(binary(op, booleans, forward)).map(([name, item]) => [`bool ${name}`, item]);
  return Object.fromEntries(cases);
}

const select: Record<string, KernelCase> = {
  plain: differentiable(tf.where as KernelCase['run'], booleans('c', [4, 3]), [4, 3], [4, 3]),
  'all broadcast': differentiable(tf.where as KernelCase['run'], booleans('c', [4, 1]), [3], [5, 1, 1]),
  nchw: differentiable(
    (c, a, b) => tf.where(fromNchw(c), fromNchw(a), b),
    booleans('c', [2, 3, 4, 5]),
    [2, 3, 4, 5],
    [3],
  ),
  'condition from a comparison': differentiable(
    (n, a, b) => tf.where(tf.greater(n, 0), a, tf.mul(b, b)),
    integers('n', [4, 3]),
    [4, 3],
    [3],
  ),
  int32: forward(
    tf.where as KernelCase['run'],
    booleans('c', [4, 1]),
    integers('a', [4, 3]),
    integers('b', [3]),
  ),
  'views and constants': differentiable(
    (c, a) => tf.where(tf.broadcastTo(c, [4, 3]), tf.broadcastTo(a, [4, 3]), tf.zeros([4, 3])),
    booleans('c', [1, 3]),
    [4, 1],
  ),
};

const cast: Record<string, KernelCase> = {
  'float32 to int32': forward(
    (x) => tf.cast(x, 'int32'),
    numbers('x', [4, 5], (value) => value * 3),
  ),
  'float32 to bool': forward((x) => tf.cast(x, 'bool'), wholeFloats('x', [4, 5])),
  'int32 to float32': forward((x) => tf.cast(x, 'float32'), integers('x', [4, 5])),
  'int32 to bool': forward((x) => tf.cast(x, 'bool'), integers('x', [4, 5])),
  'bool to float32, nchw': forward((x) => tf.cast(fromNchw(x), 'float32'), booleans('x', [2, 3, 4, 5])),
  'bool to int32, a view': forward((x) => tf.cast(tf.broadcastTo(x, [4, 3]), 'int32'), booleans('x', [3])),
  'a mask': differentiable((m, y) => tf.mul(y, tf.cast(m, 'float32')), booleans('m', [4, 3]), [4, 3]),
};

const table: KernelCases = {
  Abs: unaryWithIntegers(tf.abs),
  Add: withIntegers(tf.add),
  Cast: cast,
  ClipByValue: unaryWithIntegers((x) => tf.clipByValue(x, -1, 2)),
  Equal: { ...comparison(tf.equal), ...truth(tf.equal) },
  Exp: unary(tf.exp),
  Greater: comparison(tf.greater),
  GreaterEqual: comparison(tf.greaterEqual),
  LeakyRelu: unary((x) => tf.leakyRelu(x, 0.1)),
  Less: comparison(tf.less),
  LessEqual: comparison(tf.lessEqual),
  Log: unary(tf.log, positive),
  Log1p: unary(tf.log1p, positive),
  LogicalAnd: truth(tf.logicalAnd),
  LogicalNot: unary(tf.logicalNot, booleans, forward),
  LogicalOr: truth(tf.logicalOr),
  Maximum: withoutBroadcastGradients(withIntegers(tf.maximum)),
  Minimum: withoutBroadcastGradients(withIntegers(tf.minimum)),
  Multiply: withIntegers(tf.mul),
  Neg: unaryWithIntegers(tf.neg),
  NotEqual: { ...comparison(tf.notEqual), ...truth(tf.notEqual) },
  Pow: binary(tf.pow, positive),
  RealDiv: binary(tf.div, positive),
  Reciprocal: unary(tf.reciprocal, positive),
  Relu: unaryWithIntegers(tf.relu),
  Rsqrt: unary(tf.rsqrt, positive),
  Select: select,
  Sigmoid: unary(tf.sigmoid),
  Sign: unaryWithIntegers(tf.sign),
  Softplus: unary(tf.softplus),
  Sqrt: unary(tf.sqrt, positive),
  Square: unaryWithIntegers(tf.square),
  SquaredDifference: withoutBroadcastGradients(withIntegers(tf.squaredDifference)),
  Step: { ...unaryWithIntegers((x) => tf.step(x)), 'other slope': forward((x) => tf.step(x, 0.25), [4, 3]) },
  Sub: withIntegers(tf.sub),
  Tanh: unary(tf.tanh),
};

describe('elementwise kernels', () => {
  testKernels(elementwise, table);
});
