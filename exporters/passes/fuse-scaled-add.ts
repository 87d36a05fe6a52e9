/**
 * Add(Mul(y, s), x) with a lone number s -> GatedAdd(x, y, s), and the same with Sub: one pass over memory instead of
 * two. Optimizers and moving averages are made of it, and on a CPU they wait for memory. The operator is ONNX
 * Runtime's own, so only graphs that its native library alone will run may hold it.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 */
import { sizeOf } from '../../src/core/tensor.js';
import type { Graph, GraphNode } from '../graph.js';
import { sameList } from '../value.js';

/** Smaller tensors stay in the processor's cache, where a pass costs less than a node. */
const LEAST_ELEMENTS = 2 ** 15;

type Extents = readonly number[];

/** The operands of `x ± y · s`, where `node` is one. */
function matchScaledAdd(graph: Graph, node: GraphNode): { x: string; y: string; scale: string } | undefined {
  const shapeOf = (tensor: string): Extents => graph.typeOf(tensor).shape as Extents;
  const shape = shapeOf(node.outputs[0]!);
  if (graph.typeOf(node.outputs[0]!).dtype !== 'float32' || sizeOf(shape) < LEAST_ELEMENTS) return undefined;
  // The product may stand on either side of a sum, but only behind a minus.
  for (const at of node.op === 'Add' ? [0, 1] : [1]) {
    const product = graph.producerOf(node.inputs[at]!);
    const x = node.inputs[1 - at]!;
    const isAlone =
      product?.op === 'Mul' &&
      graph.consumersOf(product.outputs[0]!).length === 1 &&
      !graph.outputs.includes(product.outputs[0]!);
    if (!isAlone || !sameList(shapeOf(x), shape)) continue;
    const [a, b] = product.inputs as [string, string];
    if (shapeOf(b).length === 0 && sameList(shapeOf(a), shape)) return { x, y: a, scale: b };
    if (shapeOf(a).length === 0 && sameList(shapeOf(b), shape)) return { x, y: b, scale: a };
  }
  return undefined;
}

/** Rewrites the graph in place; the products that are left over are for whoever removes unused nodes. */
export function fuseScaledAdds(graph: Graph): void {
  const nodes: GraphNode[] = [];
  const written = new Map<string, string>();
  /** Appends a node once for each operator, tensor and shape. */
  const once = (op: string, tensor: string, inputs: string[], shape: Extents): string => {
    const key = `${op} ${tensor} ${shape}`;
    let name = written.get(key);
    if (name === undefined) {
      name = graph.uniqueName(`${tensor}/${op}`);
      nodes.push({ op, name, inputs, outputs: [name], attributes: {} });
      graph.types.set(name, { shape, dtype: 'float32' });
      written.set(key, name);
    }
    return name;
  };
  for (const node of graph.nodes) {
    const found = node.op === 'Add' || node.op === 'Sub' ? matchScaledAdd(graph, node) : undefined;
    if (found) {
      const { x, y, scale } = found;
      const signed = node.op === 'Sub' ? once('Neg', scale, [scale], []) : scale;
      // The gate has an element for each row.
      const rows = (graph.typeOf(x).shape as Extents).with(-1, 1);
      const gate = once('Expand', signed, [signed, graph.addIntegers(rows)], rows);
      Object.assign(node, { op: 'com.microsoft.GatedAdd', inputs: [x, y, gate] });
    }
    nodes.push(node);
  }
  graph.nodes = nodes;
}
