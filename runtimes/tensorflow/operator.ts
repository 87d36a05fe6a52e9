/**
 * What one ONNX operator is to the reference engine, and how operators read small whole-number inputs.
 * It knows no operator in particular.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { GanError } from '../../src/core/errors.js';
import type { AttributeRule, Attributes } from './attributes.js';

/** One operator: the attributes it understands, and what it computes, written in TensorFlow.js. */
export interface Operator {
  readonly attributes: Readonly<Record<string, AttributeRule>>;
  /** Attributes whose default the operator does not understand. */
  readonly required?: readonly string[];
  /** @param inputs in the order of the operator's page; undefined for one that is left out */
  run(inputs: readonly (tf.Tensor | undefined)[], attributes: Attributes): tf.Tensor;
}

/** Operators by their ONNX name. */
export type OperatorTable = Readonly<Record<string, Operator>>;

/** An input that the operator cannot do without. */
export function required(inputs: readonly (tf.Tensor | undefined)[], at: number): tf.Tensor {
  const tensor = inputs[at];
  if (tensor) return tensor;
  throw new GanError(
    'BAD_MODEL_FILE',
    'tensorflow',
    `Expected input ${at}, got \`none\`. Export the file again.`,
  );
}

/** The values of an input that holds a shape, axes or positions; undefined when it is left out. */
export function wholeNumbers(tensor: tf.Tensor | undefined): number[] | undefined {
  return tensor && Array.from(tensor.dataSync());
}

/** An axis counted from the front. */
export function fromFront(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}
