/**
 * Philox4x32-10 in WebAssembly: a module of some 900 bytes that is assembled here. JavaScript has no product of 64
 * bits, and making one of 16-bit halves takes five times as long (20 ns a word against 4).
 * https://webassembly.github.io/spec/core/binary/index.html
 */
import { MULTIPLIERS, ROUNDS, WEYL } from './philox-constants.js';
import { compileFunctions, OP, TYPE, unsigned } from './wasm-assembler.js';

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

const { get, set, tee, i32, i64 } = OP;
const store = (offset: number): number[] => [0x36, 2, ...unsigned(offset)];
const [MULTIPLY, SHIFT_RIGHT, WRAP, EXTEND] = [[0x7e], [0x88], [0xa7], [0xad]];

const product = (word: Local, multiplier: number, into: Local): number[] =>
  [get(word), EXTEND, i64(multiplier), MULTIPLY, set(into)].flat();
const upperHalf = (of: Local): number[] => [get(of), i64(32), SHIFT_RIGHT, WRAP].flat();
const lowerHalf = (of: Local): number[] => [get(of), WRAP].flat();
/** upper half of a product ^ word ^ (key + round · Weyl's constant). */
const mix = (from: Local, word: Local, key: Local, weyl: number): number[] =>
  [upperHalf(from), get(word), OP.xor, get(key), i32(weyl), OP.add, OP.xor, set(word)].flat();

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
    OP.loop,
    ...[Low, High, Stream0, Stream1].map((from, i) => [...get(from), ...set(words[i]!)]),
    ...Array.from({ length: ROUNDS }, (_, i) => round(i)),
    ...words.map((word, i) => [...get(At), ...get(word), ...store(4 * i)]),
    [...get(At), ...i32(16), ...OP.add, ...set(At)],
    // The carry into the upper half is 1 when the lower half has come round to 0.
    [...get(Low), ...i32(1), ...OP.add, ...tee(Low), ...OP.isZero, ...get(High), ...OP.add, ...set(High)],
    [...get(Blocks), ...i32(1), ...OP.subtract, ...tee(Blocks), ...OP.branchIf(0)],
    OP.end,
    OP.end,
  ].flat();
}

let module: PhiloxModule | null | undefined;

/** The module, compiled once; null where there is no WebAssembly or a page's policy forbids it. */
export function philoxModule(): PhiloxModule | null {
  if (module === undefined) {
    const locals = [
      [4, TYPE.i32],
      [2, TYPE.i64],
    ] as const;
    const parameters = Array<number>(PARAMETERS).fill(TYPE.i32);
    module = compileFunctions<PhiloxModule>([{ name: 'fill', parameters, locals, body: assembleBody() }]);
  }
  return module;
}
