/**
 * MNIST's IDX files, plain or gzipped, with the labels found by their name beside the images.
 * Big-endian: two zero bytes, the element type (8 = uint8), the number of dimensions, the extents, the values.
 * http://yann.lecun.com/exdb/mnist/
 */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { refuseData } from './bad-data.js';
import { ByteReader } from './byte-reader.js';
import { chooseShape } from './image.js';
import { fitRecords, numberLabels, type PixelRecord } from './raw-images.js';
import type { DataOptions, ItemSource } from './source.js';

const IMAGES = /images([-.])idx3-ubyte(\.gz)?$/;
/** Neither side of an image may be longer: such a header is a damaged one. */
const SIDE_LIMIT = 16_384;

/** Whether a file's name is that of IDX images. */
export function isIdxName(name: string): boolean {
  return IMAGES.test(name);
}

/** Whether a file begins like IDX images. */
export function isIdxStart(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.readUInt32BE(0) === 0x00000803;
}

/**
 * The IDX images among a folder's files: those that begin with `train`, or the only ones; undefined when there are none.
 *
 * @throws GanError `BAD_DATA` when several could be meant
 */
export function pickIdxImages(names: readonly string[]): string | undefined {
  const candidates = names.filter(isIdxName).sort();
  const picked = candidates.find((name) => name.startsWith('train')) ?? candidates[0];
  if (candidates.length > 1 && !picked?.startsWith('train')) {
    throw refuseData('one file of IDX images', candidates.join(', '), 'Give the path of one of them.');
  }
  return picked;
}

/** Reads the header and returns the extents. */
async function readExtents(reader: ByteReader, path: string, dimensions: number): Promise<number[]> {
  const start = await reader.take(4 + 4 * dimensions);
  const wanted = `0000080${dimensions}`;
  if (start.toString('hex', 0, 4) !== wanted) {
    const what = `IDX with magic 0x${wanted} (uint8, ${dimensions} dimensions)`;
    throw refuseData(what, `0x${start.toString('hex', 0, 4)}`, `${path} is another kind of file.`);
  }
  if (start.length < 4 + 4 * dimensions) {
    const what = `an IDX header of ${4 + 4 * dimensions} bytes`;
    throw refuseData(what, `${start.length} bytes`, `${path} is cut off.`);
  }
  return Array.from({ length: dimensions }, (_, i) => start.readUInt32BE(4 + 4 * i));
}

function refuseLength(path: string, wanted: number, got: string, remedy: string) {
  return refuseData(`${wanted} bytes in ${path}, as its header says`, got, remedy);
}

async function refuseExcess(reader: ByteReader, path: string): Promise<void> {
  const wanted = reader.consumed;
  if ((await reader.take(1)).length > 0) {
    throw refuseLength(path, wanted, 'more', 'The file is damaged: fetch it again.');
  }
}

async function readLabels(path: string): Promise<Buffer> {
  const reader = await ByteReader.open(path);
  try {
    const [count] = await readExtents(reader, path, 1);
    const labels = await reader.take(count!);
    if (labels.length < count!) {
      throw refuseLength(
        path,
        8 + count!,
        `${8 + labels.length} bytes`,
        'The file is cut off: fetch it again.',
      );
    }
    await refuseExcess(reader, path);
    return labels;
  } finally {
    await reader.close();
  }
}

/** The labels file that belongs to an images file, packed or not. */
async function findLabels(imagesPath: string): Promise<string | undefined> {
  const images = basename(imagesPath);
  if (!isIdxName(images)) return undefined;
  const wanted = images.replace(IMAGES, 'labels$1idx1-ubyte');
  const names = await readdir(dirname(imagesPath));
  const found = [wanted, `${wanted}.gz`].find((name) => names.includes(name));
  return found && join(dirname(imagesPath), found);
}

/**
 * Opens IDX images; labels come from the file beside them, if there is one.
 *
 * @throws GanError `BAD_DATA` for a wrong magic, a wrong length, damaged gzip and a label count that differs
 */
export async function openIdx(path: string, name: string, options: DataOptions): Promise<ItemSource> {
  const labelsPath = await findLabels(path);
  const labels = labelsPath && (await readLabels(labelsPath));
  const reader = await ByteReader.open(path);
  try {
    const [count, height, width] = (await readExtents(reader, path, 3)) as [number, number, number];
    if (!(height > 0 && height <= SIDE_LIMIT && width > 0 && width <= SIDE_LIMIT)) {
      throw refuseData(
        `images of 1 to ${SIDE_LIMIT} pixels a side`,
        `${width} x ${height}`,
        `${path} is damaged.`,
      );
    }
    if (labels && labels.length !== count) {
      const what = `${count} labels in ${labelsPath}, one for each image`;
      throw refuseData(what, String(labels.length), 'The two files do not belong together.');
    }
    const layout = { width, height, channels: 1 } as const;
    const shape = chooseShape(options, layout);
    return {
      name,
      kind: 'images',
      shape,
      total: count,
      items: fitRecords(readRecords(reader, path, count, width * height, labels || undefined), layout, shape),
      settleLabels: (labelOf) => ({ labels: numberLabels(Math.max(10, countClasses(labelOf))), labelOf }),
    };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

function countClasses(labelOf: Int32Array): number {
  return labelOf.reduce((largest, label) => Math.max(largest, label), 0) + 1;
}

async function* readRecords(
  reader: ByteReader,
  path: string,
  count: number,
  recordBytes: number,
  labels: Buffer | undefined,
): AsyncGenerator<PixelRecord> {
  const wanted = reader.consumed + count * recordBytes;
  try {
    for (let i = 0; i < count; i++) {
      const pixels = await reader.take(recordBytes);
      if (pixels.length < recordBytes) {
        throw refuseLength(path, wanted, `${reader.consumed} bytes`, 'The file is cut off: fetch it again.');
      }
      const name = String(i);
      yield labels ? { name, pixels, label: labels[i]! } : { name, pixels };
    }
    await refuseExcess(reader, path);
  } finally {
    await reader.close();
  }
}
