/**
 * Two traces of one function at two batch sizes -> one graph whose batch is free.
 * Every number that differs between the two came from the batch; every constant that differs was drawn, not given.
 */
import { GanError, type GanErrorCode } from '../src/core/errors.js';
import { type Graph, type GraphNode, type Initializer, type TensorType, valuesOf } from './graph.js';

/** Name of the free dimension in every input and output. */
export const BATCH = 'batch';

function merge(a: TensorType, b: TensorType): TensorType {
  return {
    dtype: a.dtype,
    shape: a.shape.map((extent, axis) => (extent === b.shape[axis] ? extent : BATCH)),
  };
}

/** Targets of Reshape say -1 where the batch was. */
function mergeTarget(target: Initializer, other: Initializer, node: string): number[] {
  const others = valuesOf(other);
  const merged = [...valuesOf(target)].map((extent, axis) => (extent === others[axis] ? extent : -1));
  if (merged.filter((extent) => extent === -1).length > 1) {
    throw new GanError(
      'UNSUPPORTED_OP',
      node,
      `Expected one axis that follows the batch, got \`${merged}\`.`,
    );
  }
  return merged;
}

/** Whether two constants hold the same as far as both go: the longer one only follows the batch. */
function agree(a: Initializer, b: Initializer): boolean {
  if (a.data === b.data) return true; // a weight, which every trace takes from the same array
  const [mine, theirs] = [valuesOf(a), valuesOf(b)];
  const length = Math.min(mine.length, theirs.length);
  for (let i = 0; i < length; i++) if (!Object.is(mine[i], theirs[i])) return false;
  return true;
}

function refuse(code: GanErrorCode, node: GraphNode, what: string, got: string, remedy = ''): GanError {
  return new GanError(code, node.name, `Expected ${what}, got \`${got}\`.${remedy ? ` ${remedy}` : ''}`);
}

/** What a node is and reads, without the constants: they are compared by value. */
function outlineOf(graph: Graph, { op, inputs }: GraphNode): string {
  return [op, ...inputs.map((input) => (graph.initializers.has(input) ? 'constant' : input))].join(' ');
}

const SAME = 'the same operators in every trace';
const FROZEN = 'Something draws random numbers: give them as an input.';

/** Refuses what differs between two traces of a node beside its constants. */
function compareNodes(graph: Graph, other: Graph, node: GraphNode, twin: GraphNode): void {
  const theirs = outlineOf(other, twin);
  if (outlineOf(graph, node) !== theirs) throw refuse('UNSUPPORTED_OP', node, SAME, theirs);
  const attributes = JSON.stringify(node.attributes);
  if (attributes !== JSON.stringify(twin.attributes)) {
    throw refuse('BAKED_RANDOMNESS', node, `${node.op} to be alike in every trace`, attributes, FROZEN);
  }
}

/** The name of a constant that holds for every batch, in place of input `i` of `node`. */
function mergeConstants(
  graph: Graph,
  node: GraphNode,
  i: number,
  mine: Initializer,
  theirs: Initializer,
): string {
  if (mine.data.length === theirs.data.length && agree(mine, theirs)) return node.inputs[i]!;
  if (node.op === 'Reshape' && i === 1) return graph.addIntegers(mergeTarget(mine, theirs, node.name));
  if (mine.dtype === 'int64' || (mine.data.length !== theirs.data.length && agree(mine, theirs))) {
    const what = `numbers that do not depend on the batch for input ${i} of ${node.op}`;
    throw refuse('UNSUPPORTED_OP', node, what, `[${[...valuesOf(mine).slice(0, 8)]}]`);
  }
  throw refuse(
    'BAKED_RANDOMNESS',
    node,
    `the same constant in every trace for input ${i} of ${node.op}`,
    'others',
    FROZEN,
  );
}

/**
 * @param graph rewritten in place and returned
 * @param other the trace of the same function at another batch size
 * @throws GanError `BAKED_RANDOMNESS` for a number that differs, `UNSUPPORTED_OP` where a shape cannot follow the batch
 */
export function freeBatch(graph: Graph, other: Graph): Graph {
  const shorter = Math.min(graph.nodes.length, other.nodes.length);
  const extra = graph.nodes[shorter] ?? other.nodes[shorter];
  graph.nodes.slice(0, shorter).forEach((node, position) => {
    const twin = other.nodes[position]!;
    compareNodes(graph, other, node, twin);
    node.inputs.forEach((input, i) => {
      const mine = graph.initializers.get(input);
      const theirs = other.initializers.get(twin.inputs[i]!);
      if (mine && theirs) node.inputs[i] = mergeConstants(graph, node, i, mine, theirs);
    });
  });
  if (extra) throw refuse('UNSUPPORTED_OP', extra, SAME, `${extra.op} in one only`);
  for (const [name, type] of graph.types) graph.types.set(name, merge(type, other.typeOf(name)));
  return graph;
}
