/**
 * The one door from samples to a picture: images become a contact sheet, points a plot; as 8-bit pixels, as a PNG file
 * or for a canvas. It only chooses; how is in grid.ts, scatter.ts, png.ts and rgba.ts.
 */
import { expected } from '../core/errors.js';
import type { FloatTensor, PlainTensor } from '../core/tensor.js';
import type { GeneratorShape } from '../core/types.js';
import { type GridOptions, makeGrid } from './grid.js';
import { encodePng, type PngOptions } from './png.js';
import { toBytes } from './quantize.js';
import { type CanvasPixels, toRgba } from './rgba.js';
import { drawPoints, type PlotOptions } from './scatter.js';

/** Layout of the sheet or plot, and text for the file. */
export type SheetOptions = GridOptions & PlotOptions & PngOptions;

/** What of a generator, or of a data set, says how its values become pixels. */
export type SheetShape = Pick<GeneratorShape, 'kind' | 'imageShape' | 'imageRange'>;

/** Small images are enlarged by whole factors until they are about this many pixels. */
const COMFORTABLE = 64;

function isBytes(tensor: PlainTensor): tensor is PlainTensor<Uint8Array> {
  return tensor.dtype === 'uint8' && tensor.data instanceof Uint8Array;
}

function isFloat(tensor: PlainTensor): tensor is FloatTensor {
  return tensor.dtype === 'float32' && tensor.data instanceof Float32Array;
}

/**
 * Draws samples, or a data set's items, as one picture: images on a contact sheet, points as a plot.
 *
 * @param values [n, H, W, C]: float32 in the shape's range, uint8 as it is; points are float32 [n, 1, 1, D]
 * @param shape  the generator's `metadata`
 * @returns uint8 [height, width, C]
 * @throws GanError `BAD_ARGUMENT` for values that do not fit the shape, and a sheet above 256 MiB
 */
export function toGrid(
  values: PlainTensor,
  shape: SheetShape,
  options: Omit<SheetOptions, 'text'> = {},
): PlainTensor<Uint8Array<ArrayBuffer>> {
  const { imageShape } = shape;
  const fits =
    values.shape.length === 4 &&
    values.shape[0]! > 0 &&
    imageShape.every((extent, i) => values.shape[i + 1] === extent);
  if (fits && shape.kind === 'points' && isFloat(values)) return drawPoints(values, options);
  if (fits && shape.kind === 'images' && (isFloat(values) || isBytes(values))) {
    const bytes = isFloat(values) ? toBytes(values, shape.imageRange) : values;
    const scale = Math.max(1, Math.round(COMFORTABLE / Math.max(imageShape[0], imageShape[1])));
    return makeGrid(bytes, { ...options, scale: options.scale ?? scale });
  }
  throw expected(
    'sheet',
    `${shape.kind} [n, ${imageShape.join(', ')}]`,
    `${values.dtype} [${values.shape.join(', ')}]`,
  );
}

/**
 * As {@link toGrid}, as a PNG file: the same bytes for the same pixels on every machine.
 *
 * @returns the file's bytes
 * @throws GanError `BAD_ARGUMENT` as `toGrid`, and for images with neither 1 nor 3 channels
 */
export function toPng(values: PlainTensor, shape: SheetShape, options: SheetOptions = {}): Uint8Array {
  return encodePng(toGrid(values, shape, options), options);
}

/**
 * As {@link toGrid}, as pixels for a canvas. A page gets an `ImageData`, Node the same without the class.
 *
 * @throws GanError `BAD_ARGUMENT` as `toPng`
 */
export function toImageData(
  values: PlainTensor,
  shape: SheetShape,
  options: Omit<SheetOptions, 'text'> = {},
): CanvasPixels {
  const pixels = toRgba(toGrid(values, shape, options));
  return typeof ImageData === 'undefined' ? pixels : new ImageData(pixels.data, pixels.width, pixels.height);
}
