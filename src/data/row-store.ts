/**
 * Rows of equal length, written once and read in any order: in memory up to a limit, beyond it in a temporary file.
 * It knows nothing of images.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GanError, messageOf } from '../core/errors.js';

const CHUNK_BYTES = 16 * 2 ** 20;
/** Rows read from the file at the same time. */
const READS_AT_ONCE = 64;

/** An append-only table of byte rows; {@link RowStore.seal} ends the writing. */
export class RowStore {
  readonly #rowBytes: number;
  readonly #memoryLimitBytes: number;
  readonly #rowsPerChunk: number;
  /** Full chunks and, last, the one being filled. */
  #chunks: Uint8Array[] = [];
  #count = 0;
  #rowsInFile = 0;
  #file: FileHandle | undefined;
  #closed = false;

  constructor(rowBytes: number, memoryLimitBytes: number) {
    this.#rowBytes = rowBytes;
    this.#memoryLimitBytes = memoryLimitBytes;
    this.#rowsPerChunk = Math.max(1, Math.floor(CHUNK_BYTES / rowBytes));
  }

  get count(): number {
    return this.#count;
  }

  /** Copies one row to the end. */
  async append(row: Uint8Array): Promise<void> {
    const isTooMuch = (this.#count + 1) * this.#rowBytes > this.#memoryLimitBytes;
    if (isTooMuch && (!this.#file || this.#isFull())) await this.#spill();
    if (this.#isFull()) this.#chunks.push(new Uint8Array(this.#rowsPerChunk * this.#rowBytes));
    const place = (this.#count - this.#rowsInFile) % this.#rowsPerChunk;
    this.#chunks.at(-1)!.set(row, place * this.#rowBytes);
    this.#count++;
  }

  /** Whether the chunks in memory have no place left; so too when there are none. */
  #isFull(): boolean {
    return this.#count - this.#rowsInFile === this.#chunks.length * this.#rowsPerChunk;
  }

  /** Ends the writing. */
  async seal(): Promise<void> {
    if (this.#file) await this.#spill();
  }

  /** Writes every row in memory to the file. */
  async #spill(): Promise<void> {
    try {
      this.#file ??= await openNamelessFile();
      for (const chunk of this.#chunks) {
        const rows = Math.min(this.#rowsPerChunk, this.#count - this.#rowsInFile);
        const bytes = rows * this.#rowBytes;
        let written = 0;
        while (written < bytes) {
          const position = this.#rowsInFile * this.#rowBytes + written;
          written += (await this.#file.write(chunk, written, bytes - written, position)).bytesWritten;
        }
        this.#rowsInFile += rows;
      }
      this.#chunks = [];
    } catch (cause) {
      const message = `Expected room for the data in a temporary file, got \`${messageOf(cause)}\`.`;
      throw new GanError(
        'IO',
        'data',
        `${message} Free space in ${tmpdir()}, point TMPDIR elsewhere, or use smaller images.`,
        { cause },
      );
    }
  }

  /** The rows of the given indices, one after the other. */
  async read(indices: ArrayLike<number>): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#closed)
      throw new GanError('IO', 'data', 'Expected an open data set, got `closed`. Open it again.');
    const rowBytes = this.#rowBytes;
    const out = new Uint8Array(indices.length * rowBytes);
    const file = this.#file;
    if (!file) {
      for (let i = 0; i < indices.length; i++) {
        const chunk = this.#chunks[Math.floor(indices[i]! / this.#rowsPerChunk)]!;
        const start = (indices[i]! % this.#rowsPerChunk) * rowBytes;
        out.set(chunk.subarray(start, start + rowBytes), i * rowBytes);
      }
      return out;
    }
    for (let start = 0; start < indices.length; start += READS_AT_ONCE) {
      const length = Math.min(READS_AT_ONCE, indices.length - start);
      await Promise.all(
        Array.from({ length }, (_, k) =>
          file.read(out, (start + k) * rowBytes, rowBytes, indices[start + k]! * rowBytes),
        ),
      );
    }
    return out;
  }

  /** Frees the memory and the file. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#chunks = [];
    await this.#file?.close();
  }
}

/** A temporary file without a name: unlinked while open, it goes away even when the process is killed. */
async function openNamelessFile(): Promise<FileHandle> {
  const path = join(tmpdir(), `ganx-${randomUUID()}.rows`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}
