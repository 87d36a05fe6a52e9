/**
 * Pulls exact numbers of bytes out of a file, unpacking gzip on the way; one chunk is in memory at a time.
 * It knows no format.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { GanError, messageOf } from '../core/errors.js';
import { refuseData } from './bad-data.js';

/** The first bytes of a file, fewer where it is shorter. */
export async function readStart(path: string, length: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Whether the bytes begin a gzip file (RFC 1952). */
export function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Reads a file from front to back; whoever opens it closes it. */
export class ByteReader {
  readonly #path: string;
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #consumed = 0;

  private constructor(path: string, chunks: AsyncIterable<Buffer>) {
    this.#path = path;
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Opens a plain or gzipped file from byte `start`, which counts before unpacking. */
  static async open(path: string, start = 0): Promise<ByteReader> {
    const isPacked = isGzip(await readStart(path, 2));
    const file = createReadStream(path, { start, highWaterMark: 2 ** 20 });
    if (!isPacked) return new ByteReader(path, file);
    // Failures of either stream surface where the unpacked bytes are read.
    return new ByteReader(
      path,
      pipeline(file, createGunzip({ chunkSize: 2 ** 18 }), () => undefined),
    );
  }

  /** Bytes given out so far. */
  get consumed(): number {
    return this.#consumed;
  }

  /**
   * The next `length` bytes, fewer only at the end.
   *
   * @throws GanError `BAD_DATA` when gzip data are cut off or damaged, `IO` when the file cannot be read
   */
  async take(length: number): Promise<Buffer> {
    const parts = [this.#rest];
    let held = this.#rest.length;
    while (held < length) {
      const chunk = await this.#pull();
      if (!chunk) break;
      parts.push(chunk);
      held += chunk.length;
    }
    const all = parts.length === 1 ? this.#rest : Buffer.concat(parts, held);
    const taken = all.subarray(0, length);
    this.#rest = all.subarray(taken.length);
    this.#consumed += taken.length;
    return taken;
  }

  async #pull(): Promise<Buffer | undefined> {
    try {
      const { value, done } = await this.#chunks.next();
      return done ? undefined : value;
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && String(cause.code).startsWith('Z_')) {
        throw refuseData('whole gzip data', this.#path, `${messageOf(cause)}. Fetch the file again.`, cause);
      }
      throw new GanError(
        'IO',
        'data',
        `Expected to read ${this.#path}, got \`${messageOf(cause)}\`. Check the disk.`,
        { cause },
      );
    }
  }

  /** Lets go of the file. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
