/**
 * What a finished shard says of itself, in a small JSON file beside its array: from what it was drawn, which samples
 * it holds, and the SHA-256 of its bytes. It is written last, so that a shard without it is not finished.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { ioError, readWholeFile, writeFileAtomically } from '../checkpoint/index.js';
import { expected, GanError } from '../core/errors.js';
import { type SampleRange, type Shard, shardOfName, shardPath } from './shard.js';

const whole = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Everything that the bytes follow from; shards of one drawing have it alike. */
const DRAWING = z.strictObject({
  /** Of the generator's file. */
  modelSha256: sha256,
  content: z.enum(['images', 'latents']),
  dtype: z.enum(['float32', 'uint8']),
  seed: whole,
  from: whole,
  count: whole,
  batch: whole,
  truncation: z.number(),
  /** As it was typed; null for each class in turn. */
  label: z.string().nullable(),
  /** How a file from another tool was described. */
  description: z.record(z.string(), z.string()).nullable(),
});

const MANIFEST = z.strictObject({
  format: z.literal('ganx shard 1'),
  shard: z.strictObject({ number: whole, of: whole }),
  drawing: DRAWING,
  /** The last bits of a float depend on it. */
  engine: z.strictObject({ runtime: z.string(), version: z.string(), device: z.string() }),
  processor: z.string(),
  samples: z.strictObject({ from: whole, count: whole }),
  file: z.strictObject({ name: z.string(), shape: z.array(whole), sizeBytes: whole, sha256 }),
});

export type ShardDrawing = z.infer<typeof DRAWING>;
export type ShardManifest = z.infer<typeof MANIFEST>;

/** Writes the manifest of the shard whose array is part of the one at `path`. */
export async function writeManifest(path: string, manifest: ShardManifest): Promise<void> {
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  await writeFileAtomically(shardPath(path, manifest.shard, '.json'), new TextEncoder().encode(text));
}

/**
 * Reads one.
 *
 * @returns undefined where there is none
 * @throws GanError `IO`, and `BAD_DATA` for a file that is no manifest
 */
export async function readManifestOf(path: string, shard: Shard): Promise<ShardManifest | undefined> {
  const file = shardPath(path, shard, '.json');
  if (!existsSync(file)) return undefined;
  const text = new TextDecoder().decode(await readWholeFile(file));
  try {
    return MANIFEST.parse(JSON.parse(text));
  } catch (cause) {
    const remedy = 'Remove the file and draw that shard again.';
    const message = `Expected ${file} to be the manifest of a shard, got \`${text.slice(0, 40)}\`. ${remedy}`;
    throw new GanError('BAD_DATA', 'shard', message, { cause });
  }
}

/**
 * All manifests that lie beside the array at `path`, in the order of their shards.
 *
 * @throws GanError `IO`, `BAD_DATA`
 */
export async function listManifests(path: string): Promise<ShardManifest[]> {
  const names = await readdir(dirname(path)).catch((error: unknown) => {
    throw ioError('shard', `to read the folder ${dirname(path)}`, error);
  });
  const shards = names.flatMap((name) => shardOfName(name, path) ?? []);
  const found = await Promise.all(shards.map((shard) => readManifestOf(path, shard)));
  return found
    .filter((manifest) => manifest !== undefined)
    .sort((a, b) => a.shard.of - b.shard.of || a.shard.number - b.shard.number);
}

/** The first thing in which two drawings differ: `seed 7, not 8`; undefined when they are alike. */
export function findDifference(a: ShardDrawing, b: ShardDrawing): string | undefined {
  for (const key of Object.keys(a) as (keyof ShardDrawing)[]) {
    const [one, other] = [a[key], b[key]];
    if (!isDeepStrictEqual(one, other)) return `${key} ${JSON.stringify(one)}, not ${JSON.stringify(other)}`;
  }
  return undefined;
}

/** SHA-256 of a file in hex; undefined where it cannot be read. */
async function hashFile(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk);
  } catch {
    return undefined;
  }
  return hash.digest('hex');
}

/**
 * Whether a shard is finished: its manifest is there, its array has that checksum, and both are of this drawing.
 *
 * @throws GanError `BAD_ARGUMENT` for a finished shard of another drawing, which is somebody's work
 */
export async function isFinished(
  path: string,
  shard: Shard,
  drawing: ShardDrawing,
  samples: SampleRange,
): Promise<boolean> {
  const manifest = await readManifestOf(path, shard).catch((error: unknown) => {
    if (error instanceof GanError && error.code === 'BAD_DATA') return undefined;
    throw error;
  });
  if (manifest === undefined) return false;
  const array = shardPath(path, shard);
  const difference = findDifference(manifest.drawing, drawing);
  if (difference !== undefined) {
    const remedy = `Remove ${basename(array)} and its .json, or choose another name.`;
    throw expected('sample', `${array} to be a shard of this drawing`, difference, remedy);
  }
  if (!isDeepStrictEqual(manifest.samples, samples)) return false;
  return (await hashFile(array)) === manifest.file.sha256;
}
