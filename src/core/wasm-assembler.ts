/**
 * A small assembler for WebAssembly modules: functions without results over one memory, written as nested expressions.
 * For inner loops whose instructions JavaScript lacks. It knows nothing of what is computed.
 * https://webassembly.github.io/spec/core/binary/index.html
 */

/** Types of values (section 5.3). */
export const TYPE = { i32: 0x7f, i64: 0x7e, f32: 0x7d, v128: 0x7b } as const;

/** Instructions as bytes, or lists of such: they are joined once, at the end. */
export type Code = readonly (number | Code)[];

/** Appends the bytes of instructions. */
function flatten(code: Code, bytes: number[]): number[] {
  for (const item of code) {
    if (typeof item === 'number') bytes.push(item);
    else flatten(item, bytes);
  }
  return bytes;
}

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
  f32: (value: number): number[] => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)],
  isZero: [0x45],
  add: [0x6a],
  subtract: [0x6b],
  xor: [0x73],
} as const;

/** A function without a result: types of its parameters, and its locals in groups of one type. */
export interface WasmFunction {
  readonly name: string;
  readonly parameters: readonly number[];
  readonly locals: readonly (readonly [count: number, type: number])[];
  /** Instructions, with the function's own end. */
  readonly body: Code;
}

function assemble(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const section = (id: number, items: readonly Code[]): Code => {
    const content = flatten([unsigned(items.length), items], []);
    return [id, unsigned(content.length), content];
  };
  const text = (value: string): number[] => [value.length, ...new TextEncoder().encode(value)];
  const code = ({ locals, body }: WasmFunction): Code => {
    const content = flatten([unsigned(locals.length), locals, body], []);
    return [unsigned(content.length), content];
  };
  const module = [
    [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(
      1, // types
      functions.map(({ parameters }) => [0x60, parameters.length, parameters, 0]),
    ),
    section(
      3, // functions
      functions.map((_, index) => unsigned(index)),
    ),
    section(5, [[0, 1]]), // a memory of one page at first
    section(7, [
      [text('memory'), 2, 0], // exports
      ...functions.map(({ name }, index) => [text(name), 0, unsigned(index)]),
    ]),
    section(10, functions.map(code)),
  ];
  return Uint8Array.from(flatten(module, []));
}

/**
 * Compiles functions into one module.
 *
 * @returns its exports: the functions by name, and `memory`; null where there is no WebAssembly (or none of the
 *          instructions), or a page's policy forbids it
 */
export function compileFunctions<Exports>(functions: readonly WasmFunction[]): Exports | null {
  try {
    const module = new WebAssembly.Module(assemble(functions));
    return new WebAssembly.Instance(module).exports as unknown as Exports;
  } catch {
    return null;
  }
}
