/** Drops nodes and initializers that no output depends on: what a gradient computed and nobody asked for. */
import { type Graph, readsOf } from '../graph.js';

export function removeUnused(graph: Graph): void {
  const needed = new Set(graph.outputs);
  // Nodes are in order of execution, so one walk from the end meets every consumer before its producer.
  graph.nodes = graph.nodes
    .toReversed()
    .filter((node) => {
      if (!node.outputs.some((output) => needed.has(output))) return false;
      for (const tensor of readsOf(node)) needed.add(tensor);
      return true;
    })
    .reverse();
  for (const name of [...graph.initializers.keys()]) if (!needed.has(name)) graph.initializers.delete(name);
}
