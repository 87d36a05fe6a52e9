/**
 * Where samples go: a sheet, single files, NumPy arrays. Each target takes batches as they come, so that memory does
 * not grow with the count, and shows its file only when it is complete.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ioError, makeFolder, writeFileAtomically } from '../checkpoint/index.js';
import { expected } from '../core/errors.js';
import { encodeNpyHeader } from '../core/npy.js';
import { type FloatTensor, plainTensor, sizeOf } from '../core/tensor.js';
import { type Generator, type Samples, toPng } from '../sample/index.js';

/** The targets that a user asked for. */
export interface SampleTargets {
  readonly output?: string;
  readonly outDir?: string;
  readonly npy?: string;
  readonly saveLatents?: string;
}

/** What is drawn. */
export interface Drawing {
  readonly generator: Generator;
  readonly count: number;
  readonly seed: number;
  readonly from: number;
}

/** One target. */
export interface SampleWriter {
  add(samples: Samples): Promise<void>;
  /** Completes the target; says what was written. */
  finish(): Promise<string>;
  /** Leaves nothing half-written behind. */
  discard(): Promise<void>;
}

/** Numbers that a sheet may hold in memory: 256 MiB of floats. */
const MAX_SHEET_VALUES = 2 ** 26;

function openSheet(path: string, { generator, count }: Drawing): SampleWriter {
  const { imageShape, kind } = generator.metadata;
  const size = sizeOf(imageShape);
  const most = Math.floor(MAX_SHEET_VALUES / size);
  if (count > most)
    throw expected(
      'sample',
      `at most ${most} ${kind} on one sheet`,
      count,
      'Use --out-dir or --npy for more.',
    );
  const values = new Float32Array(count * size);
  let filled = 0;
  return {
    async add({ images }) {
      values.set(images.data, filled);
      filled += images.data.length;
    },
    async finish() {
      const sheet = toPng(plainTensor(values, [count, ...imageShape]), generator.metadata);
      await writeFileAtomically(path, sheet);
      return `${path}: ${count} ${kind}`;
    },
    async discard() {},
  };
}

/** One PNG a sample, `seed-7-000000042.png`; files that are done stay when the drawing is stopped. */
async function openFolder(path: string, { generator, count, seed }: Drawing): Promise<SampleWriter> {
  const { imageShape, kind } = generator.metadata;
  if (kind === 'points')
    throw expected('sample', 'images for --out-dir', 'points', 'Use --npy or -o for points.');
  await makeFolder(path).catch((error: unknown) => {
    throw ioError('sample', `to make the folder ${path}`, error);
  });
  const size = sizeOf(imageShape);
  return {
    async add({ from, images }) {
      for (let i = 0; i < images.shape[0]!; i++) {
        const image = plainTensor(images.data.subarray(i * size, (i + 1) * size), [1, ...imageShape]);
        const name = `seed-${seed}-${String(from + i).padStart(9, '0')}.png`;
        const png = toPng(image, generator.metadata, { scale: 1, padding: 0 });
        await writeFileAtomically(join(path, name), png);
      }
    },
    async finish() {
      return `${path}: ${count} files`;
    },
    async discard() {},
  };
}

/** A .npy that grows under a temporary name, its header first. */
async function openNpyFile(
  path: string,
  shape: readonly number[],
  pick: (samples: Samples) => FloatTensor,
): Promise<SampleWriter> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  const fail = (error: unknown): never => {
    throw ioError('sample', `to write ${path}`, error);
  };
  let file: FileHandle | undefined;
  const write = async (bytes: Uint8Array): Promise<void> => {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await file!.write(bytes, at).catch(fail);
      at += bytesWritten;
    }
  };
  await makeFolder(dirname(path)).catch(fail);
  file = await open(temporary, 'wx').catch(fail);
  const discard = async (): Promise<void> => {
    await file?.close().catch(() => undefined);
    await rm(temporary, { force: true });
  };
  await write(encodeNpyHeader('float32', shape));
  return {
    async add(samples) {
      const { data } = pick(samples);
      await write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    },
    async finish() {
      await file?.sync().catch(fail);
      await file?.close().catch(fail);
      await rename(temporary, path).catch(fail);
      return `${path}: float32 [${shape.join(', ')}]`;
    },
    discard,
  };
}

/** Opens every target that was asked for; a sheet named samples.png when none was. */
export async function openWriters(targets: SampleTargets, drawing: Drawing): Promise<SampleWriter[]> {
  const { output, outDir, npy, saveLatents } = targets;
  const { count, generator } = drawing;
  const writers: SampleWriter[] = [];
  const sheet = output ?? (outDir || npy ? undefined : 'samples.png');
  try {
    if (sheet) writers.push(openSheet(sheet, drawing));
    if (outDir) writers.push(await openFolder(outDir, drawing));
    if (npy)
      writers.push(await openNpyFile(npy, [count, ...generator.metadata.imageShape], ({ images }) => images));
    if (saveLatents) {
      writers.push(
        await openNpyFile(saveLatents, [count, generator.metadata.latentSize], ({ latents }) => latents),
      );
    }
    return writers;
  } catch (error) {
    for (const writer of writers) await writer.discard();
    throw error;
  }
}
