/**
 * Matrix products in WebAssembly. The right-hand matrix lies in panels of eight columns, so that the innermost loop
 * reads memory straight ahead; every sum is taken in the order of its terms, in one variable, so that a row comes out
 * the same bit for bit whatever rows are computed beside it.
 * Goto, van de Geijn: "Anatomy of high-performance matrix multiplication", ACM TOMS 34(3), 2008.
 */
import type { Code, WasmFunction } from '../../src/core/wasm-assembler.js';
import { defineFunction, f32x4, i32, increase, type Local, repeat, set, when } from './expressions.js';

/** Columns of a panel: two SIMD registers. */
export const PANEL = 8;
const PANEL_BYTES = PANEL * 4;
/** Rows that are computed together: with two registers each they leave room for their operands in sixteen. */
const ROWS = 4;
/** Panels that a single row is computed with, for as many independent sums. */
const PANELS_OF_ROW = 4;
/** Terms of a sum in one round of its loop. */
const UNROLLED = 4;

type MultiplyAdd = (a: Local, b: Local, c: Local) => Code;
type NewVariable = Parameters<Parameters<typeof defineFunction>[2]>[1];

interface Block {
  readonly rows: number;
  readonly panels: number;
  readonly multiplyAdd: MultiplyAdd;
  /** Address of the first row of the left matrix, of its first panel, of the first bias, of the first result. */
  readonly a: Local;
  readonly b: Local;
  readonly bias: Local;
  readonly c: Local;
  readonly depth: Local;
  /** Bytes from one panel to the next. */
  readonly panelBytes: Local;
  /** Bytes from one row of results to the next. */
  readonly stride: Local;
}

/** Computes `rows` rows of `panels` neighbouring panels: c = a·b + bias. */
function multiplyBlock(block: Block, variable: NewVariable): Code {
  const { rows, panels, multiplyAdd, a, b, bias, c, depth, panelBytes, stride } = block;
  const count = variable('i32');
  const lefts = Array.from({ length: rows }, () => variable('i32'));
  const rights = Array.from({ length: panels }, () => variable('i32'));
  const factor = variable('v128');
  const columns = [variable('v128'), variable('v128')];
  const sums = Array.from({ length: rows * panels * 2 }, () => variable('v128'));
  const sumOf = (row: number, panel: number, half: number): Local => sums[(row * panels + panel) * 2 + half]!;

  const term = (index: number): Code[] =>
    rights.flatMap((right, panel) => [
      ...columns.map((column, half) => set(column, f32x4.load(right, index * PANEL_BYTES + half * 16))),
      ...lefts.flatMap((left, row) => [
        set(factor, f32x4.loadSplat(left, index * 4)),
        ...columns.map((column, half) => {
          const sum = sumOf(row, panel, half);
          return set(sum, multiplyAdd(factor, column, sum));
        }),
      ]),
    ]);
  const advance = (terms: number): Code[] => [
    ...lefts.map((left) => increase(left, terms * 4)),
    ...rights.map((right) => increase(right, terms * PANEL_BYTES)),
  ];
  const round = Array.from({ length: UNROLLED }, (_, index) => term(index)).flat();
  return [
    ...lefts.map((left, row) => set(left, i32.add(a, i32.multiply(i32.multiply(depth, row), 4)))),
    ...rights.map((right, panel) => set(right, i32.add(b, i32.multiply(panelBytes, panel)))),
    ...sums.map((sum, i) => {
      const [panel, half] = [Math.floor(i / 2) % panels, i % 2];
      return set(sum, f32x4.load(bias, panel * PANEL_BYTES + half * 16));
    }),
    set(count, i32.shiftRight(depth, Math.log2(UNROLLED))),
    repeat(count, ...round, ...advance(UNROLLED)),
    set(count, i32.and(depth, UNROLLED - 1)),
    repeat(count, ...term(0), ...advance(1)),
    // Row by row: what the last panel has too many of is written over by the next row.
    ...Array.from({ length: rows }, (_, row) => [
      set(lefts[0]!, i32.add(c, i32.multiply(stride, row))),
      ...Array.from({ length: panels * 2 }, (_, at) =>
        f32x4.store(lefts[0]!, sumOf(row, Math.floor(at / 2), at % 2), at * 16),
      ),
    ]),
  ];
}

/** What both functions take. */
const PARAMETERS = {
  a: 'i32',
  b: 'i32',
  bias: 'i32',
  c: 'i32',
  rows: 'i32',
  panels: 'i32',
  depth: 'i32',
  stride: 'i32',
} as const;

/** Any number of rows: panel by panel, each used for all rows while it is near. */
function writeMultiply(multiplyAdd: MultiplyAdd): WasmFunction {
  return defineFunction('multiply', PARAMETERS, (p, variable) => {
    const [panelBytes, panel, row] = [variable('i32'), variable('i32'), variable('i32')];
    const [a, b, bias, c] = [variable('i32'), variable('i32'), variable('i32'), variable('i32')];
    const near = { a, b, bias, c, depth: p.depth, stride: p.stride, panels: 1, panelBytes, multiplyAdd };
    const blockOf = (rows: number): Code => multiplyBlock({ ...near, rows }, variable);
    const restIs = (rest: number): Code => i32.equal(i32.and(p.rows, ROWS - 1), rest);
    return [
      set(panelBytes, i32.multiply(p.depth, PANEL_BYTES)),
      set(panel, p.panels),
      // From the last panel on: what it has too many of is written over by the first.
      repeat(
        panel,
        set(b, i32.add(p.b, i32.multiply(i32.subtract(panel, 1), panelBytes))),
        set(bias, i32.add(p.bias, i32.multiply(i32.subtract(panel, 1), PANEL_BYTES))),
        set(c, i32.add(p.c, i32.multiply(i32.subtract(panel, 1), PANEL_BYTES))),
        set(a, p.a),
        set(row, i32.shiftRight(p.rows, Math.log2(ROWS))),
        repeat(
          row,
          blockOf(ROWS),
          increase(a, i32.multiply(p.depth, ROWS * 4)),
          increase(c, i32.multiply(p.stride, ROWS)),
        ),
        ...[1, 2, 3].map((rest) => when(restIs(rest), blockOf(rest))),
      ),
    ];
  });
}

/** One row: there is nothing to use a panel for again, so that several are read at once. */
function writeMultiplyRow(multiplyAdd: MultiplyAdd): WasmFunction {
  return defineFunction('multiplyRow', PARAMETERS, (p, variable) => {
    const [panelBytes, count] = [variable('i32'), variable('i32')];
    const blockOf = (panels: number): Code[] => [
      multiplyBlock({ ...p, rows: 1, panels, panelBytes, multiplyAdd }, variable),
      increase(p.b, i32.multiply(panelBytes, panels)),
      increase(p.bias, panels * PANEL_BYTES),
      increase(p.c, panels * PANEL_BYTES),
    ];
    return [
      set(panelBytes, i32.multiply(p.depth, PANEL_BYTES)),
      set(count, i32.shiftRight(p.panels, Math.log2(PANELS_OF_ROW))),
      repeat(count, ...blockOf(PANELS_OF_ROW)),
      set(count, i32.and(p.panels, PANELS_OF_ROW - 1)),
      repeat(count, ...blockOf(1)),
    ];
  });
}

/**
 * The functions `multiply` and `multiplyRow`, which takes one row only. Both compute c [rows, columns] =
 * a [rows, depth] · b + bias: a and c lie row by row, c with `stride` bytes from one row to the next, b in `panels`
 * panels, bias in as many times eight numbers. Where the last panel is not full, what follows the last row of c is
 * overwritten, by up to seven numbers.
 *
 * @param isFused one rounding instead of two for each term, where the processor can
 */
export function writeMultiplyKernels(isFused: boolean): WasmFunction[] {
  const multiplyAdd: MultiplyAdd = isFused ? f32x4.fusedMultiplyAdd : f32x4.multiplyAdd;
  return [writeMultiply(multiplyAdd), writeMultiplyRow(multiplyAdd)];
}
