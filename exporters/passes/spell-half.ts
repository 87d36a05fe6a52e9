/**
 * Half precision as a device computes it, spelled out: every operator reads halves, works in float32 and rounds its
 * result. A runtime without kernels for half precision keeps float32 between its operators, so that neither rounding
 * nor an overflow would show there; Casts that stand in the file it leaves alone.
 */
import { Graph, type GraphType } from '../graph.js';
import { ELEMENT_TYPE } from '../model-proto.js';

/** The same graph with Casts around each operator in half precision; inputs and outputs keep their names and types. */
export function spellHalf(source: Graph): Graph {
  const graph = new Graph(source.name);
  const names = [
    ...source.initializers.keys(),
    ...source.types.keys(),
    ...source.nodes.map(({ name }) => name),
  ];
  for (const name of new Set(names)) if (!source.inputs.includes(name)) graph.uniqueName(name);
  for (const name of source.inputs) graph.addInput(name, source.typeOf(name));
  for (const [name, constant] of source.initializers) graph.initializers.set(name, constant);
  for (const [name, type] of source.types) graph.types.set(name, type);
  graph.outputs.push(...source.outputs);

  const addCast = (from: string, to: string, dtype: GraphType): void => {
    const node = { op: 'Cast', name: graph.uniqueName(`${to}/Cast`), inputs: [from], outputs: [to] };
    graph.nodes.push({ ...node, attributes: { to: ELEMENT_TYPE[dtype] } });
    graph.types.set(to, { shape: source.typeOf(dtype === 'float16' ? to : from).shape, dtype });
  };
  const isHalf = (tensor: string): boolean => source.typeOf(tensor).dtype === 'float16';
  const widened = new Map<string, string>();
  const widen = (tensor: string): string => {
    let name = widened.get(tensor);
    if (name === undefined) {
      name = graph.uniqueName(`${tensor}_wide`);
      addCast(tensor, name, 'float32');
      widened.set(tensor, name);
    }
    return name;
  };
  for (const node of source.nodes) {
    if (node.op === 'Cast') {
      graph.nodes.push(node);
      continue;
    }
    const inputs = node.inputs.map((input) => (isHalf(input) ? widen(input) : input));
    const outputs = node.outputs.map((output) =>
      isHalf(output) ? graph.uniqueName(`${output}_exact`) : output,
    );
    graph.nodes.push({ ...node, inputs, outputs });
    node.outputs.forEach((output, i) => {
      if (!isHalf(output)) return;
      graph.types.set(outputs[i]!, { shape: source.typeOf(output).shape, dtype: 'float32' });
      addCast(outputs[i]!, output, 'float16');
    });
  }
  return graph;
}
