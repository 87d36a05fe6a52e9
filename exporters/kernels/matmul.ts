/**
 * Matrix products. A transposed operand costs nothing: Gemm has flags for it.
 * ONNX: https://onnx.ai/onnx/operators/onnx__Gemm.html, https://onnx.ai/onnx/operators/onnx__MatMul.html
 */
import { GanError } from '../../src/core/errors.js';
import type { Builder } from '../builder.js';
import type { Attributes } from '../kernel.js';
import { plainLayout, type Value } from '../value.js';
import { writeElementwise, writeLeakyRelu } from './elementwise.js';

/** Name of a whole matrix, and whether it lies transposed. */
function asMatrix(builder: Builder, value: Value): { name: string; transposed: boolean } {
  const whole = builder.complete(value);
  return { name: whole.name, transposed: whole.layout[0] === 1 };
}

function writeGemm(builder: Builder, a: Value, b: Value, transposeA: boolean, transposeB: boolean): Value {
  const left = asMatrix(builder, a);
  const right = asMatrix(builder, b);
  const shape = [a.shape[transposeA ? 1 : 0]!, b.shape[transposeB ? 0 : 1]!];
  const name = builder.node('Gemm', [left.name, right.name], shape, 'float32', {
    transA: Number(transposeA !== left.transposed),
    transB: Number(transposeB !== right.transposed),
  });
  return builder.value(name, shape);
}

/** Writes a product over the last two axes; leading axes broadcast. */
function writeMatMul(builder: Builder, a: Value, b: Value, transposeA: boolean, transposeB: boolean): Value {
  if (a.shape.length === 2 && b.shape.length === 2) return writeGemm(builder, a, b, transposeA, transposeB);
  const operand = (value: Value, transpose: boolean): { name: string; shape: number[] } => {
    const rank = value.shape.length;
    const order = plainLayout(rank);
    if (transpose) order.push(...order.splice(rank - 2, 1));
    return { name: builder.inLayout(value, order), shape: order.map((axis) => value.shape[axis]!) };
  };
  const left = operand(a, transposeA);
  const right = operand(b, transposeB);
  const longer = left.shape.length >= right.shape.length ? left.shape : right.shape;
  const batch = longer.slice(0, -2).map((extent, i) => {
    const other = (longer === left.shape ? right : left).shape.slice(0, -2).at(i - (longer.length - 2)) ?? 1;
    return Math.max(extent, other);
  });
  const shape = [...batch, left.shape.at(-2)!, right.shape.at(-1)!];
  return builder.value(builder.node('MatMul', [left.name, right.name], shape, 'float32'), shape);
}

/** tfjs BatchMatMul({a, b}, {transposeA, transposeB}) -> ONNX Gemm(A, B; transA, transB), MatMul beyond two axes. */
export function BatchMatMul(
  { a, b }: { a: Value; b: Value },
  attributes: Attributes,
  builder: Builder,
): Value {
  return writeMatMul(builder, a, b, attributes.get('transposeA'), attributes.get('transposeB'));
}

/** Operators for the activations that tfjs fuses into a product or a convolution. */
const ACTIVATIONS: Record<string, (builder: Builder, x: Value, alpha: number) => Value> = {
  linear: (_, x) => x,
  relu: (builder, x) => writeElementwise(builder, 'Relu', [x], x.dtype),
  sigmoid: (builder, x) => writeElementwise(builder, 'Sigmoid', [x], x.dtype),
  leakyrelu: writeLeakyRelu,
};

/** Writes the bias and the activation of a fused kernel. */
export function writeBiasAndActivation(
  builder: Builder,
  x: Value,
  bias: Value | undefined,
  kernel: string,
  attributes: Attributes,
): Value {
  const activation = attributes.get<string | undefined>('activation') ?? 'linear';
  // tfjs gives a slope with every activation.
  const alpha = attributes.optional<number>('leakyreluAlpha') ?? 0.2;
  const activate = ACTIVATIONS[activation];
  if (!activate) {
    throw new GanError(
      'UNSUPPORTED_OP',
      kernel,
      `Expected a fused activation of ${Object.keys(ACTIVATIONS).join(', ')}, got \`${activation}\`. Apply it as an op of its own.`,
    );
  }
  const biased = bias ? writeElementwise(builder, 'Add', [x, bias], x.dtype) : x;
  return activate(builder, biased, alpha);
}

/** tfjs _FusedMatMul({a, b, bias}, {…, activation}) -> ONNX Gemm, Add, activation. */
export function FusedMatMul(
  { a, b, bias }: { a: Value; b: Value; bias?: Value },
  attributes: Attributes,
  builder: Builder,
): Value {
  const product = writeMatMul(builder, a, b, attributes.get('transposeA'), attributes.get('transposeB'));
  return writeBiasAndActivation(builder, product, bias, '_FusedMatMul', attributes);
}
