/**
 * Raw pixel records of one common size, as IDX, CIFAR and .npy hold them, fitted to the size that is asked for.
 */
import type { DataItem } from '../core/types.js';
import { convertPixels, type PixelLayout } from './image.js';
import { createResampler } from './resample.js';
import { type ItemShape, mapOrdered } from './source.js';

/** One image: interleaved uint8 [height, width, channels]. */
export interface PixelRecord {
  readonly name: string;
  readonly pixels: Uint8Array;
  readonly label?: number;
}

/** Records as items of the given shape, in order. */
export function fitRecords(
  records: AsyncIterable<PixelRecord>,
  layout: PixelLayout,
  shape: ItemShape,
): AsyncIterable<DataItem> {
  const convert = createConverter(layout, shape);
  return mapOrdered(records, async ({ name, pixels, label }) => {
    const values = await convert(pixels);
    return label === undefined ? { name, values } : { name, values, label };
  });
}

/** From raw pixels to uint8 [H, W, C]: only colours to grey and alpha need the image library. */
function createConverter(layout: PixelLayout, shape: ItemShape): (pixels: Uint8Array) => Promise<Uint8Array> {
  const { width, height, channels } = layout;
  const isGreyToRgb = channels === 1 && shape[2] === 3;
  if (channels !== shape[2] && !isGreyToRgb) return (pixels) => convertPixels(pixels, layout, shape);
  const isSameSize = height === shape[0] && width === shape[1];
  const resample = createResampler([height, width, channels], [shape[0], shape[1]]);
  return async (pixels) => {
    const sized = isSameSize ? pixels : resample(pixels);
    return isGreyToRgb ? repeatGrey(sized) : sized;
  };
}

/** [H, W] to [H, W, 3]. */
export function repeatGrey(grey: Uint8Array): Uint8Array {
  const out = new Uint8Array(3 * grey.length);
  for (let i = 0; i < grey.length; i++) out.fill(grey[i]!, 3 * i, 3 * i + 3);
  return out;
}

/** The labels 0 … n−1 as text, for formats that number their classes. */
export function numberLabels(count: number): string[] {
  return Array.from({ length: count }, (_, label) => String(label));
}
