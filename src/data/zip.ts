/**
 * A zip of images as a list of files, distrusting it: names that leave the archive, encryption and unpacked sizes
 * beyond the caps refuse the whole zip. Entries are unpacked in memory one by one, never to disk.
 * https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { messageOf } from '../core/errors.js';
import { refuseData } from './bad-data.js';
import { comparePaths, type FileList, isIgnored, MAX_FILE_BYTES } from './image-files.js';

/** What all entries together may unpack to. */
export const MAX_ZIP_BYTES = 8 * 2 ** 30;

/** An opened zip; the caller closes it. */
export interface ZipList extends FileList {
  close(): void;
}

/**
 * Lists a zip's files, sorted by name, without unpacking any.
 *
 * @throws GanError `BAD_DATA` for what is no zip, is cut off, is encrypted, has unsafe names or unpacks to too much
 */
export async function openZip(path: string, signal?: AbortSignal): Promise<ZipList> {
  const zip = await openPromise(path, {
    autoClose: false,
    strictFileNames: true,
    validateEntrySizes: false,
  }).catch((cause: unknown) => {
    throw refuseData('a whole zip file', path, describeFault(cause), cause);
  });
  try {
    const entries = await listEntries(zip, path, signal);
    entries.sort((a, b) => comparePaths(a.fileName, b.fileName));
    return {
      names: entries.map((entry) => entry.fileName),
      read: (index) => unpackEntry(zip, entries[index]!, path),
      close: () => zip.close(),
    };
  } catch (error) {
    zip.close();
    throw error;
  }
}

/** What the zip reader found, as a sentence. */
function describeFault(cause: unknown): string {
  return `${messageOf(cause).replace(/\.$/, '')}.`;
}

async function listEntries(zip: ZipFile, path: string, signal?: AbortSignal): Promise<Entry[]> {
  const entries: Entry[] = [];
  let total = 0;
  const listed = zip.eachEntry();
  for (;;) {
    signal?.throwIfAborted();
    // yauzl refuses names with `..`, backslashes and absolute paths here, and damaged directories.
    const next = await listed.next().catch((cause: unknown) => {
      throw refuseData('a sound zip file', basename(path), `${describeFault(cause)} Do not trust it.`, cause);
    });
    if (next.done) return entries;
    const entry = next.value;
    if (entry.fileName.endsWith('/') || isIgnored(entry.fileName)) continue;
    if (entry.isEncrypted()) {
      throw refuseData('a zip without a password', entry.fileName, `Unpack ${path} and give the folder.`);
    }
    if (entry.uncompressedSize > MAX_FILE_BYTES) {
      const got = `${entry.fileName} with ${entry.uncompressedSize}`;
      throw refuseData(`zip entries that unpack to at most ${MAX_FILE_BYTES} bytes`, got, 'Leave it out.');
    }
    total += entry.uncompressedSize;
    if (total > MAX_ZIP_BYTES) {
      const remedy = 'Unpack it and give the folder, if you trust it.';
      throw refuseData(`a zip that unpacks to at most ${MAX_ZIP_BYTES} bytes`, `${total} bytes`, remedy);
    }
    entries.push(entry);
  }
}

/** One entry's bytes, never more than it declares; rejects with an ordinary error when only this entry is damaged. */
async function unpackEntry(zip: ZipFile, entry: Entry, path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > entry.uncompressedSize) {
      const remedy = `${basename(path)} lies about its sizes. Do not trust it.`;
      throw refuseData(`${entry.uncompressedSize} bytes in ${entry.fileName}`, 'more', remedy);
    }
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks, size);
  if (size < entry.uncompressedSize) throw new Error(`${size} of ${entry.uncompressedSize} bytes`);
  if (crc32(bytes) !== entry.crc32) throw new Error('its checksum in the zip differs');
  return bytes;
}
