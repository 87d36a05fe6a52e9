/**
 * Philox4x32-10: a counter-based generator. A number comes from (seed, stream, index), never from a mutable
 * state, so that any shard, machine or resumed run draws the same bits.
 * J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC11), https://doi.org/10.1145/2063384.2063405
 */
import { expected } from './errors.js';
import { type PhiloxModule, philoxModule } from './philox-assembly.js';
import { MULTIPLIERS, ROUNDS, WEYL } from './philox-constants.js';

const [MULTIPLIER_0, MULTIPLIER_1] = MULTIPLIERS;
const [WEYL_0, WEYL_1] = WEYL;

/**
 * The upper 32 bits of the 64-bit product a·b, by 16-bit halves (JavaScript has no such instruction). Sums are cut to
 * 32 bits, which changes nothing that is read of them and lets the engine stay with integers.
 */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const cross = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (cross >>> 16)) >>> 0;
}

/**
 * One block: a bijection of a 128-bit counter under a 64-bit key.
 *
 * @param counter four 32-bit words, least significant first
 * @param key     two 32-bit words
 * @param out     receives four 32-bit words at `offset`
 */
export function philox4x32(
  counter: ArrayLike<number>,
  key: ArrayLike<number>,
  out: Uint32Array,
  offset = 0,
): void {
  let c0 = counter[0]! >>> 0;
  let c1 = counter[1]! >>> 0;
  let c2 = counter[2]! >>> 0;
  let c3 = counter[3]! >>> 0;
  let k0 = key[0]! | 0;
  let k1 = key[1]! | 0;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1 >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0 >>> 0;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  out[offset] = c0;
  out[offset + 1] = c1;
  out[offset + 2] = c2;
  out[offset + 3] = c3;
}

/** FNV-1a over the UTF-16 units of `text`, from a given offset basis. */
function fnv1a(text: string, basis: number): number {
  let hash = basis;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** A stream's 64-bit key and the upper 64 bits of its counters. */
interface StreamKey {
  readonly key: readonly [number, number];
  readonly upper: readonly [number, number];
}

function keyOf(seed: number, stream: string): StreamKey {
  if (!Number.isSafeInteger(seed) || seed < 0) throw expected('random', 'a seed from 0 to 2^53 - 1', seed);
  return {
    key: [seed >>> 0, Math.floor(seed / 2 ** 32)],
    upper: [fnv1a(stream, 0x811c9dc5), fnv1a(stream, 0x7ee3623b)],
  };
}

/** Writes block number `block` of a stream, four words, at `offset`. */
type WriteBlock = (block: number, out: Uint32Array, offset: number) => void;

/**
 * A stream of blocks: the seed is the key, the stream's name fills the counter's upper 64 bits, so that streams never
 * overlap.
 *
 * @param seed a safe integer ≥ 0
 * @throws GanError `BAD_ARGUMENT` for a seed that is not a safe integer ≥ 0
 */
export function openStream(seed: number, stream: string): WriteBlock {
  const { key, upper } = keyOf(seed, stream);
  const counter = [0, 0, ...upper];
  return (block, out, offset) => {
    counter[0] = block >>> 0;
    counter[1] = Math.floor(block / 2 ** 32);
    philox4x32(counter, key, out, offset);
  };
}

/** Fewer blocks than this are quicker to make than to fetch from WebAssembly's memory. */
const FEW_BLOCKS = 16;
/** The module's memory grows to this at most, 1 MiB: more blocks come in several turns. */
const MOST_BLOCKS = 65536;

function fillByModule(module: PhiloxModule, stream: StreamKey, firstBlock: number, words: Uint32Array): void {
  const { key, upper } = stream;
  const blocks = words.length / 4;
  const missing = Math.min(blocks, MOST_BLOCKS) * 16 - module.memory.buffer.byteLength;
  if (missing > 0) module.memory.grow(Math.ceil(missing / 65536));
  for (let done = 0; done < blocks; done += MOST_BLOCKS) {
    const count = Math.min(MOST_BLOCKS, blocks - done);
    const block = firstBlock + done;
    module.fill(0, count, block >>> 0, Math.floor(block / 2 ** 32), ...upper, ...key);
    words.set(new Uint32Array(module.memory.buffer, 0, count * 4), done * 4);
  }
}

/**
 * Random 32-bit words number `start` to `start + count - 1` of a stream.
 *
 * @param start  index of the first word; word i is the (i mod 4)-th of block ⌊i/4⌋
 * @param module makes the blocks; the same bits come, more slowly, without one (null)
 * @throws GanError `BAD_ARGUMENT` as {@link openStream}
 */
export function randomWords(
  seed: number,
  stream: string,
  start: number,
  count: number,
  module: PhiloxModule | null = philoxModule(),
): Uint32Array {
  const firstBlock = Math.floor(start / 4);
  const blocks = Math.ceil((start + count) / 4) - firstBlock;
  const words = new Uint32Array(blocks * 4);
  if (module && blocks > FEW_BLOCKS) {
    fillByModule(module, keyOf(seed, stream), firstBlock, words);
  } else {
    const writeBlock = openStream(seed, stream);
    for (let i = 0; i < blocks; i++) writeBlock(firstBlock + i, words, i * 4);
  }
  const skip = start - firstBlock * 4;
  return skip === 0 && words.length === count ? words : words.subarray(skip, skip + count);
}
