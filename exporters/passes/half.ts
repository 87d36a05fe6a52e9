/**
 * A float32 graph -> the same in half precision: weights and compute are float16, inputs and outputs stay float32 with
 * a Cast at each border. What is left of a norm (a mean over something, and the arithmetic around it) stays float32:
 * a square overflows half precision from 256 on, and 1e-8 below a root would vanish. The weights are shared, not copied.
 */
import { Graph, type GraphNode, type GraphType } from '../graph.js';
import { ELEMENT_TYPE } from '../model-proto.js';

/** Operators that make a statistic of many values; the largest of them is one of them, and fits. */
const REDUCTIONS = new Set(['ReduceMean', 'ReduceSum', 'ReduceProd']);
/** Operators that stand around a reduction in a norm; an activation, a product or a convolution is none. */
const ARITHMETIC = new Set([
  ...['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Neg', 'Abs', 'Exp', 'Log', 'Sqrt', 'Reciprocal', 'Max', 'Min'],
  ...['Reshape', 'Transpose', 'Expand', 'Identity'],
]);

/** The reductions and all arithmetic that leads to one or comes from one, with no other operator between. */
function findStatistics(graph: Graph): Set<GraphNode> {
  const found = new Set(graph.nodes.filter(({ op }) => REDUCTIONS.has(op)));
  const spread = (next: (node: GraphNode) => (GraphNode | undefined)[]): void => {
    // A set hands out what is added to it while it is walked.
    for (const node of found)
      for (const other of next(node)) if (other && ARITHMETIC.has(other.op)) found.add(other);
  };
  spread((node) => node.inputs.map((input) => graph.producerOf(input)));
  spread((node) => node.outputs.flatMap((output) => graph.consumersOf(output)));
  return found;
}

/** The graph in half precision; its inputs and outputs keep their names and types. */
export function toHalf(source: Graph): Graph {
  const graph = new Graph(source.name);
  const statistics = findStatistics(source);
  const taken = [
    ...source.initializers.keys(),
    ...source.types.keys(),
    ...source.nodes.map(({ name }) => name),
  ];
  for (const name of new Set(taken)) if (!source.inputs.includes(name)) graph.uniqueName(name);

  /** What each tensor of the source is called here, by type and name. */
  const names = new Map<string, string>();
  const remember = (tensor: string, dtype: GraphType, name: string): string => {
    names.set(`${dtype} ${tensor}`, name);
    return name;
  };
  /** The name of a tensor in a type: a constant is written in it, anything else is cast, once. */
  const inType = (tensor: string, dtype: GraphType): string => {
    const known = names.get(`${dtype} ${tensor}`);
    if (known !== undefined) return known;
    const constant = source.initializers.get(tensor);
    if (constant) {
      const name = graph.initializers.has(tensor) ? graph.uniqueName(`${tensor}_${dtype}`) : tensor;
      graph.initializers.set(name, { ...constant, dtype });
      return remember(tensor, dtype, name);
    }
    const from = names.get(`${dtype === 'float32' ? 'float16' : 'float32'} ${tensor}`)!;
    const node = graph.uniqueName(`${tensor}/Cast`);
    const name = source.outputs.includes(tensor) && dtype === 'float32' ? tensor : node;
    const attributes = { to: ELEMENT_TYPE[dtype] };
    graph.nodes.push({ op: 'Cast', name: node, inputs: [from], outputs: [name], attributes });
    graph.types.set(name, { shape: graph.typeOf(from).shape, dtype });
    return remember(tensor, dtype, name);
  };

  for (const name of source.inputs) {
    const type = source.typeOf(name);
    remember(name, type.dtype, graph.addInput(name, type));
  }
  for (const node of source.nodes) {
    const typeFor = (tensor: string): GraphType => {
      const { dtype } = source.typeOf(tensor);
      return dtype === 'float32' && !statistics.has(node) ? 'float16' : dtype;
    };
    const inputs = node.inputs.map((input) => inType(input, typeFor(input)));
    const outputs = node.outputs.map((output) => {
      const dtype = typeFor(output);
      // The name of one of the model's outputs is for the float32 that a Cast makes of it.
      const moves = dtype === 'float16' && source.outputs.includes(output);
      const name = moves ? graph.uniqueName(`${output}_${dtype}`) : output;
      graph.types.set(name, { shape: source.typeOf(output).shape, dtype });
      return remember(output, dtype, name);
    });
    const casts = node.op === 'Cast' && typeFor(node.outputs[0]!) === 'float16';
    const attributes = casts ? { to: ELEMENT_TYPE.float16 } : node.attributes;
    graph.nodes.push({ ...node, inputs, outputs, attributes });
  }
  for (const output of source.outputs) graph.outputs.push(inType(output, source.typeOf(output).dtype));
  return graph;
}
