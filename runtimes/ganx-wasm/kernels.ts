/**
 * The kernels as one WebAssembly module of some 6 kB, assembled and compiled here, with a memory of its own for each
 * model. It does not know what a model is.
 */
import { compileFunctions } from '../../src/core/wasm-assembler.js';
import { defineFunction, f32x4, set } from './expressions.js';
import { writeMultiplyKernels } from './multiply-kernels.js';
import { VALUE_KERNELS } from './value-kernels.js';

type Multiply = (
  a: number,
  b: number,
  bias: number,
  c: number,
  rows: number,
  panels: number,
  depth: number,
  stride: number,
) => void;
type Activation = (at: number, count: number, alpha: number) => void;

/** The module's functions: multiply-kernels.ts and value-kernels.ts say what they do. Addresses are in bytes. */
export interface Kernels {
  readonly memory: WebAssembly.Memory;
  readonly multiply: Multiply;
  readonly multiplyRow: Multiply;
  readonly relu: Activation;
  readonly leakyRelu: Activation;
  readonly sigmoid: Activation;
  readonly tanh: Activation;
  add(to: number, from: number, count: number): void;
  transpose(from: number, to: number, rows: number, columns: number): void;
  pack(from: number, to: number, depth: number, panels: number, stride: number): void;
  scatter(
    from: number,
    to: number,
    rows: number,
    columns: number,
    fromRow: number,
    toRow: number,
    toColumn: number,
  ): void;
}

/** Kernels, and whether they use relaxed SIMD. */
export interface CompiledKernels {
  readonly kernels: Kernels;
  readonly isFused: boolean;
}

/** The smallest function with an instruction of relaxed SIMD, which is younger than SIMD. */
const RELAXED = defineFunction('relaxed', { address: 'i32' }, ({ address }, variable) => {
  const x = variable('v128');
  return [set(x, f32x4.load(address)), f32x4.store(address, f32x4.fusedMultiplyAdd(x, x, x))];
});

/** Makes a module with a new memory; undefined where there is no WebAssembly with SIMD, or a page's policy forbids it. */
export function compileKernels(): CompiledKernels | undefined {
  const isFused = compileFunctions([RELAXED]) !== null;
  const kernels = compileFunctions<Kernels>([...writeMultiplyKernels(isFused), ...VALUE_KERNELS]);
  return kernels === null ? undefined : { kernels, isFused };
}
