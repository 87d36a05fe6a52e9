/**
 * A training step -> training-step.onnx and the list of its state. The state goes in and comes out at every run of
 * several steps; filters lie as the graph's form wants them, so that no step has to transpose them.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import { type FloatTensor, plainTensor, type TensorData } from '../src/core/tensor.js';
import { convolutionForms } from './convolutions/index.js';
import type { Form } from './form.js';
import type { Graph } from './graph.js';
import { encodeModel } from './model-proto.js';
import { foldConstants } from './passes/fold-constants.js';
import { fuseScaledAdds } from './passes/fuse-scaled-add.js';
import { removeUnused } from './passes/remove-unused.js';
import { loopSteps } from './step-loop.js';
import { type TraceInput, trace } from './trace.js';
import { loopLayout, plainLayout, toPhysical, transposeData } from './value.js';

type Tensors = Record<string, Tensor>;

/** A function with state, as the tracer sees it. */
export interface StatefulFunction {
  readonly state: Readonly<Record<string, { readonly shape: readonly number[] }>>;
  readonly inputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly kind?: string }>>;
  run(state: Readonly<Tensors>, inputs: Readonly<Tensors>): { state: Tensors; losses: Tensors };
}

/** One tensor of the state and its two names in the graph. */
export interface StateEntry {
  readonly name: string;
  /** Name of the output that holds the next value. */
  readonly next: string;
  /** Logical shape. */
  readonly shape: readonly number[];
  /** Physical layout of both. */
  readonly layout: readonly number[];
}

/** The layout in which a weight lies inside a graph: a filter as the form of its convolutions wants it. */
export function stateLayout(shape: readonly number[], form: Form): readonly number[] {
  if (shape.length === 4) return convolutionForms[form].filterLayout;
  return form === 'products' ? loopLayout(shape) : plainLayout(shape.length);
}

/** Logical values -> values as a graph wants them in `layout`. */
export function toGraphLayout(tensor: FloatTensor, layout: readonly number[]): FloatTensor {
  return relay(tensor.data, tensor.shape, layout, toPhysical(tensor.shape, layout));
}

/** Values of a graph that lie in `layout` -> logical values of `shape`; always a copy. */
export function fromGraphLayout(
  data: Float32Array,
  shape: readonly number[],
  layout: readonly number[],
): FloatTensor {
  const order = shape.map((_, axis) => layout.indexOf(axis));
  return relay(data, toPhysical(shape, layout), order, shape);
}

function relay(
  data: TensorData,
  from: readonly number[],
  order: readonly number[],
  to: readonly number[],
): FloatTensor {
  return plainTensor(transposeData(data, from, order) as Float32Array, to);
}

/** A compiled step. */
export interface CompiledStep {
  readonly bytes: Uint8Array;
  readonly state: readonly StateEntry[];
}

function listState(step: StatefulFunction, form: Form): StateEntry[] {
  return Object.entries(step.state).map(([name, { shape }]) => ({
    name,
    next: `next/${name}`,
    shape,
    layout: stateLayout(shape, form),
  }));
}

function traceStep(
  step: StatefulFunction,
  state: readonly StateEntry[],
  form: Form,
): { graph: Graph; losses: string[] } {
  const inputs: Record<string, TraceInput> = {};
  for (const { name, shape, layout } of state) inputs[name] = { shape, dtype: 'float32', layout };
  for (const [name, { shape, kind }] of Object.entries(step.inputs)) {
    inputs[name] = { shape, dtype: kind === 'coins' ? 'bool' : 'float32' };
  }
  let names: string[] = [];
  const graph = trace(
    (tensors) => {
      const before = Object.fromEntries(state.map(({ name }) => [name, tensors[name]!]));
      const { state: after, losses } = step.run(before, tensors);
      names = Object.keys(losses);
      return { ...losses, ...Object.fromEntries(state.map(({ name, next }) => [next, after[name]!])) };
    },
    inputs,
    {
      name: 'training-step',
      form,
      outputLayouts: Object.fromEntries(state.map(({ next, layout }) => [next, layout])),
    },
  );
  foldConstants(graph);
  if (form === 'products') fuseScaledAdds(graph);
  removeUnused(graph);
  return { graph, losses: names };
}

/**
 * Compiles any number of steps a run, each on its own slice of the inputs; names are those of {@link outerName}.
 *
 * @param form how the graph is written for the place where it will run
 * @throws GanError `UNSUPPORTED_OP` or `BAKED_RANDOMNESS`
 */
export function compileSteps(step: StatefulFunction, form: Form = 'operators'): CompiledStep {
  const state = listState(step, form);
  const { graph, losses } = traceStep(step, state, form);
  return { bytes: encodeModel(loopSteps(graph, state, losses)), state };
}
