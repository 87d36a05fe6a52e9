/**
 * Makes a folder and what is missing above it. Node's own recursive mkdir never returns for a place like `/proc/run`:
 * the folder above exists, and yet the system answers that something is missing.
 */
import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Does nothing where the folder exists.
 *
 * @throws the system's own error
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if ((await stat(path).catch(() => undefined))?.isDirectory()) return;
    const parent = dirname(path);
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!isMissing || existsSync(parent)) throw error;
    await makeFolder(parent);
    await makeFolder(path);
  }
}
