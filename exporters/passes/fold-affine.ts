/**
 * Folds a multiplication and an addition per channel into the product before them: (W·x)·s + t = (s·W)·x + t.
 * This is how BatchNorm and biases vanish from an exported generator. A Reshape may lie between, as after the dense
 * layer that begins a convolutional generator.
 */
import { ConstantView } from '../constant-view.js';
import { type Graph, type GraphNode, type Initializer, valuesOf } from '../graph.js';

/** Axis of the weights (input 1) that counts the output channels, by operator. */
function channelAxis(node: GraphNode): number | undefined {
  if (node.op === 'Conv') return 0; // [out, in, H, W]
  if (node.op === 'ConvTranspose') return 1; // [in, out, H, W]
  if (node.op === 'Gemm') return node.attributes.transB === 1 ? 0 : 1;
  return undefined;
}

/** The constant as one number per channel; undefined where it is not of that form. */
function perChannel(
  constant: Initializer,
  rank: number,
  axis: number,
  channels: number,
): Float32Array | undefined {
  const padded = [...Array<number>(Math.max(0, rank - constant.shape.length)).fill(1), ...constant.shape];
  const fits =
    padded.length === rank &&
    padded.every((extent, i) => extent === 1 || (i === axis && extent === channels));
  if (!fits) return undefined;
  const data = valuesOf(constant);
  return Float32Array.from({ length: channels }, (_, i) => Number(data[data.length === 1 ? 0 : i]));
}

function scaleWeights(weights: Initializer, axis: number, factors: Float32Array): Initializer {
  const { shape } = weights;
  const source = ConstantView.of(weights.data as Float32Array | ConstantView, shape);
  // The channels may repeat along the axis: [.., positions, channels, ..].
  const split = shape.toSpliced(axis, 1, shape[axis]! / factors.length, factors.length);
  return { ...weights, data: source.scale(split, axis + 1, factors) };
}

/** The linear node that feeds `node`, and how often its channels repeat where a Reshape lies between. */
function findLinear(
  graph: Graph,
  input: string,
): { linear: GraphNode; axis: number; channels: number } | undefined {
  let node = graph.producerOf(input);
  const viaReshape = node?.op === 'Reshape';
  if (node && viaReshape) {
    if (graph.consumersOf(input).length !== 1) return undefined;
    node = graph.producerOf(node.inputs[0]!);
    if (node?.op !== 'Gemm') return undefined;
  }
  if (!node || channelAxis(node) === undefined || graph.consumersOf(node.outputs[0]!).length !== 1)
    return undefined;
  const weights = graph.initializers.get(node.inputs[1]!);
  const bias = node.inputs[2] === undefined || graph.initializers.has(node.inputs[2]);
  if (weights?.dtype !== 'float32' || !bias || graph.consumersOf(node.inputs[1]!).length !== 1)
    return undefined;
  const shape = graph.typeOf(input).shape;
  const axis = node.op === 'Gemm' ? shape.length - 1 : 1;
  return { linear: node, axis, channels: Number(shape[axis]) };
}

function foldOne(graph: Graph, node: GraphNode): boolean {
  const position = node.inputs.findIndex((input) => graph.initializers.has(input));
  if (position < 0 || (node.op === 'Sub' && position === 0)) return false;
  const input = node.inputs[1 - position]!;
  const found = findLinear(graph, input);
  if (!found || graph.consumersOf(input).length !== 1) return false;
  const { linear, axis, channels } = found;
  const constant = graph.initializers.get(node.inputs[position]!)!;
  const values = perChannel(constant, graph.typeOf(input).shape.length, axis, channels);
  if (!values) return false;

  const weightAxis = channelAxis(linear)!;
  const weightName = linear.inputs[1]!;
  const weights = graph.initializers.get(weightName)!;
  const outputs = weights.shape[weightAxis]!;
  const biasName = linear.inputs[2];
  const oldBias =
    biasName === undefined
      ? new Float32Array(outputs)
      : (valuesOf(graph.initializers.get(biasName)!) as Float32Array);
  let bias: Float32Array;
  if (node.op === 'Mul') {
    graph.initializers.set(weightName, scaleWeights(weights, weightAxis, values));
    bias = oldBias.map((value, i) => value * values[i % channels]!);
  } else {
    const sign = node.op === 'Sub' ? -1 : 1;
    bias = oldBias.map((value, i) => value + sign * values[i % channels]!);
  }
  if (biasName !== undefined || node.op !== 'Mul') {
    const shape = [outputs];
    const base = `${linear.name.slice(0, linear.name.lastIndexOf('/'))}/folded_bias`;
    linear.inputs[2] = graph.addInitializer(base, { shape, dtype: 'float32', data: bias });
  }
  graph.bypass(node, input);
  return true;
}

export function foldAffine(graph: Graph): void {
  for (const node of [...graph.nodes]) if (['Mul', 'Add', 'Sub'].includes(node.op)) foldOne(graph, node);
}
