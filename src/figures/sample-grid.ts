/**
 * The pictures of Fig. 2 and Fig. 3: rows of images, of which a column may be framed. It works on 8-bit pixels and knows
 * neither generators nor how the images were chosen.
 * https://arxiv.org/abs/1406.2661
 */
import { expected } from '../core/errors.js';
import { type PlainTensor, plainTensor } from '../core/tensor.js';
import { makeGrid } from '../sample/index.js';

type Bytes = PlainTensor<Uint8Array>;

/** Yellow, as the paper frames its nearest training examples. */
const FRAME = [255, 200, 0] as const;

/** Pixels between images; the frame fills them. */
const PADDING = 4;

/** Images are enlarged by whole factors until they are about this many pixels. */
const COMFORTABLE = 84;

/** Grey or RGB to RGB. */
function toRgb(image: Bytes): PlainTensor<Uint8Array<ArrayBuffer>> {
  const [height = 0, width = 0, channels = 0] = image.shape;
  const data = new Uint8Array(height * width * 3);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) data[i * 3 + c] = image.data[i * channels + Math.min(c, channels - 1)]!;
  }
  return plainTensor(data, [height, width, 3]);
}

/** Rows of images as one RGB picture, enlarged to a comfortable size. */
export function drawRows(images: Bytes, columns: number): PlainTensor<Uint8Array<ArrayBuffer>> {
  return toRgb(makeGrid(images, { columns, padding: PADDING, scale: scaleOf(images) }));
}

function scaleOf({ shape }: Bytes): number {
  return Math.max(1, Math.round(COMFORTABLE / Math.max(shape[1] ?? 1, shape[2] ?? 1)));
}

/** Puts one image behind each row of `columns` samples. */
function appendColumn(samples: Bytes, last: Bytes, columns: number): Bytes {
  const [count = 0, ...imageShape] = samples.shape;
  const size = samples.data.length / count;
  const rows = count / columns;
  const data = new Uint8Array(rows * (columns + 1) * size);
  for (let row = 0; row < rows; row++) {
    const at = row * (columns + 1) * size;
    data.set(samples.data.subarray(row * columns * size, (row + 1) * columns * size), at);
    data.set(last.data.subarray(row * size, (row + 1) * size), at + columns * size);
  }
  return plainTensor(data, [rows * (columns + 1), ...imageShape]);
}

/**
 * Fig. 2: samples in reading order, and framed at the right end of each row the nearest training example of its
 * last sample.
 *
 * @param samples uint8 [rows · columns, H, W, C], C 1 or 3
 * @param nearest uint8 [rows, H, W, C]
 * @returns uint8 [h, w, 3]
 * @throws GanError `BAD_ARGUMENT` for numbers of images that do not fit
 */
export function drawSampleGrid(samples: Bytes, nearest: Bytes, columns: number): Bytes {
  const [count = 0] = samples.shape;
  const rows = nearest.shape[0] ?? 0;
  if (rows * columns !== count)
    throw expected('figures', `${count / columns} nearest images, one a row`, rows);
  const sheet = drawRows(appendColumn(samples, nearest, columns), columns + 1);
  const [height = 0, width = 0] = sheet.shape;
  const scale = scaleOf(samples);
  const [pitchX, pitchY] = [samples.shape[2]! * scale + PADDING, samples.shape[1]! * scale + PADDING];
  for (let y = 0; y < height; y++) {
    for (let x = width - pitchX - PADDING; x < width; x++) {
      const isGutter = y % pitchY < PADDING || (x - (width - pitchX - PADDING)) % pitchX < PADDING;
      if (isGutter) sheet.data.set(FRAME, (y * width + x) * 3);
    }
  }
  return sheet;
}
