/**
 * Moves a Transpose of activations into the constant matrix that made them: a dense layer whose output is reshaped
 * to a map computes its columns in the order in which the next convolution reads them.
 */
import { ConstantView } from '../constant-view.js';
import type { Graph, GraphNode } from '../graph.js';

const ELEMENTWISE = new Set(['Relu', 'LeakyRelu', 'Tanh', 'Sigmoid', 'Softplus', 'Abs', 'Neg', 'Exp']);

/** The chain Gemm -> Reshape -> elementwise … that ends in `tensor`, each link read by nobody else. */
function findChain(
  graph: Graph,
  tensor: string,
): { gemm: GraphNode; reshape: GraphNode; links: GraphNode[] } | undefined {
  const links: GraphNode[] = [];
  let current = tensor;
  for (;;) {
    const node = graph.producerOf(current);
    if (!node || graph.consumersOf(current).length !== 1) return undefined;
    if (ELEMENTWISE.has(node.op)) {
      links.push(node);
      current = node.inputs[0]!;
      continue;
    }
    const gemm = node.op === 'Reshape' ? graph.producerOf(node.inputs[0]!) : undefined;
    const isConstant = gemm?.inputs
      .slice(1)
      .every((input) => graph.initializers.has(input) && graph.consumersOf(input).length === 1);
    const fits = gemm?.op === 'Gemm' && gemm.attributes.transB !== 1 && isConstant;
    return fits && graph.consumersOf(gemm.outputs[0]!).length === 1
      ? { gemm, reshape: node, links }
      : undefined;
  }
}

function foldOne(graph: Graph, transpose: GraphNode): void {
  const perm = transpose.attributes.perm as readonly number[];
  const chain = perm[0] === 0 ? findChain(graph, transpose.inputs[0]!) : undefined;
  if (!chain) return;
  const { gemm, reshape, links } = chain;
  const inner = graph.typeOf(reshape.outputs[0]!).shape.slice(1) as number[]; // [H, W, C]
  const order = perm.slice(1).map((axis) => axis - 1);
  for (const name of gemm.inputs.slice(1)) {
    const old = graph.initializers.get(name)!;
    const outer = old.shape.slice(0, -1); // rows of the matrix; none of a bias
    const source = ConstantView.of(old.data as Float32Array | ConstantView, old.shape);
    const columns = order.map((axis) => axis + outer.length);
    const data = source.transpose([...outer, ...inner], [...outer.keys(), ...columns]);
    graph.initializers.set(name, { ...old, data });
  }
  const target = order.map((axis) => inner[axis]!); // [C, H, W]
  reshape.inputs[1] = graph.addIntegers([-1, ...target]);
  for (const node of [reshape, ...links]) {
    const { shape, dtype } = graph.typeOf(node.outputs[0]!);
    graph.types.set(node.outputs[0]!, { dtype, shape: [shape[0]!, ...target] });
  }
  graph.bypass(transpose, transpose.inputs[0]!);
}

export function foldTranspose(graph: Graph): void {
  for (const node of graph.nodes.filter(({ op }) => op === 'Transpose')) foldOne(graph, node);
}
