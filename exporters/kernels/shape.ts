/**
 * Kernels that move, cut and repeat elements without computing. Most write nothing: a transpose is a change of
 * layout, a broadcast an extent that stays 1, until some operator needs the elements in place.
 */
import { slice_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { GanError } from '../../src/core/errors.js';
import { sizeOf } from '../../src/core/tensor.js';
import type { Builder } from '../builder.js';
import type { GraphType } from '../graph.js';
import type { Attributes } from '../kernel.js';
import { plainLayout, sameList, toPhysical, type Value } from '../value.js';

type Inputs = { x: Value };

/** tfjs Identity({x}) -> nothing: the same value. */
export const Identity = ({ x }: Inputs): Value => x;

function reshape(builder: Builder, x: Value, shape: readonly number[]): Value {
  if (sameList(x.shape, shape)) return x;
  if (x.extents.length === 0) return { ...x, shape, layout: plainLayout(shape.length) };
  return builder.value(builder.reshape(builder.inLayout(x), shape), shape, x.dtype);
}

/** tfjs Reshape({x}, {shape}) -> ONNX Reshape(data, shape). The trap: rows follow the logical (NHWC) order. */
export function Reshape({ x }: Inputs, attributes: Attributes, builder: Builder): Value {
  return reshape(builder, x, util.inferFromImplicitShape(attributes.get<number[]>('shape'), sizeOf(x.shape)));
}

/** tfjs ExpandDims({input}, {dim}) -> ONNX Reshape. */
export function ExpandDims({ input }: { input: Value }, attributes: Attributes, builder: Builder): Value {
  const dim = attributes.get<number>('dim');
  const axis = dim < 0 ? dim + input.shape.length + 1 : dim;
  return reshape(builder, input, input.shape.toSpliced(axis, 0, 1));
}

/** tfjs Transpose({x}, {perm}) -> nothing: only the layout changes. */
export function Transpose({ x }: Inputs, attributes: Attributes): Value {
  const perm = attributes.get<number[]>('perm');
  return {
    ...x,
    shape: perm.map((axis) => x.shape[axis]!),
    layout: x.layout.map((axis) => perm.indexOf(axis)),
  };
}

/** tfjs Fill({}, {shape, value, dtype}) -> nothing: a lone number that broadcasts. */
export function Fill(_: Record<string, never>, attributes: Attributes, builder: Builder): Value {
  const dtype = attributes.optional<GraphType>('dtype') ?? 'float32';
  return builder.scalar(attributes.get<number>('value'), dtype, attributes.get<number[]>('shape'));
}

/** tfjs ZerosLike({x}) -> nothing: a lone 0. */
export const ZerosLike = ({ x }: Inputs, _: Attributes, builder: Builder): Value =>
  builder.scalar(0, x.dtype, x.shape);
/** tfjs OnesLike({x}) -> nothing: a lone 1. */
export const OnesLike = ({ x }: Inputs, _: Attributes, builder: Builder): Value =>
  builder.scalar(1, x.dtype, x.shape);

/** tfjs Tile({x}, {reps}) -> nothing where axes of extent 1 grow, else ONNX Tile(input, repeats). */
export function Tile({ x }: Inputs, attributes: Attributes, builder: Builder): Value {
  const reps = attributes.get<number[]>('reps');
  const shape = x.shape.map((extent, axis) => extent * reps[axis]!);
  const repeatsOnlyOnes = reps.every((times, axis) => times === 1 || x.shape[axis] === 1);
  if (repeatsOnlyOnes || x.extents.length === 0) return { ...x, shape };
  const name = builder.inLayout(x);
  return builder.value(builder.node('Tile', [name, builder.integers(reps)], shape, x.dtype), shape, x.dtype);
}

function slice(builder: Builder, x: Value, begin: readonly number[], size: readonly number[]): Value {
  if (x.extents.length === 0) return { ...x, shape: size };
  // Axes that are broadcast, or that are kept whole, need no cut.
  const axes = x.layout.flatMap((axis, i) => (x.extents[i] === 1 || size[axis] === x.shape[axis] ? [] : [i]));
  if (axes.length === 0) return { ...x, shape: size };
  const starts = axes.map((i) => begin[x.layout[i]!]!);
  const ends = axes.map((i) => begin[x.layout[i]!]! + size[x.layout[i]!]!);
  const extents = x.extents.map((extent, i) => (axes.includes(i) ? size[x.layout[i]!]! : extent));
  const inputs = [x.name, builder.integers(starts), builder.integers(ends), builder.integers(axes)];
  return { ...x, shape: size, extents, name: builder.node('Slice', inputs, extents, x.dtype) };
}

/** tfjs Slice({x}, {begin, size}) -> ONNX Slice(data, starts, ends, axes). */
export function Slice({ x }: Inputs, attributes: Attributes, builder: Builder): Value {
  const begin = attributes.get<number | number[]>('begin');
  const size = attributes.get<number | number[]>('size');
  const [starts, sizes] = parseSlice(x, begin, size);
  return slice(builder, x, starts, sizes);
}

/** Missing trailing sizes and -1 mean "to the end", as tfjs defines it. */
function parseSlice(x: Value, begin: number | number[], size: number | number[]): [number[], number[]] {
  const given = { dataId: {}, dtype: x.dtype, shape: [...x.shape] } as TensorInfo;
  const [starts, sizes] = slice_util.parseSliceParams(given, begin, size);
  return [starts!, sizes!];
}

/** Consecutive parts along an axis. */
function split(builder: Builder, x: Value, sizes: readonly number[], axis: number): Value[] {
  let at = 0;
  return sizes.map((extent) => {
    const begin = x.shape.map((_, i) => (i === axis ? at : 0));
    at += extent;
    return slice(builder, x, begin, x.shape.with(axis, extent));
  });
}

/** tfjs SplitV({x}, {numOrSizeSplits, axis}) -> one ONNX Slice a part. */
export function SplitV({ x }: Inputs, attributes: Attributes, builder: Builder): Value[] {
  const axis = util.parseAxisParam(attributes.get<number>('axis'), [...x.shape])[0]!;
  const wanted = attributes.get<number | number[]>('numOrSizeSplits');
  const whole = x.shape[axis]!;
  const given = Array.isArray(wanted) ? wanted : Array<number>(wanted).fill(whole / wanted);
  // One size may be -1: what the others leave.
  const rest = given.reduce((left, size) => (size < 0 ? left : left - size), whole);
  return split(
    builder,
    x,
    given.map((size) => (size < 0 ? rest : size)),
    axis,
  );
}

/** tfjs Unpack({value}, {axis}) -> one ONNX Slice a part, and a Reshape that drops the axis. */
export function Unpack({ value }: { value: Value }, attributes: Attributes, builder: Builder): Value[] {
  const axis = util.parseAxisParam(attributes.get<number>('axis'), [...value.shape])[0]!;
  const parts = split(builder, value, Array<number>(value.shape[axis]!).fill(1), axis);
  return parts.map((part) => reshape(builder, part, part.shape.toSpliced(axis, 1)));
}

/** Joins values in the layout of the largest one. */
function concat(builder: Builder, values: readonly Value[], axis: number): Value {
  const leader = values.reduce((a, b) => (sizeOf(b.extents) > sizeOf(a.extents) ? b : a));
  const { layout, dtype } = leader;
  const shape = leader.shape.with(
    axis,
    values.reduce((sum, value) => sum + value.shape[axis]!, 0),
  );
  const names = values.map((value) => builder.inLayout(value, [...layout]));
  const extents = toPhysical(shape, layout);
  return {
    name: builder.node('Concat', names, extents, dtype, { axis: layout.indexOf(axis) }),
    dtype,
    shape,
    layout,
    extents,
  };
}

/** tfjs Concat({0, 1, …}, {axis}) -> ONNX Concat(inputs, axis). */
export function Concat(inputs: Record<string, Value>, attributes: Attributes, builder: Builder): Value {
  const values = Object.values(inputs);
  return concat(
    builder,
    values,
    util.parseAxisParam(attributes.get<number>('axis'), [...values[0]!.shape])[0]!,
  );
}

/** tfjs Pack({0, 1, …}, {axis}) -> ONNX Concat of values with a new axis. */
export function Pack(inputs: Record<string, Value>, attributes: Attributes, builder: Builder): Value {
  const given = attributes.get<number>('axis');
  const values = Object.values(inputs);
  // A negative axis counts from the end of the result, which has one axis more.
  const axis = given < 0 ? given + values[0]!.shape.length + 1 : given;
  const grown = values.map((value) => reshape(builder, value, value.shape.toSpliced(axis, 0, 1)));
  return concat(builder, grown, axis);
}

/** tfjs PadV2({x}, {paddings, constantValue}) -> ONNX Pad(data, pads, value), pads as [begins…, ends…]. */
export function PadV2({ x }: Inputs, attributes: Attributes, builder: Builder): Value {
  const paddings = attributes.get<[number, number][]>('paddings');
  const value = builder.scalar(attributes.get<number>('constantValue'), x.dtype);
  if (x.dtype === 'bool') throw new GanError('UNSUPPORTED_OP', 'PadV2', 'Expected numbers, got `bool`.');
  const shape = x.shape.map((extent, axis) => extent + paddings[axis]![0] + paddings[axis]![1]);
  const pads = [0, 1].flatMap((side) => x.layout.map((axis) => paddings[axis]![side]!));
  const extents = toPhysical(shape, x.layout);
  const inputs = [builder.complete(x).name, builder.integers(pads), value.name];
  return { ...x, shape, extents, name: builder.node('Pad', inputs, extents, x.dtype, { mode: 'constant' }) };
}
