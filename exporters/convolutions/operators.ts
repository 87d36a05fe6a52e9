/**
 * Convolutions as ONNX's own operators. tfjs: images NHWC, filters [H, W, in, out]; ONNX: NCHW and [out, in, H, W].
 * https://onnx.ai/onnx/operators/onnx__Conv.html, https://onnx.ai/onnx/operators/onnx__ConvTranspose.html
 */
import { NCHW, OIHW, toPhysical } from '../value.js';
import type { ConvolutionForm } from './form.js';
import type { Geometry } from './geometry.js';

/** ONNX order: all beginnings, then all ends. */
function padsOf({ padInfo }: Geometry): number[] {
  return [padInfo.top, padInfo.left, padInfo.bottom, padInfo.right];
}

/** Conv(X, W) and ConvTranspose(dY, W). */
export const operators: ConvolutionForm = {
  filterLayout: OIHW,

  convolve(builder, x, filter, geometry) {
    const inputs = [builder.inLayout(x, [...NCHW]), builder.inLayout(filter, [...OIHW])];
    const extents = toPhysical(geometry.outShape, NCHW);
    const name = builder.node('Conv', inputs, extents, 'float32', {
      kernel_shape: [geometry.filterHeight, geometry.filterWidth],
      strides: [geometry.strideHeight, geometry.strideWidth],
      dilations: [geometry.dilationHeight, geometry.dilationWidth],
      pads: padsOf(geometry),
    });
    return builder.value(name, geometry.outShape, 'float32', [...NCHW]);
  },

  /** The trap: rows that the strided convolution never reached come back as `output_padding`. */
  transpose(builder, dy, filter, geometry) {
    const { strideHeight, strideWidth, filterHeight, filterWidth, padInfo, inHeight, inWidth } = geometry;
    const reachedHeight =
      (geometry.outHeight - 1) * strideHeight + filterHeight - padInfo.top - padInfo.bottom;
    const reachedWidth = (geometry.outWidth - 1) * strideWidth + filterWidth - padInfo.left - padInfo.right;
    // [in, out, H, W] of the transposed convolution is [out, in, H, W] of the convolution.
    const inputs = [builder.inLayout(dy, [...NCHW]), builder.inLayout(filter, [...OIHW])];
    const name = builder.node('ConvTranspose', inputs, toPhysical(geometry.inShape, NCHW), 'float32', {
      kernel_shape: [filterHeight, filterWidth],
      strides: [strideHeight, strideWidth],
      pads: padsOf(geometry),
      output_padding: [inHeight - reachedHeight, inWidth - reachedWidth],
    });
    return builder.value(name, geometry.inShape, 'float32', [...NCHW]);
  },
};
