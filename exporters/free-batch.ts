/**
 * Two traces of one function at two batch sizes -> one graph whose batch is free.
 * Every number that differs between the two came from the batch; every constant that differs was drawn, not given.
 */
import { GanError } from '../src/core/errors.js';
import type { Graph, Initializer, TensorType } from './graph.js';
import { sameList } from './value.js';

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
  const merged = [...target.data].map((extent, axis) => (extent === other.data[axis] ? extent : -1));
  if (merged.filter((extent) => extent === -1).length > 1) {
    throw new GanError(
      'UNSUPPORTED_OP',
      node,
      `Expected one axis that follows the batch, got \`${merged}\`.`,
    );
  }
  return merged;
}

/**
 * @param graph rewritten in place and returned
 * @param other the trace of the same function at another batch size
 * @throws GanError `BAKED_RANDOMNESS` for a constant that differs, `UNSUPPORTED_OP` where a shape cannot follow the batch
 */
export function freeBatch(graph: Graph, other: Graph): Graph {
  if (
    !sameList(
      graph.nodes.map((node) => node.inputs.length),
      other.nodes.map((node) => node.inputs.length),
    )
  ) {
    throw new GanError(
      'UNSUPPORTED_OP',
      graph.name,
      'Expected the same operators at every batch size, got others.',
    );
  }
  graph.nodes.forEach((node, position) => {
    const twin = other.nodes[position]!;
    node.inputs.forEach((input, i) => {
      const mine = graph.initializers.get(input);
      const theirs = other.initializers.get(twin.inputs[i]!);
      if (!mine || !theirs) return;
      if (
        mine.data.length === theirs.data.length &&
        mine.data.every((value, at) => Object.is(value, theirs.data[at]))
      )
        return;
      if (node.op === 'Reshape' && i === 1) {
        node.inputs[i] = graph.addIntegers(mergeTarget(mine, theirs, node.name));
      } else if (mine.dtype === 'int64') {
        throw new GanError(
          'UNSUPPORTED_OP',
          node.name,
          `Expected numbers that do not depend on the batch, got \`${[...mine.data]}\` for ${node.op}.`,
        );
      } else {
        throw new GanError(
          'BAKED_RANDOMNESS',
          node.name,
          `Expected the same constant in every trace, got other numbers for input ${i} of ${node.op}. ` +
            'Something draws random numbers: give them as an input.',
        );
      }
    });
  });
  for (const [name, type] of graph.types) graph.types.set(name, merge(type, other.typeOf(name)));
  return graph;
}
