/**
 * A step's graph -> a graph that runs any number of steps in one go, as the body of an ONNX Loop. Between the steps
 * of one run the state stays inside the runtime; only the first and the last one cross its border.
 * https://onnx.ai/onnx/operators/onnx__Loop.html
 */
import { Graph, type TensorType } from './graph.js';

/** Name of the free dimension that counts the steps of a run. */
const STEPS = 'steps';
const ITERATION = 'loop/iteration';
const CONDITION = 'loop/condition';

/** The outer graph's name for something of the body; names must not repeat across the two. */
export const outerName = {
  /** An input of the step, for all steps of a run: [steps, …]. */
  feed: (name: string): string => `steps/${name}`,
  /** The state before the first step. */
  before: (name: string): string => `before/${name}`,
  /** The state after the last step. */
  after: (name: string): string => `after/${name}`,
  /** A loss of every step: [steps]. */
  loss: (name: string): string => `losses/${name}`,
};

/**
 * Wraps a step.
 *
 * @param body   inputs: the state, then the step's inputs; outputs: the next state and the losses. It is changed.
 * @param state  names of the state and of the outputs that hold its next value
 * @param losses names of the outputs that are reported for every step
 */
export function loopSteps(
  body: Graph,
  state: readonly { readonly name: string; readonly next: string }[],
  losses: readonly string[],
): Graph {
  const outer = new Graph(`${body.name}s`);
  const own = new Set(state.map(({ name }) => name));
  const feeds = body.inputs.filter((name) => !own.has(name));
  const stacked = ({ shape, dtype }: TensorType): TensorType => ({ shape: [STEPS, ...shape], dtype });

  for (const { name } of state) outer.addInput(outerName.before(name), body.typeOf(name));
  for (const name of feeds) outer.addInput(outerName.feed(name), stacked(body.typeOf(name)));

  // The body takes its own slice of each feed; outer tensors are visible inside.
  const slices = feeds.map((name) => ({
    op: 'Gather',
    name: `${name}/Gather`,
    inputs: [outerName.feed(name), ITERATION],
    outputs: [name],
    attributes: { axis: 0 },
  }));
  body.nodes.unshift(...slices);
  body.types.set(ITERATION, { shape: [], dtype: 'int64' });
  body.types.set(CONDITION, { shape: [], dtype: 'bool' });
  body.inputs.splice(0, body.inputs.length, ITERATION, CONDITION, ...state.map(({ name }) => name));
  body.outputs.splice(0, body.outputs.length);
  body.addOutputs({ 'loop/continue': CONDITION });
  body.outputs.push(...state.map(({ next }) => next), ...losses);

  const first = outerName.feed(feeds[0]!);
  const zero = outer.addInitializer('loop/axis', { shape: [], dtype: 'int64', data: [0] });
  const rank = outer.typeOf(first).shape.length;
  const shape = outer.addNode('Shape', 'loop', [first], {}, { shape: [rank], dtype: 'int64' });
  const count = outer.addNode('Gather', 'loop', [shape, zero], { axis: 0 }, { shape: [], dtype: 'int64' });
  const yes = outer.addInitializer('loop/yes', { shape: [], dtype: 'bool', data: Uint8Array.of(1) });
  const results = [
    ...state.map(({ name, next }) => [outerName.after(name), body.typeOf(next)] as const),
    ...losses.map((name) => [outerName.loss(name), stacked(body.typeOf(name))] as const),
  ];
  outer.nodes.push({
    op: 'Loop',
    name: 'loop/Loop',
    inputs: [count, yes, ...state.map(({ name }) => outerName.before(name))],
    outputs: results.map(([name]) => name),
    attributes: { body: { graph: body } },
  });
  for (const [name, type] of results) {
    outer.types.set(name, type);
    outer.outputs.push(name);
  }
  return outer;
}
