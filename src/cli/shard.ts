/**
 * One shard of a drawing: which samples it takes, and what its files are called. Shards are cut between two runs of
 * the model and never inside one, so that each run is made of the same samples as in a drawing without shards: its
 * numbers are then equal to the last bit. It knows neither generators nor arrays.
 */
import { basename, dirname, extname, join } from 'node:path';
import { expected } from '../core/errors.js';

/** `3/64`: the third of 64. */
export interface Shard {
  /** 1 to `of`. */
  readonly number: number;
  readonly of: number;
}

/** Samples `from` to `from + count - 1`. */
export interface SampleRange {
  readonly from: number;
  readonly count: number;
}

/** More than any cluster starts of one job. */
const MOST_SHARDS = 100_000;

/**
 * Reads `3/64`, counted from 1, as test runners count theirs.
 *
 * @throws GanError `BAD_ARGUMENT`
 */
export function readShard(text: string, flag: string): Shard {
  const [, number, of] = (/^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? []).map(Number);
  if (number !== undefined && of !== undefined && number >= 1 && number <= of && of <= MOST_SHARDS)
    return { number, of };
  const remedy = `Shards are counted from 1: the first of 64 is 1/64, the last 64/64.`;
  throw expected(flag, `a shard k/n with k from 1 to n and n to ${MOST_SHARDS}`, text, remedy);
}

/**
 * The samples of one shard. All shards together are the whole range, in order; their sizes differ by one batch at
 * most, the last batch of all may be smaller.
 *
 * @param batch samples in one run of the model
 * @throws GanError `BAD_ARGUMENT` where there are fewer batches than shards
 */
export function cutShard({ from, count }: SampleRange, batch: number, { number, of }: Shard): SampleRange {
  const batches = Math.ceil(count / batch);
  if (batches < of) {
    const remedy = 'A shard holds whole batches: take fewer shards, or a smaller --batch.';
    throw expected('--shard', `at most ${batches} shards of ${count} samples, ${batch} a batch`, of, remedy);
  }
  const edge = (shards: number): number => Math.min(count, Math.floor((shards * batches) / of) * batch);
  const start = edge(number - 1);
  return { from: from + start, count: edge(number) - start };
}

/** `out/images.npy` -> `out/images.shard-03-of-64.npy`, or its manifest, which ends in `.json`. */
export function shardPath(path: string, { number, of }: Shard, ending = extname(path)): string {
  const stem = basename(path, extname(path));
  const padded = String(number).padStart(String(of).length, '0');
  return join(dirname(path), `${stem}.shard-${padded}-of-${of}${ending}`);
}

/** The shard that a manifest's file name tells, of the array at `path`; undefined for any other name. */
export function shardOfName(name: string, path: string): Shard | undefined {
  const stem = `${basename(path, extname(path))}.shard-`;
  const found = /^(\d{1,6})-of-(\d{1,6})\.json$/.exec(name.startsWith(stem) ? name.slice(stem.length) : '');
  return found ? { number: Number(found[1]), of: Number(found[2]) } : undefined;
}
