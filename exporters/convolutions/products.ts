/**
 * Convolutions as one Gemm over the whole batch, everything in tfjs's own NHWC. On ONNX Runtime's CPU a Gemm of these
 * sizes runs near the machine's limit, while Conv and ConvTranspose go image by image and read all weights each time.
 */
import { sizeOf } from '../../src/core/tensor.js';
import type { Builder } from '../builder.js';
import { loopLayout, plainLayout, toPhysical, type Value } from '../value.js';
import type { ConvolutionForm } from './form.js';
import type { Geometry } from './geometry.js';
import { writeMirrored } from './mirrored.js';
import { writeOverlaps } from './overlaps.js';
import { FEW_CHANNELS, writePatches, writePixels } from './patches.js';

/** A filter as a matrix, [H·W·in, out]. */
function writeFilterMatrix(builder: Builder, filter: Value): string {
  const outChannels = filter.shape[3]!;
  return builder.reshape(builder.inLayout(filter), [sizeOf(filter.shape) / outChannels, outChannels]);
}

/** Elements in NHWC order as images, in the layout that elementwise operators like. */
function writeImages(builder: Builder, elements: string, shape: readonly number[]): Value {
  const layout = loopLayout(shape);
  const name = builder.reshape(elements, toPhysical(shape, layout));
  return builder.value(name, shape, 'float32', layout);
}

/**
 * The gradient of the filter: dW = patchesᵀ · dY, [H, W, in, out].
 *
 * @param x  [B, H, W, in]
 * @param dy [B, H', W', out]
 */
export function writeFilterGradient(builder: Builder, x: Value, dy: Value, geometry: Geometry): Value {
  const { filterShape, outChannels } = geometry;
  const patches = writePatches(builder, x, geometry);
  const gradient = builder.reshape(builder.inLayout(dy), [sizeOf(dy.shape) / outChannels, outChannels]);
  const extents = [sizeOf(filterShape) / outChannels, outChannels];
  const product = builder.node('Gemm', [patches, gradient], extents, 'float32', { transA: 1, transB: 0 });
  return builder.value(builder.reshape(product, filterShape), filterShape);
}

/** Patches · filter; and dY · filterᵀ with its overlapping patches added up, or patches of dY · the filter turned around. */
export const products: ConvolutionForm = {
  filterLayout: plainLayout(4),

  convolve(builder, x, filter, geometry) {
    const { outShape, outChannels } = geometry;
    const inputs = [writePatches(builder, x, geometry), writeFilterMatrix(builder, filter)];
    const extents = [sizeOf(outShape) / outChannels, outChannels];
    return writeImages(builder, builder.node('Gemm', inputs, extents, 'float32'), outShape);
  },

  transpose(builder, dy, filter, geometry) {
    const [pixels, matrix] = [writePixels(builder, dy), writeFilterMatrix(builder, filter)];
    const { strideHeight, strideWidth, inChannels } = geometry;
    // With a stride most taps of a pixel would read nothing; and a product with few columns is slow.
    const write =
      strideHeight === 1 && strideWidth === 1 && inChannels > FEW_CHANNELS ? writeMirrored : writeOverlaps;
    return writeImages(builder, write(builder, pixels, matrix, geometry), geometry.inShape);
  },
};
