/** Small files that break the linter’s rules on operators, and what makes them. */
import onnxProto, { type onnx } from 'onnx-proto';
import { expect } from 'vitest';
import type { Finding } from '../../exporters/lint/index.js';
import { encodeModel, type NodeText } from './onnx-model.js';
import { encodeSmallGenerator } from './small-generator.js';

/** As plain bytes: the slice of a Buffer, which the encoder gives, would be a view of it. */
export const GOOD = Uint8Array.from(encodeSmallGenerator(7));
const { DataType } = onnxProto.onnx.TensorProto;

/** The good file with something changed. */
export function alter(change: (model: onnx.IModelProto & { graph: onnx.IGraphProto }) => void): Uint8Array {
  const model = onnxProto.onnx.ModelProto.decode(Uint8Array.from(GOOD));
  change(model as onnx.IModelProto & { graph: onnx.IGraphProto });
  return onnxProto.onnx.ModelProto.encode(model).finish();
}

/** The good file with another of its nodes, by the name of its result. */
export function withNode(output: string, change: (node: onnx.INodeProto) => void): Uint8Array {
  return alter(({ graph }) => change(graph.node!.find(({ name }) => name === output)!));
}

/** A file with one node between `x` and `y`, [batch, 2, 4, 4] each. */
export function around(...nodes: readonly NodeText[]): Uint8Array {
  return encodeModel({
    inputs: { x: ['float32', ['batch', 2, 4, 4]] },
    outputs: { y: ['float32', ['batch', 2, 4, 4]] },
    constants: {
      weights: [Float32Array.of(1, 2), [2]],
      scales: [Float32Array.of(1, 1, 2, 2), [4]],
    },
    nodes,
  });
}

const text = (name: string, value: string): onnx.IAttributeProto => ({
  name,
  type: 3,
  s: new TextEncoder().encode(value),
});

const toHalf: NodeText = ['Cast', ['x'], ['half'], { to: DataType.FLOAT16 }];
const fromHalf: NodeText = ['Cast', ['done'], ['y'], { to: DataType.FLOAT }];
export const half = (op: string, inputs: readonly string[]): Uint8Array =>
  around(toHalf, [op, inputs, ['done']], fromHalf);

/** A rule, what breaks it, a file that does, and the finding. */
export type Breach = readonly [rule: string, what: string, bytes: Uint8Array, expected: Partial<Finding>];

export const OPERATOR_BREACHES: readonly Breach[] = [
  [
    'auto-pad',
    'pads that the runtime chooses',
    withNode('wide', (node) => node.attribute!.push(text('auto_pad', 'SAME_UPPER'))),
    { where: 'wide', severity: 'error', thread: 'https://github.com/microsoft/onnxruntime/issues/11927' },
  ],
  [
    'auto-pad',
    'Conv with pads that the runtime chooses',
    around(['Conv', ['x', 'weights'], ['y'], { auto_pad: 'SAME_LOWER' }]),
    { where: 'y', severity: 'error', thread: 'https://github.com/microsoft/onnxruntime/issues/26734' },
  ],
  [
    'auto-pad',
    'no pads in an old way',
    withNode('wide', (node) => node.attribute!.push(text('auto_pad', 'VALID'))),
    { severity: 'warning' },
  ],
  [
    'output-shape',
    'a shape instead of pads',
    withNode('wide', (node) => node.attribute!.push({ name: 'output_shape', type: 7, ints: [8, 8] })),
    { where: 'wide', severity: 'error' },
  ],
  [
    'random',
    'noise drawn inside',
    around(['RandomNormalLike', ['x'], ['y']]),
    { where: 'y', severity: 'error' },
  ],
  [
    'resize',
    'pixels between pixels',
    around(['Resize', ['x', '', 'scales'], ['y'], { mode: 'linear' }]),
    { where: 'y', severity: 'warning', message: expect.stringContaining('half_pixel, linear') },
  ],
  [
    'resize',
    'a size that is computed',
    around(
      ['Shape', ['x'], ['size']],
      [
        'Resize',
        ['x', '', '', 'size'],
        ['y'],
        { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
      ],
    ),
    { where: 'y', message: expect.stringContaining('`size` at run time') },
  ],
  ['resize', 'Upsample', around(['Upsample', ['x', 'scales'], ['y']]), { severity: 'error' }],
  ['training', 'Dropout', around(['Dropout', ['x'], ['y']]), { where: 'y', severity: 'warning' }],
  [
    'training',
    'Dropout that drops',
    alter(({ graph }) => {
      graph.initializer!.push(
        { name: 'ratio', dims: [], dataType: DataType.FLOAT, floatData: [0.5] },
        { name: 'on', dims: [], dataType: DataType.BOOL, int32Data: [1] },
      );
      Object.assign(graph.node!.find(({ name }) => name === 'active')!, {
        opType: 'Dropout',
        input: ['hidden', 'ratio', 'on'],
      });
    }),
    { where: 'active', severity: 'error' },
  ],
  [
    'training',
    'a norm that is not folded',
    around(['BatchNormalization', ['x', 'weights', 'weights', 'weights', 'weights'], ['y']]),
    { where: 'y', severity: 'warning' },
  ],
  [
    'training',
    'a norm in training mode',
    around([
      'BatchNormalization',
      ['x', 'weights', 'weights', 'weights', 'weights'],
      ['y', 'mean', 'variance'],
      { training_mode: 1 },
    ]),
    { where: 'y', severity: 'error' },
  ],
  [
    'domain',
    'operators of nobody',
    withNode('active', (node) => Object.assign(node, { domain: 'org.example', opType: 'Sine' })),
    { where: 'active', severity: 'error', message: expect.stringContaining('`org.example`') },
  ],
  [
    'domain',
    'operators of ONNX Runtime alone',
    withNode('active', (node) => Object.assign(node, { domain: 'com.microsoft', opType: 'Gelu' })),
    { where: 'active', severity: 'warning' },
  ],
];
