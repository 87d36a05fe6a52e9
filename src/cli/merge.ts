/** `ganx merge`: the shards of a drawing become the file that one `ganx sample` without shards writes. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ioError } from '../checkpoint/index.js';
import { expected, GanError } from '../core/errors.js';
import { encodeNpyHeader } from '../core/npy.js';
import { type NpyWriter, openNpyWriter } from './npy-writer.js';
import { openBar, printLine, printNote } from './print.js';
import { cutShard, shardPath } from './shard.js';
import { findDifference, listManifests, type ShardManifest } from './shard-manifest.js';
import { abortOnSignal, EXIT_STOPPED } from './stop.js';
import type { Verb } from './verb.js';

function damaged(file: string, what: string, got: string): GanError {
  const message = `Expected ${file} with ${what}, got \`${got}\`. Draw that shard again.`;
  return new GanError('BAD_DATA', 'merge', message);
}

/** Refuses shards that are not all, or not of one drawing; gives them in order. */
function checkSet(path: string, found: readonly ShardManifest[]): readonly ShardManifest[] {
  const [first] = found;
  if (first === undefined) {
    const remedy = 'Draw them with `ganx sample --shard k/n`.';
    throw expected('merge', `shards of ${path}`, 'no manifest beside it', remedy);
  }
  const { of } = first.shard;
  for (const { shard, drawing, engine } of found) {
    const name = basename(shardPath(path, shard));
    const remedy = 'They are of two drawings: remove the shards of one of them.';
    if (shard.of !== of) throw expected('merge', `every shard to be one of ${of}`, name, remedy);
    const difference = findDifference(drawing, first.drawing);
    if (difference !== undefined) throw expected('merge', `${name} to be of one drawing`, difference, remedy);
    if (!isDeepStrictEqual(engine, first.engine)) {
      const [own, other] = [engine, first.engine].map((one) => Object.values(one).join(' '));
      const again = 'Floats differ in their last bits between them: draw all shards with one.';
      throw expected('merge', `${name} to be drawn by ${other}`, own, again);
    }
  }
  const there = new Set(found.map(({ shard }) => shard.number));
  const missing = Array.from({ length: of }, (_, i) => i + 1).filter((number) => !there.has(number));
  if (missing.length > 0) {
    const list = missing.slice(0, 8).map((number) => `${number}/${of}`);
    const rest = missing.length > 8 ? ` and ${missing.length - 8} more` : '';
    throw expected('merge', `all ${of} shards`, `all but ${list.join(', ')}${rest}`, 'Draw those, too.');
  }
  return found;
}

/** Appends the values of one shard while it checks all of its bytes. */
async function appendShard(
  path: string,
  { shard, drawing, samples, file }: ShardManifest,
  output: NpyWriter,
  onBytes: (count: number) => void,
): Promise<void> {
  const name = shardPath(path, shard);
  if (!isDeepStrictEqual(samples, cutShard(drawing, drawing.batch, shard)))
    throw damaged(name, 'its own samples', `${samples.count} from ${samples.from}`);
  const header = encodeNpyHeader(drawing.dtype, file.shape).length;
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    for await (const chunk of createReadStream(name, { highWaterMark: 2 ** 20 }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      await output.addBytes(chunk.subarray(Math.max(0, header - sizeBytes)));
      sizeBytes += chunk.length;
      onBytes(chunk.length);
    }
  } catch (error) {
    throw error instanceof GanError ? error : ioError('merge', `to read ${name}`, error);
  }
  const sha256 = hash.digest('hex');
  if (sha256 !== file.sha256) throw damaged(name, `SHA-256 ${file.sha256}`, sha256);
}

async function runMerge(_: unknown, path: string): Promise<void> {
  const shards = checkSet(path, await listManifests(path));
  const { drawing, file } = shards[0]!;
  const shape = [drawing.count, ...file.shape.slice(1)];
  const megabytes = shards.reduce((sum, one) => sum + one.file.sizeBytes, 0) / 1e6;
  const { signal, release } = abortOnSignal(() => printNote('\nStopping; nothing is written.'));
  const bar = openBar('Merging', 'MB');
  const output = await openNpyWriter('merge', path, drawing.dtype, shape);
  try {
    let done = 0;
    for (const shard of shards) {
      await appendShard(path, shard, output, (bytes) => {
        signal.throwIfAborted();
        done += bytes / 1e6;
        bar.update(Math.round(done), Math.round(megabytes));
      });
    }
    bar.stop();
    const { sha256 } = await output.finish();
    printLine(`${path}: ${drawing.dtype} [${shape.join(', ')}], ${shards.length} shards, SHA-256 ${sha256}`);
    const processors = new Set(shards.map(({ processor }) => processor));
    if (processors.size > 1)
      printNote(
        `Drawn on ${processors.size} kinds of processor: floats may differ from one machine's in their last bits.`,
      );
  } catch (error) {
    bar.stop();
    await output.discard();
    if (!signal.aborted) throw error;
    process.exitCode = EXIT_STOPPED;
  } finally {
    release();
  }
}

export const mergeVerb: Verb<Record<never, never>> = {
  name: 'merge',
  describe: 'join the shards that `ganx sample --shard` drew',
  path: { name: 'file', describe: 'the NumPy file to write; its shards lie beside it' },
  flags: {},
  examples: [
    ['merge images.npy', 'images.shard-*-of-*.npy, all checked, become one file'],
    ['merge out/latents.npy', 'the same for --save-latents'],
  ],
  run: runMerge,
};
