/**
 * CIFAR-10's binary files: records of one label byte and three 32 x 32 planes, red, green and blue.
 * https://www.cs.toronto.edu/~kriz/cifar.html
 */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { refuseData } from './bad-data.js';
import { ByteReader } from './byte-reader.js';
import { chooseShape } from './image.js';
import { fitRecords, type PixelRecord } from './raw-images.js';
import type { DataOptions, ItemSource } from './source.js';

const SIDE = 32;
const PLANE_BYTES = SIDE * SIDE;
const RECORD_BYTES = 1 + 3 * PLANE_BYTES;
const LABELS = 'airplane automobile bird cat deer dog frog horse ship truck'.split(' ');
const LAYOUT = { width: SIDE, height: SIDE, channels: 3 } as const;

/** The training files among a folder's names, in order. */
export function pickCifarFiles(names: readonly string[]): string[] {
  return names.filter((name) => /^data_batch_\d+\.bin$/.test(name)).sort();
}

/** Planes [3, H, W] to pixels [H, W, 3]. */
function interleavePlanes(planes: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(3 * PLANE_BYTES);
  for (let i = 0; i < PLANE_BYTES; i++) {
    pixels[3 * i] = planes[i]!;
    pixels[3 * i + 1] = planes[PLANE_BYTES + i]!;
    pixels[3 * i + 2] = planes[2 * PLANE_BYTES + i]!;
  }
  return pixels;
}

/**
 * Opens one or more files as one set.
 *
 * @throws GanError `BAD_DATA` when a length is no multiple of 3073 bytes or a label is above 9
 */
export async function openCifar(
  paths: readonly string[],
  name: string,
  options: DataOptions,
): Promise<ItemSource> {
  let total = 0;
  for (const path of paths) {
    const { size } = await stat(path);
    if (size === 0 || size % RECORD_BYTES !== 0) {
      const what = `a CIFAR-10 file whose length is a multiple of ${RECORD_BYTES} bytes`;
      throw refuseData(what, `${size} bytes`, `${path} is cut off or of another kind.`);
    }
    total += size / RECORD_BYTES;
  }
  const shape = chooseShape(options, LAYOUT);
  return {
    name,
    kind: 'images',
    shape,
    total,
    items: fitRecords(readRecords(paths), LAYOUT, shape),
    settleLabels: (labelOf) => ({ labels: LABELS, labelOf }),
  };
}

async function* readRecords(paths: readonly string[]): AsyncGenerator<PixelRecord> {
  for (const path of paths) {
    const reader = await ByteReader.open(path);
    try {
      for (let i = 0; ; i++) {
        const record = await reader.take(RECORD_BYTES);
        if (record.length < RECORD_BYTES) break;
        const label = record[0]!;
        const name = `${basename(path)}#${i}`;
        if (label >= LABELS.length) {
          throw refuseData(
            'CIFAR-10 labels from 0 to 9',
            `${label} in ${name}`,
            `${path} is of another kind.`,
          );
        }
        yield { name, pixels: interleavePlanes(record.subarray(1)), label };
      }
    } finally {
      await reader.close();
    }
  }
}
