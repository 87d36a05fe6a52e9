/**
 * A small assembler for WebAssembly modules of one function and one memory: for inner loops whose instructions
 * JavaScript lacks. It knows nothing of what is computed.
 * https://webassembly.github.io/spec/core/binary/index.html
 */

/** Types of values (section 5.3). */
export const TYPE = { i32: 0x7f, i64: 0x7e, v128: 0x7b } as const;

/** Unsigned LEB128 (section 5.2.2). */
export function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: bigint): number[] {
  const [low, rest] = [Number(value & 0x7fn), value >> 7n];
  const isLast = rest === (low & 0x40 ? -1n : 0n);
  return isLast ? [low] : [low | 0x80, ...signed(rest)];
}

/** Instructions that every loop is made of (section 5.4). */
export const OP = {
  block: [0x02, 0x40],
  loop: [0x03, 0x40],
  end: [0x0b],
  branchIf: (depth: number): number[] => [0x0d, depth],
  get: (local: number): number[] => [0x20, local],
  set: (local: number): number[] => [0x21, local],
  tee: (local: number): number[] => [0x22, local],
  i32: (value: number): number[] => [0x41, ...signed(BigInt(value | 0))],
  i64: (value: number): number[] => [0x42, ...signed(BigInt(value >>> 0))],
  isZero: [0x45],
  add: [0x6a],
  subtract: [0x6b],
  xor: [0x73],
} as const;

/** A function of i32 parameters without a result, and its locals in groups of one type. */
export interface WasmFunction {
  readonly name: string;
  readonly parameters: number;
  readonly locals: readonly (readonly [count: number, type: number])[];
  /** Instructions, with the function's own end. */
  readonly body: readonly number[];
}

function assemble({ name, parameters, locals, body }: WasmFunction): Uint8Array<ArrayBuffer> {
  const section = (id: number, content: readonly number[]): number[] => [
    id,
    ...unsigned(content.length),
    ...content,
  ];
  const text = (value: string): number[] => [value.length, ...new TextEncoder().encode(value)];
  const code = [locals.length, ...locals.flat(), ...body];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, parameters, ...Array<number>(parameters).fill(TYPE.i32), 0]), // types
    ...section(3, [1, 0]), // functions
    ...section(5, [1, 0, 1]), // memory of one page at first
    ...section(7, [2, ...text(name), 0, 0, ...text('memory'), 2, 0]), // exports
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

/**
 * Compiles a function.
 *
 * @returns its module's exports: the function by its name, and `memory`; null where there is no WebAssembly (or none of
 *          its instructions), or a page's policy forbids it
 */
export function compileFunction<Exports>(what: WasmFunction): Exports | null {
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(assemble(what))).exports as unknown as Exports;
  } catch {
    return null;
  }
}
