/**
 * What happens between two products, in WebAssembly: activations value by value, matrices turned and cut into panels,
 * the scattering of a transposed convolution. Counts are in numbers; where it says so a function works on four at
 * once and may touch up to three more.
 */
import type { Code, WasmFunction } from '../../src/core/wasm-assembler.js';
import { defineFunction, f32, f32x4, i32, i32x4, increase, type Local, repeat, set } from './expressions.js';
import { PANEL } from './multiply-kernels.js';

/** e^x loses nothing by these bounds that a float32 could hold. */
const [LEAST_EXPONENT, MOST_EXPONENT] = [-87.3, 88.3];

/** Taylor's coefficients of (e^r - 1 - r)/r² to r⁵, with r at most ln 2 / 2: off by 2e-8 of e^r at most. */
const COEFFICIENTS = [1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2];

/** ln 2 as a number of few bits and the rest, so that a whole number of them can be taken away without rounding. */
const [LN2_HIGH, LN2_LOW] = [0.693359375, -2.1219444005469057e-4];

/** e^x of four numbers, within 2 units of the last place: 2ⁿ·e^r with n whole. Leaves it in `x`. */
function exponential(x: Local, n: Local, power: Local): Code[] {
  const { constant, multiplyAdd, multiply, add } = f32x4;
  return [
    set(x, f32x4.max(f32x4.min(x, constant(MOST_EXPONENT)), constant(LEAST_EXPONENT))),
    set(n, f32x4.nearest(multiply(x, constant(Math.LOG2E)))),
    set(x, f32x4.subtract(x, multiply(n, constant(LN2_HIGH)))),
    set(x, f32x4.subtract(x, multiply(n, constant(LN2_LOW)))),
    set(power, constant(COEFFICIENTS[0]!)),
    ...COEFFICIENTS.slice(1).map((coefficient) => set(power, multiplyAdd(power, x, constant(coefficient)))),
    set(power, multiplyAdd(multiply(power, x), x, add(x, constant(1)))),
    // 2ⁿ as a float32's bits.
    set(x, i32x4.shiftLeft(i32x4.add(i32x4.truncate(n), i32x4.splat(127)), 23)),
    set(x, multiply(power, x)),
  ];
}

/** A function that changes `count` numbers in place, four at a time. */
function defineActivation(
  name: string,
  change: (x: Local, variable: (type: 'v128') => Local, alpha: Local) => readonly Code[],
): WasmFunction {
  return defineFunction(name, { at: 'i32', count: 'i32', alpha: 'f32' }, ({ at, count, alpha }, variable) => {
    const x = variable('v128');
    return [
      set(count, i32.shiftRight(i32.add(count, 3), 2)),
      repeat(
        count,
        set(x, f32x4.load(at)),
        ...change(x, variable, alpha),
        f32x4.store(at, x),
        increase(at, 16),
      ),
    ];
  });
}

const zero = f32x4.constant(0);
const one = f32x4.constant(1);

const relu = defineActivation('relu', (x) => [set(x, f32x4.max(x, zero))]);

const leakyRelu = defineActivation('leakyRelu', (x, _, alpha) => [
  set(x, f32x4.multiplyAdd(f32x4.min(x, zero), f32x4.splat(alpha), f32x4.max(x, zero))),
]);

/** 1/(1 + e^-x) */
const sigmoid = defineActivation('sigmoid', (x, variable) => [
  set(x, f32x4.subtract(zero, x)),
  ...exponential(x, variable('v128'), variable('v128')),
  set(x, f32x4.divide(one, f32x4.add(one, x))),
]);

/** 1 - 2/(1 + e^2x) */
const tanh = defineActivation('tanh', (x, variable) => [
  set(x, f32x4.add(x, x)),
  ...exponential(x, variable('v128'), variable('v128')),
  set(x, f32x4.subtract(one, f32x4.divide(f32x4.constant(2), f32x4.add(one, x)))),
]);

/** to += from, four at a time. */
const add = defineFunction('add', { to: 'i32', from: 'i32', count: 'i32' }, ({ to, from, count }) => [
  set(count, i32.shiftRight(i32.add(count, 3), 2)),
  repeat(
    count,
    f32x4.store(to, f32x4.add(f32x4.load(to), f32x4.load(from))),
    increase(to, 16),
    increase(from, 16),
  ),
]);

/** to [columns, rows] = from [rows, columns], turned. */
const transpose = defineFunction(
  'transpose',
  { from: 'i32', to: 'i32', rows: 'i32', columns: 'i32' },
  ({ from, to, rows, columns }, variable) => {
    const [row, column, start] = [variable('i32'), variable('i32'), variable('i32')];
    return [
      set(column, columns),
      repeat(
        column,
        set(row, rows),
        set(start, from),
        repeat(
          row,
          f32.store(to, f32.load(start)),
          increase(to, 4),
          increase(start, i32.multiply(columns, 4)),
        ),
        increase(from, 4),
      ),
    ];
  },
);

/**
 * Cuts a matrix [depth, columns] with `stride` bytes from row to row into `panels` panels [depth, 8] one after the
 * other. What the last one has too many of is whatever follows in memory.
 */
const pack = defineFunction(
  'pack',
  { from: 'i32', to: 'i32', depth: 'i32', panels: 'i32', stride: 'i32' },
  ({ from, to, depth, panels, stride }, variable) => {
    const [row, start] = [variable('i32'), variable('i32')];
    return [
      repeat(
        panels,
        set(row, depth),
        set(start, from),
        repeat(
          row,
          f32x4.store(to, f32x4.load(start)),
          f32x4.store(to, f32x4.load(start, 16), 16),
          increase(to, PANEL * 4),
          increase(start, stride),
        ),
        increase(from, PANEL * 4),
      ),
    ];
  },
);

/**
 * Adds a block [rows, columns] to every so many-th number of another: `fromRow` and `toRow` bytes from row to row of
 * the two, and `toColumn` bytes from number to number of the one that is added to.
 */
const scatter = defineFunction(
  'scatter',
  { from: 'i32', to: 'i32', rows: 'i32', columns: 'i32', fromRow: 'i32', toRow: 'i32', toColumn: 'i32' },
  ({ from, to, rows, columns, fromRow, toRow, toColumn }, variable) => {
    const [column, source, target] = [variable('i32'), variable('i32'), variable('i32')];
    return [
      repeat(
        rows,
        set(column, columns),
        set(source, from),
        set(target, to),
        repeat(
          column,
          f32.store(target, f32.add(f32.load(target), f32.load(source))),
          increase(source, 4),
          increase(target, toColumn),
        ),
        increase(from, fromRow),
        increase(to, toRow),
      ),
    ];
  },
);

/** The functions, by their names as exports. */
export const VALUE_KERNELS: readonly WasmFunction[] = [
  relu,
  leakyRelu,
  sigmoid,
  tanh,
  add,
  transpose,
  pack,
  scatter,
];
