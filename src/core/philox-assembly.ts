/**
 * Philox4x32-10 in WebAssembly: a module of some 900 bytes that is assembled here. JavaScript has no product of 64
 * bits, and making one of 16-bit halves takes five times as long (20 ns a word against 4).
 * https://webassembly.github.io/spec/core/binary/index.html
 */
import { MULTIPLIERS, ROUNDS, WEYL } from './philox-constants.js';

/** Fills `blocks` times four words at byte `at` of {@link PhiloxModule.memory}, blocks being counted from (low, high). */
export interface PhiloxModule {
  readonly memory: WebAssembly.Memory;
  fill(
    at: number,
    blocks: number,
    low: number,
    high: number,
    stream0: number,
    stream1: number,
    key0: number,
    key1: number,
  ): void;
}

/** The function's parameters, in order, and its locals. */
enum Local {
  At,
  Blocks,
  Low,
  High,
  Stream0,
  Stream1,
  Key0,
  Key1,
  Word0,
  Word1,
  Word2,
  Word3,
  Product0,
  Product1,
}
const PARAMETERS = 8;
const [I32, I64] = [0x7f, 0x7e];

/** Unsigned and signed LEB128 (section 5.2.2). */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}
function signed(value: bigint): number[] {
  const [low, rest] = [Number(value & 0x7fn), value >> 7n];
  const isLast = rest === (low & 0x40 ? -1n : 0n);
  return isLast ? [low] : [low | 0x80, ...signed(rest)];
}

// Instructions (section 5.4).
const get = (local: Local): number[] => [0x20, local];
const set = (local: Local): number[] => [0x21, local];
const tee = (local: Local): number[] => [0x22, local];
const i32 = (value: number): number[] => [0x41, ...signed(BigInt(value | 0))];
const i64 = (value: number): number[] => [0x42, ...signed(BigInt(value >>> 0))];
const store = (offset: number): number[] => [0x36, 2, ...unsigned(offset)];
const [LOOP, BRANCH_IF, END] = [[0x03, 0x40], [0x0d, 0], [0x0b]];
const [IS_ZERO, ADD, SUBTRACT, XOR] = [[0x45], [0x6a], [0x6b], [0x73]];
const [MULTIPLY, SHIFT_RIGHT, WRAP, EXTEND] = [[0x7e], [0x88], [0xa7], [0xad]];

const product = (word: Local, multiplier: number, into: Local): number[] =>
  [get(word), EXTEND, i64(multiplier), MULTIPLY, set(into)].flat();
const upperHalf = (of: Local): number[] => [get(of), i64(32), SHIFT_RIGHT, WRAP].flat();
const lowerHalf = (of: Local): number[] => [get(of), WRAP].flat();
/** upper half of a product ^ word ^ (key + round · Weyl's constant). */
const mix = (from: Local, word: Local, key: Local, weyl: number): number[] =>
  [upperHalf(from), get(word), XOR, get(key), i32(weyl), ADD, XOR, set(word)].flat();

function round(index: number): number[] {
  const { Word0, Word1, Word2, Word3, Product0, Product1, Key0, Key1 } = Local;
  return [
    product(Word0, MULTIPLIERS[0], Product0),
    product(Word2, MULTIPLIERS[1], Product1),
    mix(Product1, Word1, Key0, Math.imul(index, WEYL[0])),
    mix(Product0, Word3, Key1, Math.imul(index, WEYL[1])),
    // The mixed words change places with the products' lower halves.
    [get(Word1), set(Word0), lowerHalf(Product1), set(Word1)],
    [get(Word3), set(Word2), lowerHalf(Product0), set(Word3)],
  ].flat(2);
}

function assembleBody(): number[] {
  const { At, Blocks, Low, High, Stream0, Stream1, Word0, Word1, Word2, Word3 } = Local;
  const words = [Word0, Word1, Word2, Word3];
  return [
    LOOP,
    ...[Low, High, Stream0, Stream1].map((from, i) => [...get(from), ...set(words[i]!)]),
    ...Array.from({ length: ROUNDS }, (_, i) => round(i)),
    ...words.map((word, i) => [...get(At), ...get(word), ...store(4 * i)]),
    [...get(At), ...i32(16), ...ADD, ...set(At)],
    // The carry into the upper half is 1 when the lower half has come round to 0.
    [...get(Low), ...i32(1), ...ADD, ...tee(Low), ...IS_ZERO, ...get(High), ...ADD, ...set(High)],
    [...get(Blocks), ...i32(1), ...SUBTRACT, ...tee(Blocks), ...BRANCH_IF],
    END,
    END,
  ].flat();
}

function assembleModule(): Uint8Array<ArrayBuffer> {
  const section = (id: number, content: readonly number[]): number[] => [
    id,
    ...unsigned(content.length),
    ...content,
  ];
  const name = (text: string): number[] => [text.length, ...new TextEncoder().encode(text)];
  const code = [2, 4, I32, 2, I64, ...assembleBody()];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, PARAMETERS, ...Array<number>(PARAMETERS).fill(I32), 0]), // types
    ...section(3, [1, 0]), // functions
    ...section(5, [1, 0, 1]), // memory of one page at first
    ...section(7, [2, ...name('fill'), 0, 0, ...name('memory'), 2, 0]), // exports
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

let module: PhiloxModule | null | undefined;

/** The module, compiled once; null where there is no WebAssembly or a page's policy forbids it. */
export function philoxModule(): PhiloxModule | null {
  if (module !== undefined) return module;
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assembleModule()));
    module = exports as unknown as PhiloxModule;
  } catch {
    module = null;
  }
  return module;
}
