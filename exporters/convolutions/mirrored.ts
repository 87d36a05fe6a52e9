/**
 * The transposed convolution of stride 1, which is itself a convolution: of dY, by the filter turned around
 * (arXiv:1603.07285, section 4.2). Adding up overlaps would pass over each pixel once for every tap of the filter; here
 * a pixel's whole sum is one row of a product.
 */
import type { Builder } from '../builder.js';
import { type Geometry, pixelOf } from './geometry.js';
import { countGroups, writeInGroups } from './groups.js';
import { appendZero, writeGather } from './patches.js';

/** For every pixel of x and tap of the filter, the output position that reads it there. */
function listReaders(geometry: Geometry): (number | undefined)[] {
  const taps = geometry.filterHeight * geometry.filterWidth;
  const readers = Array<number | undefined>(geometry.inHeight * geometry.inWidth * taps).fill(undefined);
  for (let position = 0; position < geometry.outHeight * geometry.outWidth; position++) {
    for (let tap = 0; tap < taps; tap++) {
      const pixel = pixelOf(geometry, position, tap);
      if (pixel !== undefined) readers[pixel * taps + tap] = position;
    }
  }
  return readers;
}

/** The filter with its channels changed over, [taps · in, out] -> [taps · out, in]. */
function writeMirroredMatrix(builder: Builder, matrix: string, geometry: Geometry): string {
  const { inChannels, outChannels } = geometry;
  const taps = geometry.filterHeight * geometry.filterWidth;
  return builder.once(`mirrored ${matrix}`, () => {
    const filter = builder.reshape(matrix, [taps, inChannels, outChannels]);
    const mirrored = builder.node('Transpose', [filter], [taps, outChannels, inChannels], 'float32', {
      perm: [0, 2, 1],
    });
    return builder.reshape(mirrored, [taps * outChannels, inChannels]);
  });
}

/**
 * Images from pixels, [B, H'·W', out] -> B·H·W·in elements in this order.
 *
 * @param matrix the filter, [filter H·W·in, out]
 */
export function writeMirrored(builder: Builder, pixels: string, matrix: string, geometry: Geometry): string {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels } = geometry;
  const readers = listReaders(geometry);
  const mirrored = writeMirroredMatrix(builder, matrix, geometry);
  const source = readers.includes(undefined) ? appendZero(builder, pixels, 1) : pixels;
  const indices = readers.map((position) => position ?? outHeight * outWidth);
  const groups = countGroups(batchSize, readers.length * outChannels);
  const [columns] = builder.graph.typeOf(mirrored).shape as [number, number];
  return writeInGroups(builder, source, groups, (inner, part) => {
    const rows = (batchSize / groups) * inHeight * inWidth;
    const patches = inner.reshape(writeGather(inner, part, indices, 1), [rows, columns]);
    return inner.node('Gemm', [patches, mirrored], [rows, inChannels], 'float32');
  });
}
