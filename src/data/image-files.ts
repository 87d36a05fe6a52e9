/**
 * A list of image files, from wherever they are read, as a source of items: the first that can be read settles
 * the shape, folders become labels. It knows neither directories nor zip.
 */
import { GanError, messageOf } from '../core/errors.js';
import type { DataItem } from '../core/types.js';
import { refuseData } from './bad-data.js';
import { chooseShape, decodeImage, measureImage } from './image.js';
import { findFault } from './image-format.js';
import {
  type DataOptions,
  type ItemShape,
  type ItemSource,
  type Labels,
  mapOrdered,
  type SkippedItem,
} from './source.js';

/** Files larger than this are no training images. */
export const MAX_FILE_BYTES = 64 * 2 ** 20;

/** Files by index, in their final order. */
export interface FileList {
  /** Relative paths with `/`. */
  readonly names: readonly string[];
  /** Rejects with a GanError to refuse the whole list, with any other error to have the file skipped. */
  read(index: number): Promise<Buffer>;
}

/** Files that operating systems leave beside pictures, and all that is hidden. */
export function isIgnored(path: string): boolean {
  return path
    .split('/')
    .some((part) => part.startsWith('.') || /^(__MACOSX|Thumbs\.db|desktop\.ini)$/i.test(part));
}

/** Sorts by UTF-16 units, which is the same on every machine. */
export function comparePaths(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Makes a source of a list of files.
 *
 * @throws GanError `BAD_DATA` when the list is empty
 */
export async function openImageFiles(
  name: string,
  files: FileList,
  options: DataOptions,
): Promise<ItemSource> {
  const { names } = files;
  if (names.length === 0)
    throw refuseData(`images in ${name}`, 'no files', 'Put images or folders of images there.');
  const shape = await findShape(files, options);
  const folders = [...new Set(names.map(folderOf))];
  const labelOfFolder = new Map(folders.map((folder, index) => [folder, index]));
  const decode = async (index: number): Promise<DataItem | SkippedItem> => {
    const name = names[index]!;
    const bytes = await readFile(files, index);
    if (typeof bytes === 'string') return { name, reason: bytes };
    try {
      return { name, values: await decodeImage(bytes, shape), label: labelOfFolder.get(folderOf(name))! };
    } catch (error) {
      return { name, reason: `cannot be decoded: ${messageOf(error)}` };
    }
  };
  return {
    name,
    kind: 'images',
    shape,
    total: names.length,
    items: mapOrdered(names.keys(), decode),
    settleLabels: (labelOf) => settleFolders(folders, labelOf),
  };
}

/** The file's bytes, or the reason why it cannot be used. */
async function readFile(files: FileList, index: number): Promise<Buffer | string> {
  try {
    const bytes = await files.read(index);
    return findFault(bytes) ?? bytes;
  } catch (error) {
    if (error instanceof GanError) throw error;
    return `cannot be read: ${messageOf(error)}`;
  }
}

/** The shape that the options ask for, completed from the first file that can be measured. */
async function findShape(files: FileList, options: DataOptions): Promise<ItemShape> {
  const { size, channels } = options;
  if (size !== undefined && channels !== undefined) return [size, size, channels];
  for (const index of files.names.keys()) {
    options.signal?.throwIfAborted();
    const bytes = await readFile(files, index);
    if (typeof bytes === 'string') continue;
    const layout = await measureImage(bytes).catch(() => undefined);
    if (layout) return chooseShape(options, layout);
  }
  // No file can be used. Any shape will do: the reading that follows names every reason.
  return [1, 1, 1];
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/**
 * Labels from the folders of the files that were used: the first folder below the one that holds them all.
 * No labels when some files lie outside of such folders or when there is only one.
 */
function settleFolders(folders: readonly string[], folderOfItem: Int32Array): Labels {
  const used = [...new Set(folderOfItem)];
  const parts = new Map(used.map((folder) => [folder, folders[folder]!.split('/')]));
  const paths = [...parts.values()];
  let depth = 0;
  while (paths.every((path) => path[depth] !== undefined && path[depth] === paths[0]![depth])) depth++;
  if (paths.some((path) => !path[depth])) return { labels: [] };
  const labels = [...new Set(paths.map((path) => path[depth]!))].sort(comparePaths);
  const labelOfFolder = new Map(used.map((folder) => [folder, labels.indexOf(parts.get(folder)![depth]!)]));
  return { labels, labelOf: folderOfItem.map((folder) => labelOfFolder.get(folder)!) };
}
