/**
 * A .npy file as items: uint8 [N, H, W] or [N, H, W, C] are images, float32 [N, D] in [-1, 1] are points.
 */
import { stat } from 'node:fs/promises';
import { type NpyHeader, parseNpyHeader } from '../core/npy.js';
import { bytesPerElement, sizeOf } from '../core/tensor.js';
import type { DataItem } from '../core/types.js';
import { refuseData } from './bad-data.js';
import { ByteReader, readStart } from './byte-reader.js';
import { chooseShape, type PixelLayout } from './image.js';
import { fitRecords } from './raw-images.js';
import type { DataOptions, ItemSource } from './source.js';

/** No plain array's header is longer. */
const HEADER_LIMIT_BYTES = 2 ** 16;
const SIDE_LIMIT = 16_384;

/** Whether a file begins like .npy. */
export function isNpyStart(bytes: Buffer): boolean {
  return bytes.toString('latin1', 0, 6) === '\x93NUMPY';
}

/**
 * Opens an array of images or points; it has no labels.
 *
 * @throws GanError `BAD_DATA` for a bad header, a wrong length, another shape or element type, and points outside [-1, 1]
 */
export async function openNpy(path: string, name: string, options: DataOptions): Promise<ItemSource> {
  const header = parseNpyHeader(await readStart(path, HEADER_LIMIT_BYTES));
  const { dtype, shape, offset } = header;
  const wanted = offset + sizeOf(shape) * bytesPerElement(dtype);
  const { size } = await stat(path);
  if (size !== wanted) {
    const what = `${wanted} bytes in ${path} for shape [${shape.join(', ')}]`;
    throw refuseData(what, `${size} bytes`, size < wanted ? 'The file is cut off.' : 'The file is damaged.');
  }
  const layout = dtype === 'uint8' ? layoutOf(shape) : undefined;
  if (layout) return openImages(path, name, header, layout, options);
  if (dtype === 'float32' && (shape.length === 1 || shape.length === 2) && sizeOf(shape) > 0) {
    return openPoints(path, name, header);
  }
  throw refuseData(
    'uint8 [N, H, W] or [N, H, W, C] with 1 to 4 channels, or float32 [N, D]',
    `${dtype} [${shape.join(', ')}]`,
    'Images are uint8 from 0 to 255, points float32 in [-1, 1].',
  );
}

function layoutOf(shape: readonly number[]): PixelLayout | undefined {
  const [count, height, width, channels = 1] = shape;
  if (shape.length < 3 || shape.length > 4 || !count || !height || !width) return undefined;
  if (height > SIDE_LIMIT || width > SIDE_LIMIT) return undefined;
  if (channels !== 1 && channels !== 2 && channels !== 3 && channels !== 4) return undefined;
  return { width, height, channels };
}

function openImages(
  path: string,
  name: string,
  header: NpyHeader,
  layout: PixelLayout,
  options: DataOptions,
): ItemSource {
  const shape = chooseShape(options, layout);
  const recordBytes = layout.width * layout.height * layout.channels;
  const records = readRows(path, header, recordBytes, (pixels, row) => ({ name: String(row), pixels }));
  return {
    name,
    kind: 'images',
    shape,
    total: header.shape[0],
    items: fitRecords(records, layout, shape),
    settleLabels: (labelOf) => ({ labels: [], labelOf }),
  };
}

function openPoints(path: string, name: string, header: NpyHeader): ItemSource {
  const dimensions = header.shape[1] ?? 1;
  const toPoint = (bytes: Buffer, row: number): DataItem => {
    const values = new Float32Array(new Uint8Array(bytes).buffer); // [D]
    const stray = values.find((value) => !(value >= -1 && value <= 1));
    if (stray !== undefined) {
      const what = `points in [-1, 1] in ${path}`;
      throw refuseData(what, `${stray} in row ${row}`, 'Scale the points before saving them.');
    }
    return { name: String(row), values };
  };
  return {
    name,
    kind: 'points',
    shape: [1, 1, dimensions],
    total: header.shape[0],
    items: readRows(path, header, dimensions * 4, toPoint),
    settleLabels: (labelOf) => ({ labels: [], labelOf }),
  };
}

async function* readRows<T>(
  path: string,
  { shape, offset }: NpyHeader,
  rowBytes: number,
  convert: (bytes: Buffer, row: number) => T,
): AsyncGenerator<T> {
  const reader = await ByteReader.open(path, offset);
  try {
    for (let row = 0; row < shape[0]!; row++) yield convert(await reader.take(rowBytes), row);
  } finally {
    await reader.close();
  }
}
