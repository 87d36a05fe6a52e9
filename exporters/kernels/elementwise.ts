/**
 * Kernels that work element by element. Operands meet in one layout, so that values that came from a convolution
 * stay in NCHW and a bias or a scale is laid out to broadcast against them.
 * ONNX operators: https://onnx.ai/onnx/operators/ (opset 17); broadcasting is NumPy's on both sides.
 */
import { backend_util } from '@tensorflow/tfjs-core';
import { GanError } from '../../src/core/errors.js';
import { sizeOf } from '../../src/core/tensor.js';
import type { Builder } from '../builder.js';
import type { GraphType } from '../graph.js';
import type { Attributes } from '../kernel.js';
import { plainLayout, type Value } from '../value.js';

type Unary = (inputs: { x: Value }, attributes: Attributes, builder: Builder) => Value;
type Binary = (inputs: { a: Value; b: Value }, attributes: Attributes, builder: Builder) => Value;

/** Writes one operator over values that broadcast together; the largest operand's layout wins. */
export function writeElementwise(
  builder: Builder,
  op: string,
  values: readonly Value[],
  dtype: GraphType,
): Value {
  const shape = values
    .map((value) => [...value.shape])
    .reduce((a, b) => backend_util.assertAndGetBroadcastShape(a, b));
  const rank = shape.length;
  const leader = values
    .filter((value) => value.shape.length === rank)
    .reduce<Value | undefined>(
      (best, value) => (best && sizeOf(best.extents) >= sizeOf(value.extents) ? best : value),
      undefined,
    );
  const hasLeader = leader !== undefined && leader.extents.length === rank;
  const layout = hasLeader ? leader.layout : plainLayout(rank);
  const operands = values.map((value) => builder.aligned(value, rank, layout, !hasLeader));
  const extents = operands
    .map((operand) => [...operand.extents])
    .reduce((a, b) => backend_util.assertAndGetBroadcastShape(a, b));
  const name = builder.node(
    op,
    operands.map((operand) => operand.name),
    extents,
    dtype,
  );
  return { name, dtype, shape, layout, extents };
}

const unary =
  (op: string): Unary =>
  ({ x }, _, builder) =>
    writeElementwise(builder, op, [x], x.dtype);
const binary =
  (op: string): Binary =>
  ({ a, b }, _, builder) =>
    writeElementwise(builder, op, [a, b], a.dtype);
const comparison =
  (op: string): Binary =>
  ({ a, b }, _, builder) =>
    writeElementwise(builder, op, [a, b], 'bool');

// tfjs Unary({x}) -> ONNX Op(X)
export const Abs = unary('Abs');
export const Exp = unary('Exp');
export const Log = unary('Log');
export const LogicalNot = unary('Not');
export const Neg = unary('Neg');
export const Reciprocal = unary('Reciprocal');
export const Relu = unary('Relu');
export const Sigmoid = unary('Sigmoid');
export const Sign = unary('Sign');
export const Softplus = unary('Softplus');
export const Sqrt = unary('Sqrt');
export const Tanh = unary('Tanh');

// tfjs Binary({a, b}) -> ONNX Op(A, B)
export const Add = binary('Add');
export const Maximum = binary('Max');
export const Minimum = binary('Min');
export const Multiply = binary('Mul');
export const Pow = binary('Pow');
export const Sub = binary('Sub');
export const Equal = comparison('Equal');
export const Greater = comparison('Greater');
export const GreaterEqual = comparison('GreaterOrEqual');
export const Less = comparison('Less');
export const LessEqual = comparison('LessOrEqual');
export const LogicalAnd = comparison('And');
export const LogicalOr = comparison('Or');

/** tfjs RealDiv({a, b}) -> ONNX Div. The trap: ONNX divides integers as integers, tfjs as floats. */
export const RealDiv: Binary = ({ a, b }, _, builder) => {
  if (a.dtype !== 'float32' || b.dtype !== 'float32') {
    throw new GanError(
      'UNSUPPORTED_OP',
      'RealDiv',
      `Expected float32 operands, got \`${a.dtype}, ${b.dtype}\`.`,
    );
  }
  return writeElementwise(builder, 'Div', [a, b], 'float32');
};

/** tfjs NotEqual({a, b}) -> ONNX Not(Equal(A, B)); ONNX has no operator of its own for it. */
export const NotEqual: Binary = ({ a, b }, _, builder) =>
  writeElementwise(builder, 'Not', [writeElementwise(builder, 'Equal', [a, b], 'bool')], 'bool');

/** tfjs Square({x}) -> ONNX Mul(X, X). */
export const Square: Unary = ({ x }, _, builder) => writeElementwise(builder, 'Mul', [x, x], x.dtype);

/** tfjs SquaredDifference({a, b}) -> ONNX Mul(D, D) with D = Sub(A, B). */
export const SquaredDifference: Binary = ({ a, b }, _, builder) => {
  const difference = writeElementwise(builder, 'Sub', [a, b], a.dtype);
  return writeElementwise(builder, 'Mul', [difference, difference], a.dtype);
};

/** tfjs Rsqrt({x}) -> ONNX Reciprocal(Sqrt(X)). */
export const Rsqrt: Unary = ({ x }, _, builder) =>
  writeElementwise(builder, 'Reciprocal', [writeElementwise(builder, 'Sqrt', [x], x.dtype)], x.dtype);

/** tfjs Log1p({x}) -> ONNX Log(Add(X, 1)); loses digits below 1e-7, where tfjs keeps them. */
export const Log1p: Unary = ({ x }, _, builder) =>
  writeElementwise(
    builder,
    'Log',
    [writeElementwise(builder, 'Add', [x, builder.scalar(1)], x.dtype)],
    x.dtype,
  );

/** Times this, every float32 but the subnormal ones lies beyond 1. */
const HUGE = 3.4e38;

/**
 * tfjs Step({x}, {alpha}): 1 above 0, alpha else -> ONNX Clip(X · huge, alpha, 1) for an alpha below 1: two passes at
 * the speed of memory, where Where alone takes as long as eight on a CPU. The trap: Step(NaN) is NaN, and so it is here.
 */
export const Step: Unary = ({ x }, attributes, builder) => {
  const alpha = attributes.get<number>('alpha');
  if (x.dtype === 'float32' && alpha < 1) {
    const scaled = writeElementwise(builder, 'Mul', [x, builder.scalar(HUGE)], x.dtype);
    const limits = [builder.scalar(alpha).name, builder.scalar(1).name];
    return { ...scaled, name: builder.node('Clip', [scaled.name, ...limits], scaled.extents, x.dtype) };
  }
  const positive = writeElementwise(builder, 'Greater', [x, builder.scalar(0, x.dtype)], 'bool');
  const values = [positive, builder.scalar(1, x.dtype), builder.scalar(alpha, x.dtype)];
  return writeElementwise(builder, 'Where', values, x.dtype);
};

/** Writes x above 0 and alpha · x else. */
export function writeLeakyRelu(builder: Builder, x: Value, alpha: number): Value {
  const name = builder.node('LeakyRelu', [x.name], x.extents, x.dtype, { alpha: { float: alpha } });
  return { ...x, name };
}

/** tfjs LeakyRelu({x}, {alpha}) -> ONNX LeakyRelu(X, alpha). */
export const LeakyRelu: Unary = ({ x }, attributes, builder) =>
  writeLeakyRelu(builder, x, attributes.get<number>('alpha'));

/** tfjs ClipByValue({x}, {clipValueMin, clipValueMax}) -> ONNX Clip(X, min, max). */
export const ClipByValue: Unary = ({ x }, attributes, builder) => {
  const low = builder.scalar(attributes.get<number>('clipValueMin'), x.dtype);
  const high = builder.scalar(attributes.get<number>('clipValueMax'), x.dtype);
  return { ...x, name: builder.node('Clip', [x.name, low.name, high.name], x.extents, x.dtype) };
};

/** tfjs Select({condition, t, e}) -> ONNX Where(condition, X, Y). */
export function Select(
  { condition, t, e }: { condition: Value; t: Value; e: Value },
  _: Attributes,
  builder: Builder,
): Value {
  return writeElementwise(builder, 'Where', [condition, t, e], t.dtype);
}

const ELEMENT_TYPE: Partial<Record<GraphType, number>> = { float32: 1, int32: 6, bool: 9 }; // TensorProto.DataType

/** Writes a change of type. */
export function writeCast(builder: Builder, x: Value, dtype: GraphType): Value {
  if (dtype === x.dtype) return x;
  const to = ELEMENT_TYPE[dtype];
  if (to === undefined)
    throw new GanError('UNSUPPORTED_OP', 'Cast', `Expected float32, int32 or bool, got \`${dtype}\`.`);
  return { ...x, dtype, name: builder.node('Cast', [x.name], x.extents, dtype, { to }) };
}

/** tfjs Cast({x}, {dtype}) -> ONNX Cast(X, to); both cut floats towards 0. */
export const Cast: Unary = ({ x }, attributes, builder) =>
  writeCast(builder, x, attributes.get<GraphType>('dtype'));
