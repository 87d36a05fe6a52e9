/**
 * The one door from samples to a picture file: images become a contact sheet, points a plot.
 * It only chooses; how is in grid.ts, scatter.ts and png.ts.
 */
import { expected } from '../core/errors.js';
import type { FloatTensor, PlainTensor } from '../core/tensor.js';
import type { GeneratorShape } from '../core/types.js';
import { type GridOptions, makeGrid } from './grid.js';
import { encodePng, type PngOptions } from './png.js';
import { toBytes } from './quantize.js';
import { drawPoints, type PlotOptions } from './scatter.js';

/** Layout of the sheet or plot, and text for the file. */
export type SheetOptions = GridOptions & PlotOptions & PngOptions;

/** Small images are enlarged by whole factors until they are about this many pixels. */
const COMFORTABLE = 64;

function isBytes(tensor: PlainTensor): tensor is PlainTensor<Uint8Array> {
  return tensor.dtype === 'uint8' && tensor.data instanceof Uint8Array;
}

function isFloat(tensor: PlainTensor): tensor is FloatTensor {
  return tensor.dtype === 'float32' && tensor.data instanceof Float32Array;
}

/**
 * Draws samples, or a data set's items, as one PNG.
 *
 * @param values [n, H, W, C]: float32 in the shape's range, uint8 as it is; points are float32 [n, 1, 1, D]
 * @returns the file's bytes
 * @throws GanError `BAD_ARGUMENT` for values that do not fit the shape, or images with neither 1 nor 3 channels
 */
export function drawSheet(
  values: PlainTensor,
  shape: Pick<GeneratorShape, 'kind' | 'imageShape' | 'imageRange'>,
  options: SheetOptions = {},
): Uint8Array {
  const { imageShape } = shape;
  const fits =
    values.shape.length === 4 &&
    values.shape[0]! > 0 &&
    imageShape.every((extent, i) => values.shape[i + 1] === extent);
  if (fits && shape.kind === 'points' && isFloat(values)) {
    return encodePng(drawPoints(values, options), options);
  }
  if (fits && shape.kind === 'images' && (isFloat(values) || isBytes(values))) {
    const bytes = isFloat(values) ? toBytes(values, shape.imageRange) : values;
    const scale = Math.max(1, Math.round(COMFORTABLE / Math.max(imageShape[0], imageShape[1])));
    return encodePng(makeGrid(bytes, { ...options, scale: options.scale ?? scale }), options);
  }
  throw expected(
    'sheet',
    `${shape.kind} [n, ${imageShape.join(', ')}]`,
    `${values.dtype} [${values.shape.join(', ')}]`,
  );
}
