/**
 * A traced value: its logical shape, as TensorFlow.js sees it, and how it lies in the ONNX tensor behind it.
 * tfjs is NHWC and ONNX convolutions are NCHW; carrying the layout with each value lets a chain of operators stay in
 * one layout and write a Transpose only where an operator truly needs another. Extents of 1 where the logical shape
 * has more are broadcasts that nobody had to write out yet.
 */
import type { TensorData } from '../src/core/tensor.js';
import type { GraphType } from './graph.js';

/** A value of the graph under trace. */
export interface Value {
  /** Name of the ONNX tensor. */
  readonly name: string;
  readonly dtype: GraphType;
  /** Logical shape. */
  readonly shape: readonly number[];
  /** Physical axis i holds logical axis `layout[i]`. */
  readonly layout: readonly number[];
  /** Physical extents: as `shape` in this layout, or 1 where broadcast; [] for a lone number. */
  readonly extents: readonly number[];
}

/** Logical NHWC lying as NCHW. */
export const NCHW: readonly number[] = [0, 3, 1, 2];
/** A tfjs filter [H, W, in, out] lying as ONNX wants it, [out, in, H, W]. */
export const OIHW: readonly number[] = [3, 2, 0, 1];

/** The layout in which physical and logical axes agree. */
export function plainLayout(rank: number): number[] {
  return Array.from({ length: rank }, (_, axis) => axis);
}

/**
 * The plain layout, but with trailing axes of extent 1 in front of the last longer one. ONNX Runtime's loops over
 * operands that broadcast go along the last axis, at a cost of ten elements for each round, however short it is.
 */
export function loopLayout(shape: readonly number[]): number[] {
  const last = shape.findLastIndex((extent) => extent !== 1);
  const layout = plainLayout(shape.length);
  return last < 0 ? layout : [...layout.slice(0, last), ...layout.slice(last + 1), last];
}

/** Whether two lists of numbers are the same. */
export function sameList(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** Physical extents of a logical shape in a layout. */
export function toPhysical(shape: readonly number[], layout: readonly number[]): number[] {
  return layout.map((axis) => shape[axis]!);
}

/** Whether the ONNX tensor holds every element (nothing is left to broadcast). */
export function isComplete(value: Value): boolean {
  return sameList(value.extents, toPhysical(value.shape, value.layout));
}

/** Reorders row-major data: output axis i is input axis `order[i]`. */
export function transposeData(
  data: TensorData,
  shape: readonly number[],
  order: readonly number[],
): TensorData {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const target = order.map((axis) => shape[axis]!);
  const steps = order.map((axis) => strides[axis]!);
  const out = data.slice();
  const index = target.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    out[to] = data[from]!;
    for (let axis = target.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++index[axis]! < target[axis]!) break;
      from -= steps[axis]! * target[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
