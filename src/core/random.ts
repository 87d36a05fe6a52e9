/**
 * Random numbers by (seed, stream, index): uniform, normal, coin flips, permutations.
 * Element i of a stream depends on nothing but these three, so it is the same in every batch, shard and engine.
 */
import { expected } from './errors.js';
import { normalQuantile } from './normal.js';
import { randomWords } from './philox.js';

const UNIT = 2 ** -32;

/** `count` float32 numbers of U(low, high), elements `start` and on of the stream. */
export function uniform(
  seed: number,
  stream: string,
  start: number,
  count: number,
  low = 0,
  high = 1,
): Float32Array<ArrayBuffer> {
  const words = randomWords(seed, stream, start, count);
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = low + (high - low) * ((words[i]! + 0.5) * UNIT);
  return out;
}

/** `count` float32 numbers of N(0, 1), elements `start` and on of the stream; bit-equal on every engine. */
export function normal(
  seed: number,
  stream: string,
  start: number,
  count: number,
): Float32Array<ArrayBuffer> {
  const words = randomWords(seed, stream, start, count);
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = normalQuantile((words[i]! + 0.5) * UNIT);
  return out;
}

/**
 * `count` independent coins that are 1 with probability `keep`: dropout masks.
 * A coin takes 16 random bits, so `keep` is rounded to a multiple of 2^-16.
 *
 * @throws GanError `BAD_ARGUMENT` unless 0 < keep ≤ 1
 */
export function coins(
  seed: number,
  stream: string,
  start: number,
  count: number,
  keep: number,
): Uint8Array<ArrayBuffer> {
  if (!(keep > 0 && keep <= 1)) throw expected('random', 'a probability above 0 and at most 1', keep);
  const threshold = Math.round(keep * 65536);
  const first = Math.floor(start / 2);
  const words = randomWords(seed, stream, first, Math.ceil((start + count) / 2) - first);
  const out = new Uint8Array(count);
  const skip = start - first * 2;
  for (let i = 0; i < count; i++) {
    const at = i + skip;
    const word = words[at >> 1]!;
    out[i] = (at & 1 ? word >>> 16 : word & 0xffff) < threshold ? 1 : 0;
  }
  return out;
}

/** A uniformly random order of 0 … count−1 (Fisher-Yates). */
export function permutation(seed: number, stream: string, count: number): Uint32Array<ArrayBuffer> {
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  const words = randomWords(seed, stream, 0, count);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(words[i]! * UNIT * (i + 1));
    const swap = order[i]!;
    order[i] = order[j]!;
    order[j] = swap;
  }
  return order;
}
