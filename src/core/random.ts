/**
 * Random numbers by (seed, stream, index): uniform, normal, coin flips, permutations.
 * Element i of a stream depends on nothing but these three, so it is the same in every batch, shard and engine.
 */
import { expected } from './errors.js';
import { normalQuantile } from './normal.js';
import { openStream, randomWords } from './philox.js';

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
 * `keep` is rounded to a multiple of 2^-16. A fair coin is one random bit. Any other is one random byte; the one in 256
 * whose byte cannot tell yet takes a second byte, from a stream of its own.
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
  if (threshold === 32768) return fairCoins(seed, stream, start, count);
  const high = threshold >>> 8;
  const low = threshold & 0xff;
  const first = Math.floor(start / 4);
  const words = randomWords(seed, stream, first, Math.ceil((start + count) / 4) - first);
  // Whole words, cut at the end: four coins a turn without asking where the range begins.
  const all = new Uint8Array(words.length * 4);
  for (let i = 0, at = 0; i < words.length; i++, at += 4) {
    const word = words[i]! | 0; // as a signed number it stays an integer to the engine
    // 1 where byte < high, by the sign bit: a branch on a coin is mispredicted half of the time.
    all[at] = ((word & 0xff) - high) >>> 31;
    all[at + 1] = (((word >>> 8) & 0xff) - high) >>> 31;
    all[at + 2] = (((word >>> 16) & 0xff) - high) >>> 31;
    all[at + 3] = ((word >>> 24) - high) >>> 31;
  }
  if (low > 0) breakTies(all, words, high, low, first * 4, openStream(seed, `${stream}/ties`));
  return all.subarray(start - first * 4, start - first * 4 + count);
}

/** Coin i is bit i mod 32 of word ⌊i/32⌋, lowest first. */
function fairCoins(seed: number, stream: string, start: number, count: number): Uint8Array<ArrayBuffer> {
  const first = Math.floor(start / 32);
  const words = randomWords(seed, stream, first, Math.ceil((start + count) / 32) - first);
  const all = new Uint8Array(words.length * 32);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]! | 0;
    for (let bit = 0; bit < 32; bit++) all[32 * i + bit] = (word >>> bit) & 1;
  }
  return all.subarray(start - first * 32, start - first * 32 + count);
}

/** Tosses the coins whose byte equals `high` again: 1 where their byte of the stream of ties is below `low`. */
function breakTies(
  coins: Uint8Array,
  words: Uint32Array,
  high: number,
  low: number,
  start: number,
  writeTies: ReturnType<typeof openStream>,
): void {
  const pattern = Math.imul(high, 0x01010101);
  const ties = new Uint32Array(4);
  for (let i = 0; i < words.length; i++) {
    // Has a byte of zeros, so of `high` in the word? Three words in 200 do (and a few that only seem to).
    const difference = words[i]! ^ pattern;
    if (((difference - 0x01010101) & ~difference & 0x80808080) === 0) continue;
    for (let at = 4 * i; at < 4 * i + 4; at++) {
      if (byteOf(words, at) !== high) continue;
      const index = start + at;
      writeTies(Math.floor(index / 16), ties, 0);
      coins[at] = Number(byteOf(ties, index % 16) < low);
    }
  }
}

/** Byte number `index` of little-endian words. */
function byteOf(words: Uint32Array, index: number): number {
  return (words[index >> 2]! >>> ((index & 3) << 3)) & 0xff;
}

/** Deviation of a sum of four independent bytes: √(4·(256² − 1)/12). */
const BYTES_DEVIATION = Math.sqrt((256 ** 2 - 1) / 3);

/**
 * `count` float32 numbers of mean 0 and variance 1 whose density is bell-shaped: the sum of a random word's four bytes,
 * scaled. A quarter of the price of {@link normal}, for noise whose tails do not matter (none beyond ±3.45).
 */
export function bell(seed: number, stream: string, start: number, count: number): Float32Array<ArrayBuffer> {
  const words = randomWords(seed, stream, start, count);
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const word = words[i]!;
    const sum = (word & 0xff) + ((word >>> 8) & 0xff) + ((word >>> 16) & 0xff) + (word >>> 24);
    out[i] = (sum - 510) / BYTES_DEVIATION;
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
