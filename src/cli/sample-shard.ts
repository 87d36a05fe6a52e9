/**
 * `--shard` of `ganx sample`: which samples the shard takes, from what its bytes follow, and whether it is drawn
 * already. It draws nothing and writes nothing.
 */
import { createHash } from 'node:crypto';
import { expected } from '../core/errors.js';
import { cutShard, type SampleRange, type Shard } from './shard.js';
import { isFinished, type ShardDrawing } from './shard-manifest.js';

/** The flags of `ganx sample` that matter here. */
interface ShardFlags {
  readonly output?: string;
  readonly outDir?: string;
  readonly npy?: string;
  readonly saveLatents?: string;
  readonly dtype?: 'float32' | 'uint8';
  readonly seed?: number;
  readonly batch?: number;
  readonly truncation?: number;
  readonly label?: string;
  readonly latent?: string;
  readonly range?: string;
  readonly layout?: string;
  readonly distribution?: string;
  readonly labels?: string;
}

/** A shard that is to be drawn. */
export interface ShardJob {
  readonly shard: Shard;
  readonly samples: SampleRange;
  /** From what the bytes of one array follow. */
  drawingOf(content: ShardDrawing['content']): ShardDrawing;
}

/** How a file from another tool was described, or null. */
function describe({
  latent,
  range,
  layout,
  distribution,
  labels,
}: ShardFlags): Record<string, string> | null {
  if (latent === undefined) return null;
  const given = Object.entries({ latent, range, layout, distribution, labels });
  return Object.fromEntries(given.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

/**
 * @param whole what is drawn without shards
 * @param model the bytes of the generator's file
 * @throws GanError `BAD_ARGUMENT` for targets that cannot be joined, and where there are fewer batches than shards
 */
export function planShard(shard: Shard, whole: SampleRange, model: Uint8Array, flags: ShardFlags): ShardJob {
  const other = flags.output ?? flags.outDir;
  if (other !== undefined || (flags.npy === undefined && flags.saveLatents === undefined)) {
    const remedy = 'Shards are joined as arrays; for single PNG files draw a range with --from and --count.';
    throw expected('--shard', '--npy or --save-latents with it, and no picture', other ?? 'neither', remedy);
  }
  const { seed = 0, batch = 64, truncation = 1, label = null, dtype = 'float32' } = flags;
  const modelSha256 = createHash('sha256').update(model).digest('hex');
  const common = { modelSha256, seed, ...whole, batch, truncation, label, description: describe(flags) };
  return {
    shard,
    samples: cutShard(whole, batch, shard),
    drawingOf: (content) => ({ ...common, content, dtype: content === 'images' ? dtype : 'float32' }),
  };
}

/**
 * Whether everything that is asked for lies there, whole.
 *
 * @throws GanError `BAD_ARGUMENT` where a shard of another drawing is in the way
 */
export async function isDrawn({ shard, samples, drawingOf }: ShardJob, flags: ShardFlags): Promise<boolean> {
  const targets = [
    ['images', flags.npy],
    ['latents', flags.saveLatents],
  ] as const;
  let drawn = true;
  for (const [content, path] of targets)
    if (path !== undefined) drawn = (await isFinished(path, shard, drawingOf(content), samples)) && drawn;
  return drawn;
}

/** The classes of a shard, of those that were given for each sample of the whole drawing. */
export function pickLabels(
  labels: readonly number[],
  whole: SampleRange,
  { samples }: ShardJob,
): readonly number[] {
  if (labels.length !== whole.count)
    throw expected('sample', `${whole.count} labels, one a sample`, labels.length);
  const start = samples.from - whole.from;
  return labels.slice(start, start + samples.count);
}
