/**
 * Takes libraries out of a wheel: of TensorFlow's, the C++ library and the headers of its C interface. A wheel is a
 * zip; no Python runs. The archive is distrusted: unsafe names, encryption, lies about sizes and damage refuse all of it.
 * https://packaging.python.org/en/latest/specifications/binary-distribution-format/
 */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { GanError, messageOf } from '../core/errors.js';
import type { Advance } from './task.js';

/** Beyond what any TensorFlow needs: its largest library, with CUDA, has about 1.5 GB. */
const MAX_BYTES = 6 * 2 ** 30;

const LIBRARY = /^tensorflow\/(libtensorflow(?:_cc|_framework)?\.so(?:\.\d+)*)$/;
/** The C interface, and the folders from which its headers include. */
const HEADER = /^tensorflow\/(include\/(?:tensorflow\/(?:c|core\/platform)|tsl|xla\/tsl)\/.+\.h)$/;

/** Where an entry goes: libraries to `lib/`, headers to `include/`; undefined for what is not needed. */
export function placeOf(name: string): string | undefined {
  const library = LIBRARY.exec(name)?.[1];
  return library ? `lib/${library}` : HEADER.exec(name)?.[1];
}

/** What is wanted of a wheel. */
export interface Selection {
  /** `libtensorflow`. */
  readonly what: string;
  /** Which wheel has it, as a sentence. */
  readonly remedy: string;
  /** Where an entry goes, libraries to `lib/`; undefined for what is not needed. */
  readonly placeOf: (name: string) => string | undefined;
}

const LIBTENSORFLOW: Selection = {
  what: 'libtensorflow',
  remedy: 'Take the wheel of tensorflow or tensorflow-cpu, 2.16 or newer, for Linux.',
  placeOf,
};

function refuse(path: string, what: string, got: string, remedy: string, cause?: unknown): GanError {
  const message = `Expected ${what}, got \`${got}\` in ${basename(path)}. ${remedy}`;
  return new GanError('BAD_DATA', 'wheel', message, { cause });
}

const FETCH_AGAIN = 'Fetch it again.';
const DISTRUST = 'Do not trust it.';

async function listEntries(zip: ZipFile, path: string, { placeOf }: Selection): Promise<Map<string, Entry>> {
  const chosen = new Map<string, Entry>();
  let total = 0;
  const entries = zip.eachEntry();
  for (;;) {
    // yauzl refuses names with `..`, backslashes and absolute paths here, whichever entry has them.
    const next = await entries.next().catch((cause: unknown) => {
      throw refuse(path, 'a sound wheel', messageOf(cause), DISTRUST, cause);
    });
    if (next.done) return chosen;
    const entry = next.value;
    const place = placeOf(entry.fileName);
    if (place === undefined) continue;
    if (entry.isEncrypted()) throw refuse(path, 'a wheel without a password', entry.fileName, DISTRUST);
    if (chosen.has(place)) throw refuse(path, 'every file once', entry.fileName, DISTRUST);
    total += entry.uncompressedSize;
    if (total > MAX_BYTES) throw refuse(path, `at most ${MAX_BYTES} bytes`, `${total} bytes`, DISTRUST);
    chosen.set(place, entry);
  }
}

/** Writes one entry, never more than it declares, and compares it with its checksum. */
async function unpackEntry(
  zip: ZipFile,
  entry: Entry,
  target: string,
  onBytes: (count: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  let size = 0;
  let checksum = 0;
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      checksum = crc32(chunk, checksum);
      onBytes(chunk.length);
      if (size > entry.uncompressedSize) done(new Error(`${entry.fileName} is longer than it says`));
      else done(null, chunk);
    },
  });
  await mkdir(dirname(target), { recursive: true });
  const stream = await zip.openReadStreamPromise(entry);
  await pipeline(stream, check, createWriteStream(target, { flags: 'wx' }), signal ? { signal } : {});
  if (size !== entry.uncompressedSize || checksum !== entry.crc32) {
    throw new Error(`${entry.fileName} differs from its checksum`);
  }
}

/**
 * Unpacks a wheel's libraries.
 *
 * @param folder an empty folder; gets `lib/`, and `include/` with libtensorflow
 * @throws GanError `BAD_DATA` for what is no wheel, lacks what is wanted, is cut off, damaged or hostile; the system's own
 * error when the disk is full
 */
export async function unpackWheel(
  path: string,
  folder: string,
  advance: Advance,
  signal?: AbortSignal,
  selection = LIBTENSORFLOW,
): Promise<void> {
  const options = { autoClose: false, strictFileNames: true, validateEntrySizes: false };
  const zip = await openPromise(path, options).catch((cause: unknown) => {
    throw refuse(path, 'a whole wheel', messageOf(cause), FETCH_AGAIN, cause);
  });
  try {
    const entries = await listEntries(zip, path, selection);
    if (![...entries.keys()].some((place) => place.startsWith('lib/'))) {
      throw refuse(path, `${selection.what} in the wheel`, 'none', selection.remedy);
    }
    const total = [...entries.values()].reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);
    let done = 0;
    const onBytes = (count: number): void => {
      done += count;
      advance(done, total);
    };
    for (const [place, entry] of entries) {
      await unpackEntry(zip, entry, join(folder, place), onBytes, signal).catch((cause: unknown) => {
        if (cause instanceof Error && 'syscall' in cause) throw cause;
        signal?.throwIfAborted();
        throw refuse(path, 'undamaged files', messageOf(cause), FETCH_AGAIN, cause);
      });
    }
  } finally {
    zip.close();
  }
}
