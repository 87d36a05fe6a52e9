/**
 * What a filter reads at each of its positions, side by side, gathered pixel by pixel: no padding is ever written but
 * one pixel of zeros. A layer's patches serve its forward pass and its filter's gradient alike.
 * https://onnx.ai/onnx/operators/onnx__Gather.html
 */
import { sizeOf } from '../../src/core/tensor.js';
import type { Builder } from '../builder.js';
import type { Value } from '../value.js';
import { type Geometry, pixelOf } from './geometry.js';

/**
 * Up to so many channels, one pixel of all images at once is copied faster than each image's own: Gather's cost is one
 * by the row, not by the element.
 */
export const FEW_CHANNELS = 4;

/** Writes a matrix with its axes changed. */
export function writeTranspose(builder: Builder, matrix: string): string {
  const shape = (builder.graph.typeOf(matrix).shape as readonly number[]).toReversed();
  return builder.node('Transpose', [matrix], shape, 'float32', { perm: [1, 0] });
}

/** Writes one more element of an axis, all zeros, behind the others. */
export function appendZero(builder: Builder, x: string, axis: number): string {
  const shape = builder.graph.typeOf(x).shape as readonly number[];
  const one = shape.with(axis, 1);
  const zeros = builder.once(`zeros ${one}`, () =>
    builder.graph.addInitializer(`zeros/${one.join('x')}`, {
      shape: one,
      dtype: 'float32',
      data: new Float32Array(sizeOf(one)),
    }),
  );
  return builder.node('Concat', [x, zeros], shape.with(axis, shape[axis]! + 1), 'float32', { axis });
}

/** Writes the elements `indices` of an axis; a list that comes again is the same constant. */
export function writeGather(builder: Builder, x: string, indices: readonly number[], axis: number): string {
  const list = builder.once(`indices ${indices}`, () =>
    builder.graph.addInitializer('indices', {
      shape: [indices.length],
      dtype: 'int32',
      data: Int32Array.from(indices),
    }),
  );
  const shape = (builder.graph.typeOf(x).shape as readonly number[]).with(axis, indices.length);
  return builder.node('Gather', [x, list], shape, 'float32', { axis });
}

/** Indices of pixels as indices of their elements. */
export function eachChannel(pixels: readonly number[], channels: number): number[] {
  return pixels.flatMap((pixel) =>
    Array.from({ length: channels }, (_, channel) => pixel * channels + channel),
  );
}

/** Pixels of every image in a row, [B, H·W, C]. */
export function writePixels(builder: Builder, x: Value): string {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const name = builder.inLayout(x);
  return builder.reshape(name, [batch, height * width, channels]);
}

/** What each filter position reads for each output position, [B·H'·W', filter H·W·in]. */
export function writePatches(builder: Builder, x: Value, geometry: Geometry): string {
  const { batchSize, inHeight, inWidth, inChannels } = geometry;
  const positions = geometry.outHeight * geometry.outWidth;
  const taps = geometry.filterHeight * geometry.filterWidth;
  const read = Array.from({ length: positions * taps }, (_, i) =>
    pixelOf(geometry, Math.floor(i / taps), i % taps),
  );
  const indices = read.map((pixel) => pixel ?? inHeight * inWidth);
  const pixels = writePixels(builder, x);
  return builder.once(`patches ${pixels} ${taps} ${indices}`, () => {
    const source = read.includes(undefined)
      ? builder.once(`padded ${pixels}`, () => appendZero(builder, pixels, 1))
      : pixels;
    return builder.reshape(gatherPixels(builder, source, indices), [
      batchSize * positions,
      taps * inChannels,
    ]);
  });
}

/** Pixels `indices` of every image, [B, pixels, C] -> [B, n, C], or [B, n·C] where there are few channels. */
function gatherPixels(builder: Builder, pixels: string, indices: readonly number[]): string {
  const [batch, count, channels] = builder.graph.typeOf(pixels).shape as [number, number, number];
  if (channels > FEW_CHANNELS) return writeGather(builder, pixels, indices, 1);
  const columns = builder.once(`columns ${pixels}`, () =>
    writeTranspose(builder, builder.reshape(pixels, [batch, count * channels])),
  );
  return writeTranspose(builder, writeGather(builder, columns, eachChannel(indices, channels), 0));
}
