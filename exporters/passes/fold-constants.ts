/**
 * Computes, once and for all, what depends on constants alone: BatchNorm's scale from its variance, a filter turned
 * to ONNX's layout. Arithmetic is in double precision and rounded at the end of each operator, as float32 would be.
 */
import { sizeOf } from '../../src/core/tensor.js';
import { ConstantView } from '../constant-view.js';
import { type Graph, type GraphNode, type Initializer, valuesOf } from '../graph.js';

const UNARY: Readonly<Record<string, (x: number) => number>> = {
  Neg: (x) => -x,
  Reciprocal: (x) => 1 / x,
  Sqrt: Math.sqrt,
};

const BINARY: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Div: (a, b) => a / b,
  Mul: (a, b) => a * b,
  Sub: (a, b) => a - b,
};

/** The numbers of a float32 constant. */
function floatsOf(constant: Initializer): Float32Array {
  return valuesOf(constant) as Float32Array;
}

/** NumPy broadcasting of two float32 constants into `shape`. */
function broadcast(
  a: Initializer,
  b: Initializer,
  shape: readonly number[],
  f: (a: number, b: number) => number,
): Float32Array {
  const stridesOf = ({ shape: own }: Initializer): number[] =>
    shape.map((_, axis) => {
      const at = axis - (shape.length - own.length);
      return at < 0 || own[at] === 1 ? 0 : sizeOf(own.slice(at + 1));
    });
  const [stepsA, stepsB] = [stridesOf(a), stridesOf(b)];
  const [valuesA, valuesB] = [floatsOf(a), floatsOf(b)];
  const out = new Float32Array(sizeOf(shape));
  for (let i = 0; i < out.length; i++) {
    let rest = i;
    let atA = 0;
    let atB = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const index = rest % shape[axis]!;
      rest = (rest - index) / shape[axis]!;
      atA += index * stepsA[axis]!;
      atB += index * stepsB[axis]!;
    }
    out[i] = f(valuesA[atA]!, valuesB[atB]!);
  }
  return out;
}

/** The node's result, or undefined where this pass has no rule for it. */
function evaluate(
  node: GraphNode,
  inputs: readonly Initializer[],
  shape: readonly number[],
): Initializer | undefined {
  const [a, b] = inputs;
  if (a?.dtype !== 'float32') return undefined;
  const unary = UNARY[node.op];
  const binary = BINARY[node.op];
  if (unary) return { shape, dtype: 'float32', data: floatsOf(a).map(unary) };
  if (binary && b?.dtype === 'float32') {
    return { shape, dtype: 'float32', data: broadcast(a, b, shape, binary) };
  }
  if (node.op === 'Reshape') return { ...a, shape };
  if (node.op === 'Transpose') {
    const source = ConstantView.of(a.data as Float32Array | ConstantView, a.shape);
    const data = source.transpose(a.shape, node.attributes.perm as readonly number[]);
    return { shape, dtype: 'float32', data };
  }
  return undefined;
}

export function foldConstants(graph: Graph): void {
  graph.nodes = graph.nodes.filter((node) => {
    const output = node.outputs[0]!;
    const inputs = node.inputs.map((input) => graph.initializers.get(input));
    if (graph.outputs.includes(output) || inputs.some((input) => input === undefined)) return true;
    const shape = graph.typeOf(output).shape as readonly number[];
    const result = evaluate(node, inputs as Initializer[], shape);
    if (!result) return true;
    // A constant that only changes its layout keeps the name that the model gave it.
    const moved =
      (node.op === 'Transpose' || node.op === 'Reshape') && graph.consumersOf(node.inputs[0]!).length === 1;
    const name = moved ? node.inputs[0]! : output;
    graph.initializers.set(name, result);
    for (const other of graph.consumersOf(output))
      other.inputs = other.inputs.map((input) => (input === output ? name : input));
    graph.types.delete(output);
    return false;
  });
}
