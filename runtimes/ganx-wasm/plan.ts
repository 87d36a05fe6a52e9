/**
 * From a graph to a chain of layers that the kernels can run: every operator takes the result of the one before it,
 * which is what generators are. Anything else is left to other runtimes. It knows no memory.
 * Operators: https://onnx.ai/onnx/operators/
 */
import { sizeOf } from '../../src/core/tensor.js';
import { type Constant, type FindConstant, readConstants } from './constants.js';
import { ELEMENT, type Graph, type GraphNode } from './read-graph.js';
import { unsupported } from './unsupported.js';

/** y = x·W + b for each sample. */
export interface DenseLayer {
  readonly kind: 'dense';
  /** [inputs, outputs] */
  readonly weights: Constant;
  readonly bias: Constant | undefined;
}

/** A transposed convolution, which adds each input, times the kernel, to the output (NCHW). */
export interface DeconvolutionLayer {
  readonly kind: 'deconvolution';
  /** [C in, C out, kernel height, kernel width] */
  readonly weights: Constant;
  readonly bias: Constant | undefined;
  /** Rows and columns. */
  readonly input: readonly [number, number];
  readonly output: readonly [number, number];
  readonly strides: readonly [number, number];
  /** Above and left. */
  readonly pads: readonly [number, number];
}

/** One of the kernels that change each value by itself. */
export interface ActivationLayer {
  readonly kind: 'activation';
  readonly kernel: 'relu' | 'leakyRelu' | 'sigmoid' | 'tanh';
  readonly alpha: number;
}

/** Adds a constant to each sample. */
export interface OffsetLayer {
  readonly kind: 'offset';
  readonly offset: Constant;
}

/** Turns [rows, columns] of each sample. */
export interface TransposeLayer {
  readonly kind: 'transpose';
  readonly rows: number;
  readonly columns: number;
}

export type Layer = DenseLayer | DeconvolutionLayer | ActivationLayer | OffsetLayer | TransposeLayer;

/** A layer, and how many values of a sample go in and come out. */
export interface PlannedLayer {
  readonly layer: Layer;
  readonly inputSize: number;
  readonly outputSize: number;
}

/** What becomes of a sample's extents, and by which layer; none for a mere change of shape. */
interface Step {
  readonly shape: readonly number[];
  readonly layer?: Layer;
}

/** What an operator is refused for. */
function refuse(node: GraphNode, what: string, got: unknown): Error {
  return unsupported(`${node.operator} with ${what}`, got);
}

/** Attributes, with their defaults where they are absent; any other attribute than these is refused. */
function readAttributes<D extends Readonly<Record<string, unknown>>>(node: GraphNode, defaults: D): D {
  const unknown = Object.keys(node.attributes).find((name) => !Object.hasOwn(defaults, name));
  if (unknown !== undefined) throw refuse(node, `only ${Object.keys(defaults).join(', ')}`, unknown);
  return { ...defaults, ...node.attributes } as D;
}

function expectVector(constant: Constant | undefined, size: number, node: GraphNode): Constant | undefined {
  if (constant === undefined || constant.shape.join() === String(size)) return constant;
  throw refuse(node, `a bias of [${size}]`, constant.shape);
}

const PLANNERS: Readonly<
  Record<string, (node: GraphNode, shape: readonly number[], find: FindConstant) => Step>
> = {
  Gemm(node, shape, find) {
    const attributes = readAttributes(node, { alpha: 1, beta: 1, transA: 0, transB: 0 });
    if (JSON.stringify(attributes) !== '{"alpha":1,"beta":1,"transA":0,"transB":0}') {
      throw refuse(node, 'neither factors nor turned matrices', attributes);
    }
    const weights = find(node.inputs[1]);
    const [inputs, outputs] = weights?.shape ?? [];
    if (weights?.shape.length !== 2 || shape.length !== 1 || shape[0] !== inputs) {
      throw refuse(node, `constant weights for ${shape}`, weights?.shape ?? 'none');
    }
    const bias = expectVector(find(node.inputs[2]), outputs!, node);
    return { shape: [outputs!], layer: { kind: 'dense', weights, bias } };
  },

  ConvTranspose(node, shape, find) {
    const weights = find(node.inputs[1]);
    const [inputs, outputs, ...kernel] = weights?.shape ?? [];
    if (!weights || shape.length !== 3 || kernel.length !== 2 || shape[0] !== inputs) {
      throw refuse(node, `constant weights for ${shape}`, weights?.shape ?? 'none');
    }
    const { strides, pads, output_padding, kernel_shape, ...rest } = readAttributes(node, {
      strides: [1, 1],
      pads: [0, 0, 0, 0],
      output_padding: [0, 0],
      kernel_shape: kernel,
      dilations: [1, 1],
      group: 1,
      auto_pad: 'NOTSET',
    });
    if (JSON.stringify(rest) !== '{"dilations":[1,1],"group":1,"auto_pad":"NOTSET"}') {
      throw refuse(node, 'neither groups, dilations nor automatic pads', rest);
    }
    const extents = [0, 1].map(
      (axis) =>
        (shape[axis + 1]! - 1) * strides[axis]! +
        kernel[axis]! +
        output_padding[axis]! -
        pads[axis]! -
        pads[axis + 2]!,
    ) as [number, number];
    const fits =
      strides.every((stride) => stride > 0) && [...pads, ...output_padding].every((pad) => pad >= 0);
    if (!fits || kernel_shape.join() !== kernel.join() || extents.some((extent) => extent < 1)) {
      throw refuse(node, 'sizes that fit', node.attributes);
    }
    const layer: DeconvolutionLayer = {
      kind: 'deconvolution',
      weights,
      bias: expectVector(find(node.inputs[2]), outputs!, node),
      input: [shape[1]!, shape[2]!],
      output: extents,
      strides: [strides[0]!, strides[1]!],
      pads: [pads[0]!, pads[1]!],
    };
    return { shape: [outputs!, ...extents], layer };
  },

  Reshape(node, shape, find) {
    const { allowzero } = readAttributes(node, { allowzero: 0 });
    if (allowzero !== 0) throw refuse(node, 'a 0 that keeps an extent', 'allowzero');
    const wanted = find(node.inputs[1])?.readWholes();
    // The batch is kept (0) or made of what is left (-1).
    const [batch, ...extents] = wanted ?? [];
    const size = sizeOf(shape);
    if (!wanted || ![0, -1].includes(batch!) || !extents.every((extent) => extent > 0)) {
      throw refuse(node, 'a free batch and whole extents', wanted ?? 'none');
    }
    if (sizeOf(extents) !== size) throw refuse(node, `extents for ${size} values`, extents);
    return { shape: extents };
  },

  Transpose(node, shape) {
    const { perm } = readAttributes(node, { perm: [] as number[] });
    const [a = 0, b = 0, c = 0] = shape;
    if (perm.join() === '0,2,3,1' && shape.length === 3) {
      return { shape: [b, c, a], layer: { kind: 'transpose', rows: a, columns: b * c } };
    }
    if (perm.join() === '0,3,1,2' && shape.length === 3) {
      return { shape: [c, a, b], layer: { kind: 'transpose', rows: a * b, columns: c } };
    }
    throw refuse(node, 'channels first or last', perm);
  },

  Add(node, shape, find) {
    const offset = node.inputs.map(find).find((constant) => constant !== undefined);
    if (offset === undefined || offset.shape.join() !== [1, ...shape].join()) {
      throw refuse(node, `a constant of [1, ${shape}]`, offset?.shape ?? 'none');
    }
    return { shape, layer: { kind: 'offset', offset } };
  },

  LeakyRelu(node, shape) {
    const { alpha } = readAttributes(node, { alpha: 0.01 });
    return { shape, layer: { kind: 'activation', kernel: 'leakyRelu', alpha } };
  },
  Relu: (_, shape) => ({ shape, layer: { kind: 'activation', kernel: 'relu', alpha: 0 } }),
  Sigmoid: (_, shape) => ({ shape, layer: { kind: 'activation', kernel: 'sigmoid', alpha: 0 } }),
  Tanh: (_, shape) => ({ shape, layer: { kind: 'activation', kernel: 'tanh', alpha: 0 } }),
  Identity: (_, shape) => ({ shape }),
  Cast(node, shape) {
    const { to } = readAttributes(node, { to: 0 });
    // To half precision and back: everything is computed in single precision here.
    if (to === ELEMENT.float || to === ELEMENT.half) return { shape };
    throw refuse(node, 'single or half precision', `element type ${to}`);
  },
};

/**
 * Plans a graph.
 *
 * @returns the layers in order, from the extents of one input sample to those of one output sample
 * @throws GanError `UNSUPPORTED_OP` that says what is not known
 */
export function planGraph(
  graph: Graph,
  inputName: string,
  input: readonly number[],
  output: readonly number[],
): PlannedLayer[] {
  const find = readConstants(graph);
  const layers: PlannedLayer[] = [];
  let [value, shape] = [inputName, input];
  for (const node of graph.nodes) {
    const planner = Object.hasOwn(PLANNERS, node.operator) ? PLANNERS[node.operator]! : undefined;
    if (!planner) throw unsupported(`one of ${Object.keys(PLANNERS).join(', ')}`, node.operator);
    const dynamic = node.inputs.filter((name) => name !== '' && find(name) === undefined);
    if (dynamic.join() !== value || node.outputs.length !== 1) {
      throw unsupported('a chain of operators', `${node.operator} of ${dynamic.join(' and ')}`);
    }
    const step = planner(node, shape, find);
    if (step.layer) {
      layers.push({ layer: step.layer, inputSize: sizeOf(shape), outputSize: sizeOf(step.shape) });
    }
    [value, shape] = [node.outputs[0]!, step.shape];
  }
  if (value !== graph.outputs[0]!.name || shape.join() !== output.join()) {
    throw unsupported(`a chain that ends in ${graph.outputs[0]!.name} [${output}]`, `${value} [${shape}]`);
  }
  return layers;
}
