/**
 * Folders that are there whole or not at all: each is filled under a temporary name and then renamed. What a killed
 * process left behind is swept away later. It knows nothing of what is in them.
 */
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Stands between a folder's name and the random end of a temporary one. */
const MARK = '-unfinished-';
/** Longer than any setup takes. */
const LEFT_BEHIND_MS = 24 * 3600 * 1000;

/** Removes the unfinished folders beside `path` that no process can still be filling. */
async function sweep(path: string): Promise<void> {
  const parent = dirname(path);
  for (const name of await readdir(parent)) {
    if (!name.includes(MARK)) continue;
    const folder = join(parent, name);
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > LEFT_BEHIND_MS) await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Hands `use` a new, empty folder to fill, on the disk of `path`, and the folder around it for whatever is needed on the
 * way. What is still there afterwards goes away.
 */
export async function withTemporary<T>(
  path: string,
  use: (fresh: string, around: string) => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  await sweep(path);
  const around = await mkdtemp(join(dirname(path), `${basename(path)}${MARK}`));
  try {
    // One level deeper, since mkdtemp closes its folder to other users.
    const fresh = join(around, 'fresh');
    await mkdir(fresh);
    return await use(fresh, around);
  } finally {
    // A program that was stopped may write for another moment.
    await rm(around, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Puts a filled folder in the place of `path`, and what was there away. */
export async function putInPlace(filled: string, path: string): Promise<void> {
  await withTemporary(path, async (_, around) => {
    // Between these two there is nothing at `path` for a moment: a process that looks then is told to set up.
    await rename(path, join(around, 'old')).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rename(filled, path);
  });
}
