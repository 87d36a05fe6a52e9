/**
 * Constants that are read and not stored: a weight that was transposed or scaled while a graph was folded stays the
 * array that the model gave, walked with other steps and multiplied on the way. So a large generator needs no second
 * copy of its weights. It knows nothing of graphs or files.
 */
import { sizeOf } from '../src/core/tensor.js';

/** An array and how far one goes in it for one more on each axis of the view. */
interface Term {
  readonly values: Float32Array;
  readonly steps: readonly number[];
}

/** One axis of a walk from one array to another. */
interface Axis {
  readonly extent: number;
  readonly from: number;
  readonly to: number;
}

/** Elements that are worked out at a time: 1 MiB, which stays in a processor's cache while it is filled out of order. */
const CHUNK = 2 ** 18;

/** Distances between neighbours on each axis of a row-major array. */
function rowMajorSteps(shape: readonly number[]): number[] {
  return shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
}

/** A float32 constant in row-major order: element by element the product of its terms, rounded after each. */
export class ConstantView {
  private readonly extents: readonly number[];
  private readonly terms: readonly Term[];

  private constructor(extents: readonly number[], terms: readonly Term[]) {
    this.extents = extents;
    this.terms = terms;
  }

  /** A view of `data`, row-major in `shape`; later changes of `data` show through. */
  static of(data: Float32Array | ConstantView, shape: readonly number[]): ConstantView {
    if (data instanceof ConstantView) return data;
    return new ConstantView(shape, [{ values: data, steps: rowMajorSteps(shape) }]);
  }

  get length(): number {
    return sizeOf(this.extents);
  }

  /** Seen as `shape`, axis i of the result is axis `order[i]`. */
  transpose(shape: readonly number[], order: readonly number[]): ConstantView {
    const { view, groups } = this.splitInto(shape);
    const axes = order.flatMap((axis) => groups[axis]!);
    const pick = (list: readonly number[]): number[] => axes.map((axis) => list[axis]!);
    return new ConstantView(
      pick(view.extents),
      view.terms.map(({ values, steps }) => ({ values, steps: pick(steps) })),
    );
  }

  /** Seen as `shape`, element i along `axis` is multiplied by `factors[i]`. */
  scale(shape: readonly number[], axis: number, factors: Float32Array): ConstantView {
    const { view, groups } = this.splitInto(shape);
    const own = groups[axis]!;
    const within = rowMajorSteps(own.map((i) => view.extents[i]!));
    const steps = view.extents.map((_, i) => within[own.indexOf(i)] ?? 0);
    return new ConstantView(view.extents, [...view.terms, { values: factors, steps }]);
  }

  /** All values, in an array of their own. */
  toArray(): Float32Array<ArrayBuffer> {
    const all = new Float32Array(this.length);
    let at = 0;
    for (const chunk of this.chunks()) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }

  /** The values in order, at most 2^18 at a time; each chunk is overwritten by the next. */
  *chunks(): Generator<Float32Array> {
    // Some axis is cut into slabs: those outside it are walked one by one, those inside it are in every slab whole.
    let cut = 0;
    while (cut < this.extents.length && sizeOf(this.extents.slice(cut + 1)) > CHUNK) cut++;
    const inner = sizeOf(this.extents.slice(cut + 1));
    const extent = this.extents[cut] ?? 1;
    const rows = Math.min(extent, Math.max(1, Math.floor(CHUNK / inner)));
    const buffer = new Float32Array(rows * inner);
    const outer = this.extents.slice(0, cut);
    for (let index = 0; index < sizeOf(outer); index++) {
      for (let row = 0; row < extent; row += rows) {
        const slab = [Math.min(rows, extent - row), ...this.extents.slice(cut + 1)];
        this.fill(buffer, slab, cut, (steps) => offsetOf(index, outer, steps) + row * (steps[cut] ?? 0));
        yield buffer.subarray(0, sizeOf(slab));
      }
    }
  }

  /** Fills one slab; `beginOf` tells where it begins in an array that is walked with these steps. */
  private fill(
    out: Float32Array,
    slab: readonly number[],
    cut: number,
    beginOf: (steps: readonly number[]) => number,
  ): void {
    const to = rowMajorSteps(slab);
    this.terms.forEach(({ values, steps }, position) => {
      const axes = slab.map((extent, i) => ({ extent, from: steps[cut + i] ?? 0, to: to[i]! }));
      if (position > 0) walk(merge(axes), 0, beginOf(steps), 0, multiplyRun(out, values));
      // In the order of the source: a filter's rows lie megabytes apart, so each cache line should be read once.
      else walk(merge(axes.toSorted((a, b) => b.from - a.from)), 0, beginOf(steps), 0, copyRun(out, values));
    });
  }

  /** The same values with axes so fine that each axis of `shape` is a group of them. */
  private splitInto(shape: readonly number[]): { view: ConstantView; groups: number[][] } {
    const cuts = splitAxes(this.extents, shape);
    // Where the axes do not fit into each other, the values must be written out to be seen as this shape.
    if (!cuts) return ConstantView.of(this.toArray(), shape).splitInto(shape);
    const steps = (own: readonly number[]) => cuts.map(({ axis, inside }) => own[axis]! * inside);
    const view = new ConstantView(
      cuts.map(({ extent }) => extent),
      this.terms.map((term) => ({ values: term.values, steps: steps(term.steps) })),
    );
    const groups = shape.map((_, wanted) => cuts.flatMap(({ target }, i) => (target === wanted ? [i] : [])));
    return { view, groups };
  }
}

/** A part of axis `axis` of one shape and of axis `target` of another; `inside`: elements of `axis` in one step of it. */
interface Cut {
  readonly extent: number;
  readonly axis: number;
  readonly inside: number;
  readonly target: number;
}

/** The coarsest axes that both shapes can be made of, or undefined where one axis would have to be torn. */
function splitAxes(extents: readonly number[], shape: readonly number[]): Cut[] | undefined {
  // Without elements any steps will do, and no axis could be divided.
  if (sizeOf(shape) === 0) return shape.map((extent, target) => ({ extent, axis: 0, inside: 0, target }));
  const cuts: Cut[] = [];
  let axis = extents.length - 1;
  let target = shape.length - 1;
  let [inside, taken] = [1, 1]; // elements of the current axes that inner cuts hold already
  for (;;) {
    while (axis >= 0 && inside === extents[axis]) [axis, inside] = [axis - 1, 1];
    while (target >= 0 && taken === shape[target]) [target, taken] = [target - 1, 1];
    if (axis < 0 || target < 0) return cuts.reverse();
    const [left, wanted] = [extents[axis]! / inside, shape[target]! / taken];
    const extent = Math.min(left, wanted);
    if (!Number.isInteger(left / extent) || !Number.isInteger(wanted / extent)) return undefined;
    cuts.push({ extent, axis, inside, target });
    inside *= extent;
    taken *= extent;
  }
}

/** The offset of element number `index` of `shape`, walked with these steps. */
function offsetOf(index: number, shape: readonly number[], steps: readonly number[]): number {
  let rest = index;
  let offset = 0;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    offset += (rest % shape[axis]!) * steps[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  return offset;
}

/** Neighbouring axes as one where a step on the outer is as far as all steps on the inner. */
function merge(axes: readonly Axis[]): Axis[] {
  const merged: Axis[] = [];
  for (const axis of axes) {
    if (axis.extent === 1) continue;
    const last = merged.at(-1);
    const isOne = last && last.from === axis.from * axis.extent && last.to === axis.to * axis.extent;
    if (isOne) merged.splice(-1, 1, { ...axis, extent: last.extent * axis.extent });
    else merged.push(axis);
  }
  return merged;
}

type Run = (count: number, from: number, to: number, axis: Axis) => void;

const ONE: Axis = { extent: 1, from: 0, to: 0 };

/** Calls `run` for each row along the last axis. */
function walk(axes: readonly Axis[], depth: number, from: number, to: number, run: Run): void {
  const axis = axes[depth] ?? ONE;
  if (depth >= axes.length - 1) {
    run(axis.extent, from, to, axis);
    return;
  }
  for (let i = 0; i < axis.extent; i++) walk(axes, depth + 1, from + i * axis.from, to + i * axis.to, run);
}

function copyRun(out: Float32Array, values: Float32Array): Run {
  return (count, from, to, axis) => {
    for (let i = 0, a = from, b = to; i < count; i++, a += axis.from, b += axis.to) out[b] = values[a]!;
  };
}

function multiplyRun(out: Float32Array, values: Float32Array): Run {
  return (count, from, to, axis) => {
    for (let i = 0, a = from, b = to; i < count; i++, a += axis.from, b += axis.to) out[b]! *= values[a]!;
  };
}
