/**
 * Kernels that reduce along axes. Axes are logical in tfjs and physical in ONNX; the layout translates.
 * The trap: tfjs names the axes `axis` for Sum and Mean but `reductionIndices` for Max.
 */
import { util } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../src/core/tensor.js';
import type { Builder } from '../builder.js';
import type { Attribute } from '../graph.js';
import type { Attributes } from '../kernel.js';
import type { Value } from '../value.js';
import { writeCast } from './elementwise.js';

type Reduction = (inputs: { x: Value }, attributes: Attributes, builder: Builder) => Value;

/** What a sum over so many rows is multiplied by, for the reductions that are sums. */
const ROW_SCALE: Readonly<Record<string, (rows: number) => number>> = {
  ReduceSum: () => 1,
  ReduceMean: (rows) => 1 / rows,
};

/** The sum over all leading axes as a product with a row of ones: Gemm adds rows three times as fast as ReduceSum. */
function writeRowSum(
  builder: Builder,
  x: Value,
  rows: number,
  scale: number,
  extents: readonly number[],
): string {
  const columns = sizeOf(x.extents) / rows;
  const matrix = builder.reshape(x.name, [rows, columns]);
  const ones = builder.once(`ones ${rows}`, () =>
    builder.graph.addInitializer(`ones/${rows}`, {
      shape: [1, rows],
      dtype: 'float32',
      data: new Float32Array(rows).fill(1),
    }),
  );
  const sum = builder.node('Gemm', [ones, matrix], [1, columns], 'float32', { alpha: { float: scale } });
  return builder.reshape(sum, extents);
}

/** tfjs Op({x}, {axes, keepDims}) -> ONNX ReduceOp(data, axes, keepdims). */
function reduction(op: string, axisName: 'axis' | 'reductionIndices'): Reduction {
  return ({ x }, attributes, builder) => {
    const asked = attributes.get<number | number[] | null>(axisName);
    const keepDims = attributes.optional<boolean>('keepDims') ?? false;
    const reduced = util.parseAxisParam(asked as number | number[], [...x.shape]);
    const whole = builder.complete(x);
    if (reduced.length === 0) return whole;
    const axes = reduced.map((axis) => whole.layout.indexOf(axis)).sort((a, b) => a - b);
    const kept = whole.layout.filter((axis) => keepDims || !reduced.includes(axis));
    const extents = kept.map((axis) => (reduced.includes(axis) ? 1 : whole.shape[axis]!));
    const shape = x.shape.flatMap((extent, axis) =>
      reduced.includes(axis) ? (keepDims ? [1] : []) : [extent],
    );
    const rank = [...kept].sort((a, b) => a - b);
    const layout = kept.map((axis) => rank.indexOf(axis));
    const rows = axes.every((axis, i) => axis === i) ? sizeOf(whole.extents.slice(0, axes.length)) : 0;
    if (builder.form === 'products' && op in ROW_SCALE && rows > 1 && x.dtype === 'float32') {
      const name = writeRowSum(builder, whole, rows, ROW_SCALE[op]!(rows), extents);
      return { name, dtype: x.dtype, shape, layout, extents };
    }
    const attribute: Record<string, Attribute> = { keepdims: keepDims ? 1 : 0 };
    // Opset 13 made the axes of ReduceSum an input; the other reductions followed only in opset 18.
    const inputs = op === 'ReduceSum' ? [whole.name, builder.integers(axes)] : [whole.name];
    if (op !== 'ReduceSum') attribute.axes = axes;
    const name = builder.node(op, inputs, extents, x.dtype, attribute);
    return { name, dtype: x.dtype, shape, layout, extents };
  };
}

export const Sum = reduction('ReduceSum', 'axis');
const meanOfFloats = reduction('ReduceMean', 'axis');
/** tfjs Mean({x}, {axis, keepDims}) -> ONNX ReduceMean(data, axes, keepdims). The trap: ONNX rounds means of integers. */
export const Mean: Reduction = ({ x }, attributes, builder) =>
  meanOfFloats({ x: writeCast(builder, x, 'float32') }, attributes, builder);
export const Prod = reduction('ReduceProd', 'axis');
export const Max = reduction('ReduceMax', 'reductionIndices');
export const Min = reduction('ReduceMin', 'axis');
