/**
 * Samples as pictures of a page: pixels on a canvas, and all of them on one sheet as a PNG file, encoded by the
 * browser. It knows no element and no worker.
 */
import { GanError } from '../core/errors.js';
import type { FloatTensor, PlainTensor } from '../core/tensor.js';
import { drawPoints, makeGrid, type SheetShape, toBytes, toRgba } from '../sample/index.js';

type Pixels = PlainTensor<Uint8Array>;

/** How a sheet is laid out. */
export interface PictureOptions {
  /** Images in a row; as near to a square sheet as can be when absent. */
  readonly columns?: number | undefined;
  /** Each pixel becomes scale × scale pixels; small images are enlarged when absent. */
  readonly scale?: number | undefined;
}

/** Small images are enlarged by whole factors until they are about this many pixels. */
const COMFORTABLE = 64;

/** Side of a plot of points in pixels. */
const PLOT = 512;

/**
 * Images as 8-bit pixels; points become one plot.
 *
 * @param values float32 [n, H, W, C] in the shape's range
 * @returns one tensor [H, W, C] for each image, or one for all points
 */
export function toPixels(values: FloatTensor, shape: SheetShape): Pixels[] {
  if (shape.kind === 'points') return [drawPoints(values, { size: PLOT })];
  const { data } = toBytes(values, shape.imageRange);
  const [height, width, channels] = shape.imageShape;
  const size = height * width * channels;
  return Array.from({ length: data.length / size }, (_, i) => ({
    shape: shape.imageShape,
    dtype: 'uint8',
    data: data.subarray(i * size, (i + 1) * size),
  }));
}

/**
 * Shows pixels on a canvas, which gets their size.
 *
 * @param pixels uint8 [H, W, 1] (grey) or [H, W, 3] (RGB)
 * @throws GanError `BAD_ARGUMENT` for another number of channels
 */
export function paint(canvas: HTMLCanvasElement, pixels: Pixels): void {
  const { data, width, height } = toRgba(pixels);
  // Setting a size clears a canvas, and costs even when it is the same.
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  canvas.getContext('2d')!.putImageData(new ImageData(data, width, height), 0, 0);
}

/**
 * Draws samples on one sheet, or points as a plot, as a PNG file.
 *
 * @param values float32 [n, H, W, C] in the shape's range
 * @throws GanError `BAD_ARGUMENT` for values that are no pictures, or a sheet that is too large
 */
export async function drawPicture(
  values: FloatTensor,
  shape: SheetShape,
  { columns, scale }: PictureOptions = {},
): Promise<Blob> {
  const [height, width] = shape.imageShape;
  const pixels =
    shape.kind === 'points'
      ? drawPoints(values, { size: PLOT })
      : makeGrid(toBytes(values, shape.imageRange), {
          columns,
          scale: scale ?? Math.max(1, Math.round(COMFORTABLE / Math.max(height, width))),
        });
  const canvas = document.createElement('canvas');
  paint(canvas, pixels);
  const blob = await new Promise<Blob | null>((resolve) => {
    canvas.toBlob(resolve, 'image/png');
  });
  if (blob) return blob;
  const what = `Expected a sheet that the browser can encode, got \`${canvas.width} x ${canvas.height}\`.`;
  throw new GanError('BAD_ARGUMENT', 'picture', `${what} Draw fewer images on it.`);
}

/** Hands a file to the visitor's downloads. */
export function saveFile(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // Not at once: some browsers read it after this task.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
