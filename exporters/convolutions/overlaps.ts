/**
 * A transposed convolution's products, added up where they overlap. Each pixel gathers what it gets, as often as the
 * busiest pixel gets something, and so nothing is scattered.
 */
import { sizeOf } from '../../src/core/tensor.js';
import type { Builder } from '../builder.js';
import { type Geometry, pixelOf } from './geometry.js';
import { countGroups, writeInGroups } from './groups.js';
import { appendZero, eachChannel, FEW_CHANNELS, writeGather, writeTranspose } from './patches.js';

/** For every pixel of x, which products (output position · taps + tap) add up to its gradient. */
function listContributions(geometry: Geometry): number[][] {
  const taps = geometry.filterHeight * geometry.filterWidth;
  const lists = Array.from({ length: geometry.inHeight * geometry.inWidth }, (): number[] => []);
  for (let i = 0; i < geometry.outHeight * geometry.outWidth * taps; i++) {
    const pixel = pixelOf(geometry, Math.floor(i / taps), i % taps);
    if (pixel !== undefined) lists[pixel]!.push(i);
  }
  return lists;
}

/** What `part` and the filter multiply to, [count, rows, out] · [taps·in, out]ᵀ, in another shape. */
function writeProducts(builder: Builder, part: string, matrix: string, shape: readonly number[]): string {
  const [count, rows, outChannels] = builder.graph.typeOf(part).shape as [number, number, number];
  const flat = builder.reshape(part, [count * rows, outChannels]);
  const extents = [count * rows, sizeOf(shape) / (count * rows)];
  const product = builder.node('Gemm', [flat, matrix], extents, 'float32', { transA: 0, transB: 1 });
  return builder.reshape(product, shape);
}

/** The sum of what each list gathers. */
function writeSum(builder: Builder, x: string, lists: readonly (readonly number[])[], axis: number): string {
  return lists
    .map((indices) => writeGather(builder, x, indices, axis))
    .reduce((sum, part) => {
      const shape = builder.graph.typeOf(sum).shape as readonly number[];
      return builder.node('Add', [sum, part], shape, 'float32');
    });
}

/**
 * Images from pixels, [B, H'·W', out] -> B·H·W·in elements in this order.
 *
 * @param matrix the filter, [filter H·W·in, out]
 */
export function writeOverlaps(builder: Builder, pixels: string, matrix: string, geometry: Geometry): string {
  const { batchSize, inChannels } = geometry;
  const contributions = listContributions(geometry);
  const most = Math.max(1, ...contributions.map((list) => list.length));
  // Pixels near the border get fewer; zeros behind the products stand in for the others.
  const withZero = contributions.some((list) => list.length < most);
  const taps = geometry.filterHeight * geometry.filterWidth;
  const nothing = geometry.outHeight * geometry.outWidth * taps;
  const lists = Array.from({ length: most }, (_, i) => contributions.map((list) => list[i] ?? nothing));

  if (inChannels <= FEW_CHANNELS) {
    const last = nothing * inChannels;
    const columns = writeTranspose(builder, writeProducts(builder, pixels, matrix, [batchSize, last]));
    const elements = lists.map((list) => eachChannel(list, inChannels).map((i) => Math.min(i, last)));
    const source = withZero ? appendZero(builder, columns, 0) : columns;
    return writeTranspose(builder, writeSum(builder, source, elements, 0));
  }
  const rows = withZero ? appendZero(builder, pixels, 1) : pixels;
  const groups = countGroups(batchSize, (nothing + Number(withZero) * taps) * inChannels);
  return writeInGroups(builder, rows, groups, (inner, part) => {
    const [count, height] = inner.graph.typeOf(part).shape as [number, number, number];
    return writeSum(inner, writeProducts(inner, part, matrix, [count, height * taps, inChannels]), lists, 1);
  });
}
