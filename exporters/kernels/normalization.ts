/**
 * Batch normalisation with given statistics (arXiv:1502.03167, algorithm 2), written as elementwise operators, so
 * that a generator's constants fold into the product before it.
 */
import type { Builder } from '../builder.js';
import type { Attributes } from '../kernel.js';
import type { Value } from '../value.js';
import { writeElementwise } from './elementwise.js';

/** tfjs FusedBatchNorm({x, mean, variance, offset?, scale?}) -> (X − mean) · scale / √(variance + ε) + offset. */
export function FusedBatchNorm(
  inputs: { x: Value; mean: Value; variance: Value; offset?: Value; scale?: Value },
  attributes: Attributes,
  builder: Builder,
): Value {
  const { x, mean, variance, offset, scale } = inputs;
  const write = (op: string, ...values: Value[]): Value => writeElementwise(builder, op, values, 'float32');
  const epsilon = builder.scalar(attributes.get<number>('varianceEpsilon'));
  const inverse = write('Reciprocal', write('Sqrt', write('Add', variance, epsilon)));
  const scaled = write('Mul', write('Sub', x, mean), scale ? write('Mul', inverse, scale) : inverse);
  return offset ? write('Add', scaled, offset) : scaled;
}
