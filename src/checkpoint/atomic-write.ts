/**
 * Whole files to and from disk: a file has its old content or its new one, never a part of it.
 * Knows nothing of what is in the files. Every failure becomes a GanError that says what to do.
 * https://github.com/npm/write-file-atomic
 */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { GanError, messageOf } from '../core/errors.js';
import { makeFolder } from './make-folder.js';

const NO_BYTES = Buffer.alloc(0);

/** Listens to SIGXFSZ and does nothing, so that a write beyond the size limit fails with EFBIG. */
function outliveSizeLimit(): void {}

/** What to do about a system error code. */
const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: 'Free some space on that disk, or choose another folder.',
  EDQUOT: 'Your disk quota is used up: free some space, or choose another folder.',
  EFBIG: 'Raise the file size limit (`ulimit -f`), or choose a file system without one.',
  EACCES: 'Choose a folder that you may use, or change its permissions.',
  EPERM: 'Choose a folder that you may use, or change its permissions.',
  EROFS: 'That file system is read-only: choose another folder.',
  ENOTDIR: 'A part of that path is a file where a folder is needed: choose another path.',
  EEXIST: 'A part of that path is a file where a folder is needed: choose another path.',
  EISDIR: 'That path is a folder where a file is needed: choose another path.',
  ENOENT: 'Check the spelling of the path.',
  EMFILE: 'Too many files are open: raise the limit (`ulimit -n`).',
};

/** The system's code of an error (`ENOSPC`), or undefined where it has none. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/**
 * The GanError `IO` for a file operation that failed.
 *
 * @param task what was tried, with the path: `to write run/options.json`
 */
export function ioError(where: string, task: string, error: unknown, note = ''): GanError {
  const remedy = REMEDIES[systemCode(error) ?? ''] ?? 'Check the path and the disk.';
  const message = `Expected ${task}, got \`${messageOf(error)}\`. ${remedy}${note ? ` ${note}` : ''}`;
  return new GanError('IO', where, message, { cause: error });
}

/**
 * Writes a file under a temporary name, flushes it, and renames it into place; missing folders are made.
 * When anything fails, the file that was there stays as it was and the temporary file is removed.
 *
 * @throws GanError `IO`
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array): Promise<void> {
  await fillFileAtomically(path, (temporary) => writeFile(temporary, bytes));
}

/**
 * The same for a file that is written by `fill`, under the temporary name that it is given.
 *
 * @returns what `fill` returns
 * @throws GanError `IO`, or the GanError that `fill` throws
 */
export async function fillFileAtomically<T>(
  path: string,
  fill: (temporary: string) => Promise<T>,
): Promise<T> {
  // Node ignores SIGXFSZ, but write-file-atomic's signal-exit listens to it for the time of a write: as the only
  // listener it would end the process, and when it leaves, the signal is deadly. So one listener stays for good.
  if (!process.listeners('SIGXFSZ').includes(outliveSizeLimit)) process.on('SIGXFSZ', outliveSizeLimit);
  try {
    await makeFolder(dirname(path));
    const results: T[] = [];
    await writeFileAtomic(path, NO_BYTES, {
      // The library makes a single write() call and renames even when only a part was written, which is what the
      // system does on a nearly full disk and above 2 GiB. So the file is filled here, with calls that write all
      // of it or throw, and the library is left the name, the flush, the rename and the clean-up.
      tmpfileCreated: async (temporary) => {
        results.push(await fill(temporary));
      },
    });
    return results[0] as T;
  } catch (error) {
    if (error instanceof GanError) throw error;
    throw ioError(
      'files',
      `to write ${path}`,
      error,
      'The file that was there before, if any, is unchanged.',
    );
  }
}

/**
 * Reads a whole file.
 *
 * @throws GanError `IO`
 */
export async function readWholeFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw ioError('files', `to read ${path}`, error);
  }
}
