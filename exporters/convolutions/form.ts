/** What a form of convolutions (../form.ts) can do. */
import type { Builder } from '../builder.js';
import type { Value } from '../value.js';
import type { Geometry } from './geometry.js';

/** How convolutions are written. */
export interface ConvolutionForm {
  /** The layout in which it wants filters to lie. */
  readonly filterLayout: readonly number[];
  /** x [B, H, W, in], filter [H, W, in, out] -> [B, H', W', out]. */
  convolve(builder: Builder, x: Value, filter: Value, geometry: Geometry): Value;
  /** The gradient of x, which is a transposed convolution: dy [B, H', W', out], filter -> [B, H, W, in]. */
  transpose(builder: Builder, dy: Value, filter: Value, geometry: Geometry): Value;
}
