/**
 * Element by element, matrix products, reductions and normalization: ONNX operators written in TensorFlow.js.
 * Each follows its page under https://onnx.ai/onnx/operators/ at opset 13 to 17.
 */
import * as tf from '@tensorflow/tfjs-core';
import { GanError } from '../../src/core/errors.js';
import { elementType } from './constants.js';
import { fromFront, type Operator, type OperatorTable, required, wholeNumbers } from './operator.js';

const unary = (compute: (x: tf.Tensor) => tf.Tensor): Operator => ({
  attributes: {},
  run: (inputs) => compute(required(inputs, 0)),
});

const binary = (compute: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Operator => ({
  attributes: {},
  run: (inputs) => compute(required(inputs, 0), required(inputs, 1)),
});

/** Max and Min take any number of inputs. */
const variadic = (compute: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Operator => ({
  attributes: {},
  run: (inputs) => inputs.map((_, at) => required(inputs, at)).reduce(compute),
});

/** tfjs rounds quotients of whole numbers down, ONNX towards zero. */
function divide(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  if (a.dtype === 'float32') return tf.div(a, b);
  throw new GanError(
    'UNSUPPORTED_OP',
    'tensorflow',
    `Expected Div of float32, got \`${a.dtype}\`. Cast it first.`,
  );
}

/** Axes are an input from opset 13 on for ReduceSum, an attribute for the others. */
const reduce = (compute: (x: tf.Tensor, axes: number[], keep: boolean) => tf.Tensor): Operator => ({
  attributes: { axes: 'any', keepdims: 'any', noop_with_empty_axes: 'any' },
  run(inputs, attributes) {
    const x = required(inputs, 0);
    const axes = wholeNumbers(inputs[1]) ?? [...(attributes.numbers('axes') ?? [])];
    if (axes.length === 0 && attributes.number('noop_with_empty_axes', 0)) return x;
    const all = axes.length ? axes.map((axis) => fromFront(axis, x.rank)) : x.shape.map((_, axis) => axis);
    return compute(x, all, attributes.number('keepdims', 1) === 1);
  },
});

/** [C] or [] as [1, C, 1, ...], to meet x [B, C, ...]. */
const perChannel = (values: tf.Tensor, rank: number): tf.Tensor =>
  tf.reshape(values, [1, -1, ...Array<number>(Math.max(0, rank - 2)).fill(1)]);

export const arithmetic: OperatorTable = {
  Abs: unary(tf.abs),
  Add: binary(tf.add),
  Div: binary(divide),
  Exp: unary(tf.exp),
  Identity: unary((x) => x),
  Log: unary(tf.log),
  Max: variadic(tf.maximum),
  Min: variadic(tf.minimum),
  Mul: binary(tf.mul),
  Neg: unary(tf.neg),
  Pow: binary(tf.pow),
  Reciprocal: unary(tf.reciprocal),
  Relu: unary(tf.relu),
  Sigmoid: unary(tf.sigmoid),
  Softplus: unary(tf.softplus),
  Sqrt: unary(tf.sqrt),
  Sub: binary(tf.sub),
  Tanh: unary(tf.tanh),

  LeakyRelu: {
    attributes: { alpha: 'any' },
    run: (inputs, attributes) => tf.leakyRelu(required(inputs, 0), attributes.number('alpha', 0.01)),
  },

  Clip: {
    attributes: {},
    run([x, low, high]) {
      const raised = low ? tf.maximum(required([x], 0), low) : required([x], 0);
      return high ? tf.minimum(raised, high) : raised;
    },
  },

  // To float16 it does not round: whatever a file says, this engine computes in float32.
  Cast: {
    attributes: { to: [1, 2, 6, 7, 9, 10] },
    run: (inputs, attributes) =>
      tf.cast(required(inputs, 0), elementType(attributes.number('to', 0), 'Cast.to').engine),
  },

  MatMul: binary((a, b) => tf.matMul(a, b)),

  Gemm: {
    attributes: { alpha: 'any', beta: 'any', transA: 'any', transB: 'any' },
    run(inputs, attributes) {
      const a = required(inputs, 0) as tf.Tensor2D;
      const b = required(inputs, 1) as tf.Tensor2D;
      const product = tf.matMul(a, b, !!attributes.number('transA', 0), !!attributes.number('transB', 0));
      const scaled = tf.mul(product, attributes.number('alpha', 1));
      return inputs[2] ? tf.add(scaled, tf.mul(inputs[2], attributes.number('beta', 1))) : scaled;
    },
  },

  ReduceSum: reduce(tf.sum),
  ReduceMean: reduce(tf.mean),
  ReduceMax: reduce(tf.max),

  BatchNormalization: {
    attributes: { epsilon: 'any', momentum: 'any', training_mode: [0] },
    run(inputs, attributes) {
      const x = required(inputs, 0); // [B, C, ...]
      const [scale, shift, mean, variance] = [1, 2, 3, 4].map((at) =>
        perChannel(required(inputs, at), x.rank),
      ) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
      const deviation = tf.sqrt(tf.add(variance, attributes.number('epsilon', 1e-5)));
      return tf.add(tf.mul(tf.div(tf.sub(x, mean), deviation), scale), shift);
    },
  },
};
