/**
 * The door of the data room: a path or a built-in name becomes a Dataset. It recognizes the format and hands over;
 * loaders give streams of items, and the packer collects them.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { expected } from '../core/errors.js';
import type { Dataset } from '../core/types.js';
import { isGzip, readStart } from './byte-reader.js';
import { openCifar, pickCifarFiles } from './cifar.js';
import { openDigits } from './digits.js';
import { listFolder } from './folder.js';
import { isIdxName, isIdxStart, openIdx, pickIdxImages } from './idx.js';
import { openImageFiles } from './image-files.js';
import { isNpyStart, openNpy } from './npy-file.js';
import { packItems } from './pack.js';
import { MIXTURES, openMixture } from './points.js';
import { selectRows } from './rows.js';
import type { DataOptions, ItemSource } from './source.js';
import { openZip } from './zip.js';

export { MAX_FILE_BYTES } from './image-files.js';
export { batchIndices } from './shuffle.js';
export type { DataOptions } from './source.js';
export { MAX_ZIP_BYTES } from './zip.js';

/** Names of the sets that need no files; they win over paths, `./digits` is a path. */
export const BUILT_IN: readonly string[] = ['digits', ...Object.keys(MIXTURES)];

const KNOWN_SOURCES =
  'Known are a folder or zip of images, MNIST-style IDX, CIFAR-10 .bin, .npy, ' +
  `and the built-in sets ${BUILT_IN.join(', ')}.`;

/**
 * Opens a data set: reads the source once, fits every image to one shape and keeps the values at hand.
 *
 * @param source a folder or zip of images (sub-folders are labels), IDX, CIFAR-10 binary, .npy, or a {@link BUILT_IN} name
 * @returns a data set that the caller closes
 * @throws GanError `BAD_ARGUMENT` for options or a source that cannot be, `BAD_DATA` for data that cannot be used,
 *         `IO` when the temporary file cannot be written; the signal's own reason when aborted
 */
export async function openData(source: string, options: DataOptions = {}): Promise<Dataset> {
  checkOptions(options);
  options.signal?.throwIfAborted();
  return await packItems(selectRows(await openSource(source, options), options.rows), options);
}

function checkOptions({ size, channels, count, rows, memoryLimitBytes }: DataOptions): void {
  if (size !== undefined && !(Number.isInteger(size) && size >= 1 && size <= 4096)) {
    throw expected('data', 'a size from 1 to 4096 pixels', size);
  }
  if (channels !== undefined && channels !== 1 && channels !== 3) {
    throw expected('data', '1 or 3 channels', channels);
  }
  if (count !== undefined && !(Number.isSafeInteger(count) && count >= 1)) {
    throw expected('data', 'a count of at least 1', count);
  }
  if (rows && !(rows.every((row) => Number.isSafeInteger(row) && row >= 0) && rows[0] < rows[1])) {
    throw expected('data', 'two whole rows, the first below the second', rows.join(':'));
  }
  if (memoryLimitBytes !== undefined && !(memoryLimitBytes >= 0)) {
    throw expected('data', 'a memory limit of 0 bytes or more', memoryLimitBytes);
  }
}

async function openSource(source: string, options: DataOptions): Promise<ItemSource> {
  if (source === 'digits') return openDigits(options);
  const mixture = Object.hasOwn(MIXTURES, source) ? MIXTURES[source] : undefined;
  if (mixture) return openMixture(source, mixture, options);
  const status = await stat(source).catch(() => undefined);
  if (status?.isDirectory()) return await openFolder(source, options);
  if (status?.isFile()) return await openFile(source, options);
  throw expected('data', 'a file, a folder or a built-in set', source, KNOWN_SOURCES);
}

/** A short name for run folders from a path: letters, digits, `-`, `_` and `.`. */
function nameSource(path: string): string {
  const name = basename(resolve(path)).replace(/\.(zip|npy|bin|gz)$/i, '');
  return name.replace(/[^\p{L}\p{N}_.-]+/gu, '-') || 'data';
}

async function openFolder(path: string, options: DataOptions): Promise<ItemSource> {
  const name = nameSource(path);
  const names = await readdir(path);
  const idx = pickIdxImages(names);
  if (idx) return await openIdx(join(path, idx), name, options);
  const batches = pickCifarFiles(names);
  if (batches.length > 0) {
    return await openCifar(
      batches.map((batch) => join(path, batch)),
      name,
      options,
    );
  }
  return await openImageFiles(name, await listFolder(path, options.signal), options);
}

async function openFile(path: string, options: DataOptions): Promise<ItemSource> {
  const start = await readStart(path, 8);
  const name = nameSource(path);
  if (/\.zip$/i.test(path) || start.toString('latin1', 0, 2) === 'PK') {
    const zip = await openZip(path, options.signal);
    try {
      return { ...(await openImageFiles(name, zip, options)), close: zip.close };
    } catch (error) {
      zip.close();
      throw error;
    }
  }
  if (/\.npy$/i.test(path) || isNpyStart(start)) return await openNpy(path, name, options);
  if (isIdxName(path)) return await openIdx(path, nameSource(dirname(path)), options);
  if (isIdxStart(start) || isGzip(start)) return await openIdx(path, name, options);
  if (/\.bin$/i.test(path)) return await openCifar([path], name, options);
  throw expected('data', 'a source of a known format', path, KNOWN_SOURCES);
}
