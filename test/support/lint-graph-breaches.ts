/** Small files that break the linter’s rules on numbers and on the graph as a whole. */
import onnxProto from 'onnx-proto';
import { expect } from 'vitest';
import { alter, around, type Breach, half, withNode } from './lint-breaches.js';
import { encodeModel } from './onnx-model.js';

const { DataType } = onnxProto.onnx.TensorProto;

export const GRAPH_BREACHES: readonly Breach[] = [
  [
    'opset',
    'a new operator set',
    alter((model) => {
      model.opsetImport![0]!.version = 22;
    }),
    { where: 'opset 22', severity: 'warning' },
  ],
  [
    'opset',
    'an old operator set',
    alter((model) => {
      model.opsetImport![0]!.version = 9;
    }),
    { where: 'opset 9', severity: 'warning' },
  ],
  [
    'opset',
    'no operator set',
    alter((model) => {
      model.opsetImport = [];
    }),
    { severity: 'error' },
  ],
  [
    'int64',
    'an input of int64',
    encodeModel({
      inputs: { labels: ['int64', ['batch']] },
      outputs: { y: ['float32', ['batch']] },
      nodes: [['Cast', ['labels'], ['y'], { to: DataType.FLOAT }]],
    }),
    { where: 'labels', severity: 'warning' },
  ],
  [
    'int64',
    'sums in int64',
    around(
      ['Cast', ['x'], ['whole'], { to: DataType.INT64 }],
      ['Add', ['whole', 'whole'], ['twice']],
      ['Cast', ['twice'], ['y'], { to: DataType.FLOAT }],
    ),
    { where: 'twice', severity: 'warning' },
  ],
  [
    'half',
    'a norm in float16',
    half('InstanceNormalization', ['half', 'weights', 'weights']),
    { where: 'done', severity: 'error' },
  ],
  [
    'half',
    'a sum in float16',
    half('ReduceSumSquare', ['half']),
    { where: 'done', severity: 'warning', thread: 'https://github.com/microsoft/onnxruntime/issues/31626' },
  ],
  [
    'finite',
    'a weight that is NaN',
    alter(({ graph }) => {
      const filter = graph.initializer!.find(({ name }) => name === 'filter')!;
      new DataView(filter.rawData!.buffer, filter.rawData!.byteOffset).setFloat32(4 * 5, Number.NaN, true);
    }),
    { where: 'filter', severity: 'error', message: '`filter` holds NaN or infinity, first at 5.' },
  ],
  [
    'finite',
    'an infinite weight in float16',
    alter(({ graph }) => {
      const [one, infinite] = [0x3c00, 0xfc00];
      const bias = graph.initializer!.find(({ name }) => name === 'filterBias')!;
      const rawData = new Uint8Array(Uint16Array.of(one, infinite).buffer);
      Object.assign(bias, { dataType: DataType.FLOAT16, rawData });
    }),
    { where: 'filterBias', message: expect.stringContaining('first at 1') },
  ],
  [
    'finite',
    'an infinite weight in a list',
    alter(({ graph }) => {
      const bias = graph.initializer!.find(({ name }) => name === 'filterBias')!;
      Object.assign(bias, { rawData: new Uint8Array(), floatData: [1, Number.NEGATIVE_INFINITY] });
    }),
    { where: 'filterBias', message: expect.stringContaining('first at 1') },
  ],
  [
    'external-data',
    'weights in another file',
    alter(({ graph }) => {
      const externalData = [{ key: 'location', value: 'weights.bin' }];
      Object.assign(graph.initializer![0]!, { rawData: new Uint8Array(), dataLocation: 1, externalData });
    }),
    { where: 'dense', severity: 'error', message: expect.stringContaining('weights.bin') },
  ],
  ['file-size', 'more than 2 GiB', new Uint8Array(2 ** 31), { where: 'file.onnx', severity: 'error' }],
  [
    'free-batch',
    'a batch of one',
    alter(({ graph }) => {
      graph.input![0]!.type!.tensorType!.shape!.dim![0] = { dimValue: 1 };
    }),
    { where: 'latents', severity: 'warning', message: expect.stringContaining('always 1') },
  ],
  [
    'free-batch',
    'a batch of two names',
    alter(({ graph }) => {
      graph.output![0]!.type!.tensorType!.shape!.dim![0] = { dimParam: 'n' };
    }),
    { where: 'batch, n', severity: 'warning' },
  ],
  [
    'free-batch',
    'a batch without a name',
    alter(({ graph }) => {
      graph.output![0]!.type!.tensorType!.shape!.dim![0] = {};
    }),
    { where: 'images', severity: 'warning' },
  ],
  [
    'input-name',
    'an input without a name',
    alter(({ graph }) => {
      graph.input!.push({ type: graph.input![0]!.type! });
    }),
    { where: 'input 1', severity: 'error' },
  ],
  [
    'node-name',
    'nodes without names',
    alter(({ graph }) => {
      for (const node of graph.node!.slice(0, 2)) node.name = '';
    }),
    { where: 'hidden', severity: 'warning', message: expect.stringContaining('2 of 6 nodes') },
  ],
  [
    'node-name',
    'two nodes of one name',
    withNode('active', (node) => Object.assign(node, { name: 'hidden' })),
    { where: 'hidden', severity: 'warning' },
  ],
  [
    'duplicate',
    'two tensors of one name',
    alter(({ graph }) => {
      graph.node!.push({ ...graph.node!.at(-1)!, name: 'again' });
    }),
    { where: 'images', severity: 'error' },
  ],
  [
    'order',
    'a node before what it reads',
    alter(({ graph }) => {
      graph.node!.reverse();
    }),
    { severity: 'error', message: expect.stringContaining('made only after it') },
  ],
  [
    'order',
    'a tensor that nothing makes',
    withNode('active', (node) => Object.assign(node, { input: ['lost'] })),
    { where: 'active', severity: 'error', message: '`active` reads `lost`, which nothing makes.' },
  ],
  [
    'unused',
    'a weight that nobody reads',
    alter(({ graph }) => {
      graph.initializer!.push({ name: 'left', dims: [1], dataType: DataType.FLOAT, floatData: [1] });
    }),
    { where: 'left', severity: 'warning' },
  ],
  [
    'unused',
    'a node that nobody reads',
    alter(({ graph }) => {
      graph.node!.push({ opType: 'Relu', name: 'idle', input: ['hidden'], output: ['nothing'] });
    }),
    { where: 'idle', severity: 'warning' },
  ],
  [
    'constant-input',
    'a weight among the inputs',
    alter(({ graph }) => {
      graph.input!.push({ name: 'filter', type: { tensorType: { elemType: DataType.FLOAT, shape: {} } } });
    }),
    { where: 'filter', severity: 'warning' },
  ],
];
