/**
 * A folder of images, walked directory by directory; only names are held in memory.
 */
import type { Dirent } from 'node:fs';
import { opendir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { comparePaths, type FileList, isIgnored, MAX_FILE_BYTES } from './image-files.js';

/** Whether the entry is a directory, seen through a link; a dangling link is a file, which then cannot be read. */
async function isDirectory(entry: Dirent, path: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/**
 * The files below a folder, sorted by relative path; hidden ones are left out and links are followed once.
 *
 * @throws the signal's reason when aborted
 */
export async function listFolder(root: string, signal?: AbortSignal): Promise<FileList> {
  const names: string[] = [];
  const visited = new Set<string>();
  const waiting = [''];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const real = await realpath(join(root, folder));
    if (visited.has(real)) continue;
    visited.add(real);
    for await (const entry of await opendir(real, { bufferSize: 1024 })) {
      signal?.throwIfAborted();
      if (isIgnored(entry.name)) continue;
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (await isDirectory(entry, join(root, path))) waiting.push(path);
      else names.push(path);
    }
  }
  names.sort(comparePaths);
  return { names, read: (index) => readWhole(join(root, names[index]!)) };
}

/** A regular file's bytes; anything else (pipes would wait for ever) rejects. */
async function readWhole(path: string): Promise<Buffer> {
  const status = await stat(path);
  if (!status.isFile()) throw new Error('not a regular file');
  if (status.size > MAX_FILE_BYTES) throw new Error(`${status.size} bytes, more than ${MAX_FILE_BYTES}`);
  return await readFile(path);
}
