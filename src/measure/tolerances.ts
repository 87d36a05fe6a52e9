/**
 * How far a device may be from the reference, and why not less: absolute differences of one output value, for
 * generators whose values lie in about [-1, 1]. It knows names of devices, not the devices themselves.
 */
import { expected } from '../core/errors.js';

/** A bound on |a − b| and the reason for its size. */
export interface Tolerance {
  readonly value: number;
  readonly why: string;
}

const ROUNDING: Tolerance = {
  value: 1e-5,
  why:
    'float32 sums of a few thousand products in another order: 84 units in the last place of 1; ' +
    'the largest measured was 1.9e-6, of a trained DCGAN on x64',
};

/** By device, whatever the runtime. */
const BY_DEVICE: Readonly<Record<string, Tolerance>> = {
  cpu: ROUNDING,
  wasm: ROUNDING,
  tensorflow: ROUNDING,
  webgpu: {
    value: 1e-4,
    why:
      'WGSL lets a driver be wrong by 1e-5 in tanh, and fuse and reorder sums; an 80th of a step of an 8-bit image. ' +
      'The largest measured was 3.6e-7, on SwiftShader (Vulkan in software); no hardware yet',
  },
  cuda: {
    value: 5e-3,
    why:
      'TF32, on by default since Ampere, rounds each factor by up to 5e-4; less than a step of an 8-bit image. ' +
      'Not measured yet; with NVIDIA_TF32_OVERRIDE=0 float32 rounding is all there is, so give 1e-5',
  },
};

/** The most specific of the given bounds, `runtime/device` before `device`; without one the table's. */
export function toleranceFor(
  { runtime, device }: { readonly runtime: string; readonly device: string },
  given: Readonly<Record<string, number>>,
): Tolerance {
  const value = given[`${runtime}/${device}`] ?? given[device];
  if (value === undefined) return BY_DEVICE[device] ?? ROUNDING;
  if (!(value >= 0 && Number.isFinite(value))) throw expected('parity', 'a tolerance of at least 0', value);
  return { value, why: 'given by the caller' };
}
