/**
 * A folder as one archive in pieces small enough to carry, and the list that says which pieces there are. They are put
 * together again by run-there.sh, with nothing but `cat` and `tar`. It knows nothing of what is in the folder.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { createGzip } from 'node:zlib';
import { writeFileAtomically } from '../../src/checkpoint/index.js';
import { GanError } from '../../src/core/errors.js';

/** The list's name; it lies beside the pieces, in the form that `sha256sum -c` reads. */
export const LIST = 'pieces.txt';

/** A file with one stretch of an archive. */
export interface Piece {
  /** `webgpu-01`: the archive's name and its place in it. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Writes what comes into files of at most `pieceBytes`. */
export async function splitInPieces(
  source: AsyncIterable<Uint8Array>,
  folder: string,
  archive: string,
  pieceBytes: number,
): Promise<Piece[]> {
  const pieces: Piece[] = [];
  let file: FileHandle | undefined;
  let hash = createHash('sha256');
  let sizeBytes = 0;
  const nameOf = (count: number): string => `${archive}-${String(count + 1).padStart(2, '0')}`;
  const finish = async (): Promise<void> => {
    await file?.close();
    if (file) pieces.push({ name: nameOf(pieces.length), sizeBytes, sha256: hash.digest('hex') });
    file = undefined;
    hash = createHash('sha256');
    sizeBytes = 0;
  };
  try {
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length; ) {
        file ??= await open(join(folder, nameOf(pieces.length)), 'w');
        const part = chunk.subarray(at, at + pieceBytes - sizeBytes);
        await file.writeFile(part);
        hash.update(part);
        sizeBytes += part.length;
        at += part.length;
        if (sizeBytes === pieceBytes) await finish();
      }
    }
  } finally {
    await finish();
  }
  return pieces;
}

/**
 * Packs everything under `from` into pieces under `to`; links become what they point to.
 *
 * @param archive what the pieces' names begin with
 * @param level   of gzip: 1 is fast, 9 is small
 * @throws GanError `IO` when tar is missing or fails
 */
export async function packFolder(
  from: string,
  to: string,
  archive: string,
  pieceBytes: number,
  level: number,
): Promise<Piece[]> {
  const arguments_ = ['-C', from, '-h', '--owner=0', '--group=0', '--numeric-owner', '-cf', '-', '.'];
  const tar = spawn('tar', arguments_, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | string | null>((resolve) => {
    tar.once('error', ({ message }) => resolve(message));
    tar.once('close', resolve);
  });
  const pieces = await splitInPieces(tar.stdout.pipe(createGzip({ level })), to, archive, pieceBytes);
  const code = await ended;
  if (code !== 0) throw new GanError('IO', 'check:gpu', `Expected tar to pack ${archive}, got \`${code}\`.`);
  return pieces;
}

/** Writes the list of all pieces; whoever has it can tell which are still to come. */
export async function writeList(folder: string, pieces: readonly Piece[]): Promise<void> {
  const lines = pieces.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join('');
  await writeFileAtomically(join(folder, LIST), new TextEncoder().encode(lines));
}
