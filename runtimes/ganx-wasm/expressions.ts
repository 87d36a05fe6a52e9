/**
 * WebAssembly written as nested expressions over named locals: as much of the language as the kernels need, fixed-width
 * SIMD included. It knows nothing of what is computed.
 * https://webassembly.github.io/spec/core/appendix/index-instructions.html
 */
import { type Code, OP, TYPE, unsigned, type WasmFunction } from '../../src/core/wasm-assembler.js';

type TypeName = keyof typeof TYPE;

/** A local variable or parameter of a function. */
export interface Local {
  readonly local: number;
}

/** What an expression is made of: a variable, a whole number (an i32), or another expression. */
export type Value = Local | number | Code;

function codeOf(value: Value): Code {
  if (typeof value === 'number') return OP.i32(value);
  return 'local' in value ? OP.get(value.local) : value;
}

/** An instruction after its operands, as the stack machine wants them. */
function operation(instruction: Code) {
  return (...operands: readonly Value[]): Code => [operands.map(codeOf), instruction];
}

const simd = (opcode: number): Code => [0xfd, ...unsigned(opcode)];
/** Alignment as a power of two, and an offset in bytes, as instructions on memory have them. */
const place = (alignment: number, offset: number): Code => [alignment, ...unsigned(offset)];

/** Whole numbers: addresses and counts. */
export const i32 = {
  add: operation(OP.add),
  subtract: operation(OP.subtract),
  multiply: operation([0x6c]),
  and: operation([0x71]),
  shiftLeft: operation([0x74]),
  shiftRight: operation([0x76]),
  equal: operation([0x46]),
} as const;

/** Single numbers. */
export const f32 = {
  load: (address: Value, offset = 0): Code => [codeOf(address), 0x2a, place(2, offset)],
  store: (address: Value, value: Value): Code => [codeOf(address), codeOf(value), 0x38, place(2, 0)],
  add: operation([0x92]),
} as const;

const multiply = operation(simd(0xe6));
const add = operation(simd(0xe4));

/** Four numbers at once. */
export const f32x4 = {
  load: (address: Value, offset = 0): Code => [codeOf(address), simd(0x00), place(2, offset)],
  loadSplat: (address: Value, offset = 0): Code => [codeOf(address), simd(0x09), place(2, offset)],
  store: (address: Value, value: Value, offset = 0): Code => [
    codeOf(address),
    codeOf(value),
    simd(0x0b),
    place(2, offset),
  ],
  splat: operation(simd(0x13)),
  constant: (value: number): Code => [OP.f32(value), simd(0x13)],
  add,
  subtract: operation(simd(0xe5)),
  multiply,
  divide: operation(simd(0xe7)),
  min: operation(simd(0xe8)),
  max: operation(simd(0xe9)),
  nearest: operation(simd(0x6a)),
  /** a·b + c with two roundings. */
  multiplyAdd: (a: Value, b: Value, c: Value): Code => add(multiply(a, b), c),
  /** a·b + c with one rounding where the processor has such an instruction (relaxed SIMD). */
  fusedMultiplyAdd: operation(simd(0x105)),
} as const;

/** Four whole numbers at once. */
export const i32x4 = {
  splat: operation(simd(0x11)),
  add: operation(simd(0xae)),
  shiftLeft: operation(simd(0xab)),
  truncate: operation(simd(0xf8)),
} as const;

/** Gives a variable its value. */
export function set({ local }: Local, value: Value): Code {
  return [codeOf(value), OP.set(local)];
}

/** Adds to a whole number. */
export function increase(variable: Local, by: Value): Code {
  return set(variable, i32.add(variable, by));
}

/** Does the body as often as `counter` says, which then is 0. */
export function repeat(counter: Local, ...body: readonly Code[]): Code {
  return [
    OP.block,
    [OP.get(counter.local), OP.isZero, OP.branchIf(0)],
    OP.loop,
    body,
    [i32.subtract(counter, 1), OP.tee(counter.local), OP.branchIf(0)],
    [OP.end, OP.end],
  ];
}

/** Does the body if a value is not 0. */
export function when(condition: Value, ...body: readonly Code[]): Code {
  return [OP.block, codeOf(condition), OP.isZero, OP.branchIf(0), body, OP.end];
}

/**
 * Writes a function.
 *
 * @param parameters types by name, in the order of a call
 * @param write      gets the parameters, and a way to more variables; returns the statements
 */
export function defineFunction<P extends string>(
  name: string,
  parameters: Readonly<Record<P, TypeName>>,
  write: (parameters: Readonly<Record<P, Local>>, variable: (type: TypeName) => Local) => readonly Code[],
): WasmFunction {
  const names = Object.keys(parameters) as P[];
  const locals: [count: number, type: number][] = [];
  const given = Object.fromEntries(names.map((key, local) => [key, { local }])) as Record<P, Local>;
  const variable = (type: TypeName): Local => {
    locals.push([1, TYPE[type]]);
    return { local: names.length + locals.length - 1 };
  };
  const statements = write(given, variable);
  const types = names.map((key) => TYPE[parameters[key]]);
  return { name, parameters: types, locals, body: [statements, OP.end] };
}
