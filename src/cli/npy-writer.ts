/**
 * A .npy file of any length, written as its values come: it grows under a temporary name, its header first, and gets
 * its own name when it is whole. It knows no samples.
 */
import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ioError, makeFolder } from '../checkpoint/index.js';
import { encodeNpyHeader } from '../core/npy.js';
import type { DType, TensorData } from '../core/tensor.js';

/** What a file held when it got its name. */
export interface WrittenFile {
  readonly sizeBytes: number;
  /** Of the whole file, in hex. */
  readonly sha256: string;
}

/** A file that grows. */
export interface NpyWriter {
  add(data: TensorData): Promise<void>;
  addBytes(bytes: Uint8Array): Promise<void>;
  /** Flushes the file and gives it its name. */
  finish(): Promise<WrittenFile>;
  /** Removes what was written. */
  discard(): Promise<void>;
}

/** A temporary file that nobody has written to for so long belongs to a program that was killed. */
const STALE_MS = 3_600_000;

/** How the temporary files of a path begin. */
function temporaryPrefix(path: string): string {
  return `.${basename(path)}.`;
}

/** Removes what killed programs left of the file at `path`. */
export async function removeStale(path: string): Promise<void> {
  const names = await readdir(dirname(path)).catch(() => []);
  for (const name of names.filter((one) => one.startsWith(temporaryPrefix(path)))) {
    const file = join(dirname(path), name);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > STALE_MS) await rm(file, { force: true });
  }
}

/**
 * Opens a file for an array of `shape`; missing folders are made.
 *
 * @param where the verb, for messages
 * @throws GanError `IO`, from every function
 */
export async function openNpyWriter(
  where: string,
  path: string,
  dtype: DType,
  shape: readonly number[],
): Promise<NpyWriter> {
  const temporary = join(dirname(path), `${temporaryPrefix(path)}${randomUUID()}`);
  const fail = (error: unknown): never => {
    throw ioError(where, `to write ${path}`, error);
  };
  const hash = createHash('sha256');
  let sizeBytes = 0;
  await makeFolder(dirname(path)).catch(fail);
  const file: FileHandle = await open(temporary, 'wx').catch(fail);
  const addBytes = async (bytes: Uint8Array): Promise<void> => {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await file.write(bytes, at).catch(fail);
      at += bytesWritten;
    }
    hash.update(bytes);
    sizeBytes += bytes.length;
  };
  const discard = async (): Promise<void> => {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
  };
  try {
    await addBytes(encodeNpyHeader(dtype, shape));
  } catch (error) {
    await discard();
    throw error;
  }
  return {
    add: ({ buffer, byteOffset, byteLength }) => addBytes(new Uint8Array(buffer, byteOffset, byteLength)),
    addBytes,
    async finish() {
      await file.sync().catch(fail);
      await file.close().catch(fail);
      await rename(temporary, path).catch(fail);
      return { sizeBytes, sha256: hash.digest('hex') };
    },
    discard,
  };
}
