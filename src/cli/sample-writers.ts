/**
 * Where samples go: a sheet, single files, NumPy arrays. Each target takes batches as they come, so that memory does
 * not grow with the count, and shows its file only when it is complete.
 */
import { cpus } from 'node:os';
import { basename, join } from 'node:path';
import { ioError, makeFolder, writeFileAtomically } from '../checkpoint/index.js';
import { expected } from '../core/errors.js';
import { type PlainTensor, plainTensor, sizeOf } from '../core/tensor.js';
import { type Generator, type Samples, toBytes, toPng } from '../sample/index.js';
import { openNpyWriter, removeStale } from './npy-writer.js';
import type { ShardJob } from './sample-shard.js';
import { shardPath } from './shard.js';
import { type ShardDrawing, writeManifest } from './shard-manifest.js';

/** The targets that a user asked for. */
export interface SampleTargets {
  readonly output?: string;
  readonly outDir?: string;
  readonly npy?: string;
  readonly saveLatents?: string;
}

/** What is drawn: all that was asked for, or the part of a shard. */
export interface Drawing {
  readonly generator: Generator;
  readonly count: number;
  readonly seed: number;
  readonly from: number;
  /** Of the images in a NumPy file. */
  readonly dtype: 'float32' | 'uint8';
  readonly shard?: ShardJob;
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

/** The numbers of a batch that a NumPy file takes. */
type Pick = (samples: Samples) => PlainTensor;

/** A NumPy file of the whole drawing, or the part of it that a shard holds, with its manifest. */
async function openArray(
  path: string,
  content: ShardDrawing['content'],
  drawing: Drawing,
  pick: Pick,
): Promise<SampleWriter> {
  const { count, generator, shard } = drawing;
  const { imageShape, latentSize } = generator.metadata;
  const dtype = content === 'images' ? drawing.dtype : 'float32';
  const shape = [count, ...(content === 'images' ? imageShape : [latentSize])];
  const target = shard ? shardPath(path, shard.shard) : path;
  if (shard) await removeStale(target);
  const file = await openNpyWriter('sample', target, dtype, shape);
  return {
    add: (samples) => file.add(pick(samples).data),
    async finish() {
      const { sizeBytes, sha256 } = await file.finish();
      const text = `${target}: ${dtype} [${shape.join(', ')}]`;
      if (!shard) return text;
      const { runtime, version, device } = generator;
      await writeManifest(path, {
        format: 'ganx shard 1',
        shard: shard.shard,
        drawing: shard.drawingOf(content),
        engine: { runtime, version, device },
        processor: cpus()[0]?.model.trim() ?? 'unknown',
        samples: { from: drawing.from, count },
        file: { name: basename(target), shape, sizeBytes, sha256 },
      });
      return `${text}, samples ${drawing.from} to ${drawing.from + count - 1}, SHA-256 ${sha256}`;
    },
    discard: file.discard,
  };
}

/** Opens every target that was asked for; a sheet named samples.png when none was. */
export async function openWriters(targets: SampleTargets, drawing: Drawing): Promise<SampleWriter[]> {
  const { output, outDir, npy, saveLatents } = targets;
  const { kind, imageRange } = drawing.generator.metadata;
  if (drawing.dtype === 'uint8' && kind === 'points')
    throw expected('--dtype', 'float32 for points', 'uint8');
  const writers: SampleWriter[] = [];
  const sheet = output ?? (outDir || npy || drawing.shard ? undefined : 'samples.png');
  try {
    if (sheet) writers.push(openSheet(sheet, drawing));
    if (outDir) writers.push(await openFolder(outDir, drawing));
    if (npy) {
      const pick: Pick = ({ images }) => (drawing.dtype === 'uint8' ? toBytes(images, imageRange) : images);
      writers.push(await openArray(npy, 'images', drawing, pick));
    }
    if (saveLatents) writers.push(await openArray(saveLatents, 'latents', drawing, ({ latents }) => latents));
    return writers;
  } catch (error) {
    for (const writer of writers) await writer.discard();
    throw error;
  }
}
