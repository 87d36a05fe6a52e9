/**
 * stats.jsonl: one JSON object a line, only ever appended to. Knows nothing of what the records mean.
 * A training state stores `byteLength`; a resumed run cuts the file back to it, so that no line is there twice.
 * https://jsonlines.org
 */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GanError } from '../core/errors.js';
import { ioError } from './atomic-write.js';
import { canonicalJson } from './canonical-json.js';
import { makeFolder } from './make-folder.js';

const NEWLINE = 0x0a;

/** An open stats.jsonl; close it when done. */
export class StatsLog {
  readonly path: string;
  readonly #file: FileHandle;
  #byteLength: number;
  // Appends go one after another even when the caller does not wait for them.
  #last: Promise<void> = Promise.resolve();

  /** Use {@link openStats}. */
  constructor(path: string, file: FileHandle, byteLength: number) {
    this.path = path;
    this.#file = file;
    this.#byteLength = byteLength;
  }

  /** Bytes of all whole lines so far. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /**
   * Writes one line; after a failure the file still ends with a whole line.
   *
   * @throws GanError `BAD_ARGUMENT` for values that JSON does not have, `IO` when it cannot be written
   */
  async append(record: Readonly<Record<string, unknown>>): Promise<void> {
    const line = Buffer.from(`${canonicalJson(record, 'stats')}\n`);
    const turn = this.#last.then(() => this.#write(line));
    this.#last = turn.catch(() => undefined);
    await turn;
  }

  /** Flushes to the disk: do so before a training state that holds `byteLength` is saved. */
  async sync(): Promise<void> {
    await this.#last;
    await this.#file.datasync().catch((error: unknown) => {
      throw ioError('stats', `to flush ${this.path}`, error);
    });
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#file.close();
  }

  async #write(line: Buffer): Promise<void> {
    try {
      await writeAll(this.#file, line, this.#byteLength);
      this.#byteLength += line.length;
    } catch (error) {
      // Cutting back needs no space; if even that fails, the first error is still the one to tell.
      await this.#file.truncate(this.#byteLength).catch(() => undefined);
      throw ioError('stats', `to append to ${this.path}`, error, 'Its earlier lines are unchanged.');
    }
  }
}

/** Writes every byte: a single write may stop in the middle without an error. */
async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Bytes up to the end of the last whole line: a process that was killed may have left a torn one. */
async function wholeLines(path: string): Promise<number> {
  return (await readFile(path)).lastIndexOf(NEWLINE) + 1;
}

/** Whether a line ends just before byte `at`. */
async function endsLine(file: FileHandle, at: number): Promise<boolean> {
  if (at === 0) return true;
  const { bytesRead, buffer } = await file.read(Buffer.alloc(1), 0, 1, at - 1);
  return bytesRead === 1 && buffer[0] === NEWLINE;
}

/**
 * Opens stats.jsonl for appending; the file and its folder are made when missing.
 *
 * @param truncateToBytes cuts the file back to this length first: 0 for a new run, a training state's
 *                        `byteLength` for a resumed one; without it every whole line is kept and gone on with
 * @throws GanError `IO` when it cannot be opened, `BAD_DATA` when it does not hold that many bytes of whole lines
 */
export async function openStats(path: string, truncateToBytes?: number): Promise<StatsLog> {
  let file: FileHandle | undefined;
  try {
    await makeFolder(dirname(path));
    // r+ and not a: an appending file ignores positions. It does not create, hence the two opens.
    await (await open(path, 'a')).close();
    file = await open(path, 'r+');
    const { size } = await file.stat();
    const length = truncateToBytes ?? (await wholeLines(path));
    if (length > size || !(await endsLine(file, length))) {
      throw new GanError(
        'BAD_DATA',
        'stats',
        `Expected whole lines up to byte ${length} of ${path}, got \`${size} bytes\`. ` +
          'It was changed since the checkpoint: restore it, or resume from an earlier checkpoint.',
      );
    }
    await file.truncate(length);
    return new StatsLog(path, file, length);
  } catch (error) {
    await file?.close();
    throw error instanceof GanError ? error : ioError('stats', `to open ${path}`, error);
  }
}
