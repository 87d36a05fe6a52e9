/**
 * How far a device may be from the reference, and why not less: for float32 files absolute differences of one output
 * value (where values lie in about [-1, 1]; whoever compares scales them for larger ones), for float16 files levels of
 * an 8-bit image. It knows names of devices, not the devices themselves.
 */
import { expected } from '../core/errors.js';

/** A bound on a difference and the reason for its size. */
export interface Tolerance {
  /** What is bounded: output values, or levels (0 to 255) of the image at 8 bits. */
  readonly unit: 'value' | 'level';
  readonly value: number;
  /** Bound on the mean difference, in the same unit; none when absent. */
  readonly mean?: number;
  readonly why: string;
}

const ROUNDING: Tolerance = {
  unit: 'value',
  value: 1e-5,
  why:
    'float32 sums of a few thousand products in another order: 84 units in the last place of 1; ' +
    'the largest measured were 1.9e-6, of a trained DCGAN, and 2.9e-6, of one with wide random weights, on x64',
};

/** By device, whatever the runtime; what follows the first word says where the device is. */
const BY_DEVICE: Readonly<Record<string, Tolerance>> = {
  cpu: ROUNDING,
  wasm: ROUNDING,
  tensorflow: ROUNDING,
  webgpu: {
    unit: 'value',
    value: 1e-4,
    why:
      'WGSL lets a driver be wrong by 1e-5 in tanh, and fuse and reorder sums; an 80th of a step of an 8-bit image. ' +
      'The largest measured was 2.8e-6, on SwiftShader (Vulkan in software) in Node and in Chromium, 3.0e-6 on an NVIDIA H200',
  },
  cuda: {
    unit: 'value',
    value: 5e-3,
    why:
      'TF32, on by default since Ampere, rounds each factor by up to 5e-4; less than a step of an 8-bit image. ' +
      'The largest measured on an NVIDIA H200 was 2.3e-3; with NVIDIA_TF32_OVERRIDE=0 it was 2.8e-6, float32 rounding alone, ' +
      'so give 1e-5 there',
  },
};

/** A float16 file, on every device: what an export of one must hold against the same network in float32. */
const HALF: Tolerance = {
  unit: 'level',
  value: 2,
  mean: 0.5,
  why:
    'half precision has 11 bits: a weight and each result are wrong by up to 5e-4 of themselves, an 8th of a level of ' +
    'an 8-bit image, and some of that adds up from layer to layer; two levels are not seen. The largest measured were ' +
    '1 level and 0.03 on average, on CPUs, which round less often than a GPU does',
};

/**
 * The most specific of the given bounds, `runtime/device` before `device`; without one the table's.
 *
 * @param given in output values for float32 files, in levels for float16 files
 */
export function toleranceFor(
  { runtime, device }: { readonly runtime: string; readonly device: string },
  dtype: 'float32' | 'float16',
  given: Readonly<Record<string, number>>,
): Tolerance {
  const table = dtype === 'float16' ? HALF : (BY_DEVICE[device.split(' ', 1)[0]!] ?? ROUNDING);
  const value = given[`${runtime}/${device}`] ?? given[device];
  if (value === undefined) return table;
  if (!(value >= 0 && Number.isFinite(value))) throw expected('parity', 'a tolerance of at least 0', value);
  return { unit: table.unit, value, why: 'given by the caller' };
}
