/**
 * Convolutions and their two gradients. How they are written is the form's business (../convolutions); here stands
 * what each tfjs kernel means. https://js.tensorflow.org/api/latest/#conv2d
 */
import type { Builder } from '../builder.js';
import { convolutionForms, readGeometry, writeFilterGradient } from '../convolutions/index.js';
import type { Attributes } from '../kernel.js';
import type { Value } from '../value.js';
import { writeBiasAndActivation } from './matmul.js';

/** tfjs Conv2D({x, filter}) -> ONNX Conv(X, W), or Gemm. */
export function Conv2D(
  { x, filter }: { x: Value; filter: Value },
  attributes: Attributes,
  builder: Builder,
): Value {
  const geometry = readGeometry('Conv2D', attributes, x.shape, filter.shape);
  return convolutionForms[builder.form].convolve(builder, x, filter, geometry);
}

/** tfjs FusedConv2D({x, filter, bias}, {…, activation}) -> ONNX Conv or Gemm, Add, activation. */
export function FusedConv2D(
  { x, filter, bias }: { x: Value; filter: Value; bias?: Value },
  attributes: Attributes,
  builder: Builder,
): Value {
  const geometry = readGeometry('FusedConv2D', attributes, x.shape, filter.shape);
  const y = convolutionForms[builder.form].convolve(builder, x, filter, geometry);
  return writeBiasAndActivation(builder, y, bias, 'FusedConv2D', attributes);
}

/** tfjs Conv2DBackpropInput({dy, filter}, {inputShape}) -> ONNX ConvTranspose(dY, W), or Gemm. This is conv2dTranspose too. */
export function Conv2DBackpropInput(
  { dy, filter }: { dy: Value; filter: Value },
  attributes: Attributes,
  builder: Builder,
): Value {
  const shape = attributes.get<number[]>('inputShape');
  const geometry = readGeometry('Conv2DBackpropInput', attributes, shape, filter.shape);
  return convolutionForms[builder.form].transpose(builder, dy, filter, geometry);
}

/** tfjs Conv2DBackpropFilter({x, dy}, {filterShape}) -> ONNX Gemm(patches of X, dY); ONNX has no operator for it. */
export function Conv2DBackpropFilter(
  { x, dy }: { x: Value; dy: Value },
  attributes: Attributes,
  builder: Builder,
): Value {
  const shape = attributes.get<number[]>('filterShape');
  const geometry = readGeometry('Conv2DBackpropFilter', attributes, x.shape, shape);
  return writeFilterGradient(builder, x, dy, geometry);
}
