/**
 * The reference engine's operators, one by one, against ONNX Runtime's CPU: two implementations that share nothing.
 * Also what the engine leaves behind in TensorFlow.js, which is global to the process.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { loadRuntime } from '../runtimes/index.js';
import { normal } from '../src/core/random.js';
import { type FloatTensor, sizeOf, type TensorMap } from '../src/core/tensor.js';
import { ELEMENT, encodeModel, type ModelText, type NodeText } from './support/onnx-model.js';
import { drawLatents, encodeSmallGenerator } from './support/small-generator.js';

const reference = await loadRuntime('tensorflow');
const onnxruntime = await loadRuntime('onnxruntime-node');

/**
 * Relative above 1, absolute below. Sums of up to 75 products may cancel after having grown to 32, where one
 * rounding of float32 is 1.9e-6: that was the largest seen, and engines may differ by a few of these.
 */
const TOLERANCE = 1e-5;

type Case = readonly [
  op: string,
  shapes: readonly (readonly number[])[],
  attributes?: NonNullable<NodeText[3]>,
  constants?: NonNullable<ModelText['constants']>,
  /** Names of all inputs when some are constants or left out; else the fed ones a, b, c, ... */
  inputs?: readonly string[],
];

const whole = (...values: number[]): [number[], number[]] => [values, [values.length]];
const floats = (...values: number[]): [Float32Array, number[]] => [
  Float32Array.from(values),
  [values.length],
];
const scalar = (value: number): [Float32Array, number[]] => [Float32Array.of(value), []];

const X = [2, 3, 4]; // a tensor of three different extents
const IMAGE = [2, 3, 5, 4]; // [B, C, H, W], odd and even

const cases: readonly Case[] = [
  ...['Abs', 'Exp', 'Identity', 'Neg', 'Reciprocal', 'Relu', 'Sigmoid', 'Softplus', 'Tanh'].map(
    (op): Case => [op, [X]],
  ),
  ['Log', [X]],
  ['Sqrt', [X]],
  ['BatchNormalization', [IMAGE, [3], [3], [3], [3]], { epsilon: { float: 0.01 } }],
  ...['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min'].map((op): Case => [op, [X, [3, 1]]]),
  ['Max', [X, [4], [3, 1]]],
  ['Pow', [X], {}, { n: scalar(2) }, ['a', 'n']],
  ['LeakyRelu', [X], { alpha: { float: 0.3 } }],
  ['LeakyRelu', [X]],
  ['Clip', [X], {}, { low: scalar(-0.4), high: scalar(0.9) }, ['a', 'low', 'high']],
  ['Clip', [X], {}, { high: scalar(0.1) }, ['a', '', 'high']],
  [
    'MatMul',
    [
      [2, 5, 3],
      [3, 4],
    ],
  ],
  [
    'MatMul',
    [
      [2, 2, 5, 3],
      [2, 3, 4],
    ],
  ],
  ['Gemm', [[3, 5], [5, 4], [4]], { alpha: { float: 0.7 }, beta: { float: 1.9 } }],
  [
    'Gemm',
    [
      [5, 3],
      [4, 5],
    ],
    { transA: 1, transB: 1 },
  ],
  ['ReduceSum', [X], { keepdims: 0 }, { axes: whole(-1, 0) }, ['a', 'axes']],
  ['ReduceSum', [X], {}],
  ['ReduceSum', [X], { noop_with_empty_axes: 1 }],
  ['ReduceMean', [X], { axes: [1], keepdims: 1 }],
  ['ReduceMax', [X], { axes: [-2], keepdims: 0 }],
  ['Reshape', [X], {}, { shape: whole(0, -1, 2, 1) }, ['a', 'shape']],
  ['Flatten', [X], { axis: 2 }],
  ['Flatten', [X], { axis: 0 }],
  ['Flatten', [X], { axis: -2 }],
  ['Transpose', [X], { perm: [2, 0, 1] }],
  ['Transpose', [X]],
  ['Concat', [X, [2, 1, 4]], { axis: -2 }],
  ['Unsqueeze', [X], {}, { axes: whole(-1, 1) }, ['a', 'axes']],
  ['Squeeze', [[1, 3, 1, 2]], {}, { axes: whole(-2) }, ['a', 'axes']],
  ['Squeeze', [[1, 3, 1, 2]]],
  ['Expand', [[3, 1]], {}, { shape: whole(2, 1, 4) }, ['a', 'shape']],
  ['Pad', [X], {}, { pads: whole(1, 0, 2, 0, 3, 1), value: scalar(0.5) }, ['a', 'pads', 'value']],
  ['Pad', [X], { mode: 'constant' }, { pads: whole(0, 0, 1, 1, 0, 0) }, ['a', 'pads']],
  ['Slice', [[5, 6]], {}, { from: whole(1, -5), to: whole(4, 1e15) }, ['a', 'from', 'to']],
  [
    'Slice',
    [[5, 6]],
    {},
    { from: whole(-1, 0), to: whole(-1e15, 5), axes: whole(1, 0), steps: whole(-2, 3) },
    ['a', 'from', 'to', 'axes', 'steps'],
  ],
  [
    'Slice',
    [[7]],
    {},
    { from: whole(5), to: whole(1), axes: whole(-1), steps: whole(-3) },
    ['a', 'from', 'to', 'axes', 'steps'],
  ],
  [
    'Resize',
    [IMAGE],
    { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
    { scales: floats(1, 1, 2, 3) },
    ['a', '', 'scales'],
  ],
  [
    'Resize',
    [IMAGE],
    { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
    { sizes: whole(2, 3, 10, 8) },
    ['a', '', '', 'sizes'],
  ],
  ['Conv', [IMAGE, [4, 3, 3, 2], [4]], { strides: [2, 1], pads: [1, 0, 2, 1] }],
  ['Conv', [IMAGE, [4, 3, 2, 2]], { dilations: [2, 2], kernel_shape: [2, 2] }],
  ['Conv', [IMAGE, [4, 3, 1, 1]]],
];

/** These see no negative numbers. */
const POSITIVE = ['Log', 'Sqrt', 'BatchNormalization'];

/** Runs one node in both engines and compares shape, type and values. */
async function compare([op, shapes, attributes = {}, constants = {}, inputs]: Case): Promise<void> {
  const feeds: Record<string, FloatTensor> = {};
  for (const [at, shape] of shapes.entries()) {
    const drawn = normal(3 + at, op, 0, sizeOf(shape)).map((value) => value * 2);
    const data = POSITIVE.includes(op) ? drawn.map(Math.abs) : drawn;
    feeds['abcde'[at]!] = { shape, dtype: 'float32', data };
  }
  await compareModel(
    {
      nodes: [[op, inputs ?? Object.keys(feeds), ['y'], attributes]],
      inputs: Object.fromEntries(
        Object.entries(feeds).map(([name, { shape }]) => [name, ['float32', shape]]),
      ),
      outputs: { y: ['float32', null] },
      constants,
    },
    feeds,
  );
}

async function compareModel(model: ModelText, feeds: TensorMap): Promise<void> {
  const bytes = encodeModel(model);
  const [theirs, ours] = [
    await onnxruntime.open(bytes, { device: 'cpu' }),
    await reference.open(bytes, { device: 'cpu' }),
  ];
  const wanted = await theirs.run(feeds);
  const actual = await ours.run(feeds);
  for (const name of Object.keys(model.outputs)) {
    expect(actual[name]!.shape).toEqual(wanted[name]!.shape);
    expect(actual[name]!.dtype).toBe(wanted[name]!.dtype);
    wanted[name]!.data.forEach((value, at) => {
      const difference = Math.abs(actual[name]!.data[at]! - value);
      expect(difference).toBeLessThan(TOLERANCE * Math.max(1, Math.abs(value)));
    });
  }
  await theirs.dispose();
  await ours.dispose();
}

describe('operators of the reference', () => {
  it.each(cases.map((one) => [one[0], JSON.stringify(one.slice(1)), one] as const))(
    '%s %s',
    (_op, _text, one) => compare(one),
  );

  it('ConvTranspose for kernels 2 to 5, strides 1 to 3, every pad and output padding', async () => {
    let count = 0;
    for (const kernel of [2, 3, 4, 5]) {
      for (const stride of [1, 2, 3]) {
        for (const [begin, end] of [
          [0, 0],
          [1, 1],
          [0, 1],
          [1, 0],
          [2, 1],
        ] as const) {
          for (const more of [0, 1, 2]) {
            // Below the stride is ONNX's rule; a kernel of 2 with three rows cut leaves nothing of 1x1.
            if (more >= stride || kernel + more <= begin + end) continue;
            const attributes = {
              strides: [stride, 1],
              pads: [begin, 0, end, 1],
              output_padding: [more, 0],
            };
            await compare(['ConvTranspose', [[2, 3, 3, 2], [3, 2, kernel, 3], [2]], attributes]);
            count++;
          }
        }
      }
    }
    expect(count).toBeGreaterThan(100);
  });

  it('Cast and Constant', async () => {
    await compareModel(
      {
        inputs: { x: ['float32', ['n']] },
        outputs: {
          i: ['int32', null],
          u: ['uint8', null],
          b: ['bool', null],
          sum: ['float32', null],
          list: ['float32', null],
        },
        nodes: [
          ['Cast', ['x'], ['i'], { to: ELEMENT.int32 }],
          ['Cast', ['x'], ['u'], { to: ELEMENT.uint8 }],
          ['Cast', ['x'], ['b'], { to: ELEMENT.bool }],
          ['Cast', ['b'], ['flag'], { to: ELEMENT.float32 }],
          ['Constant', [], ['three'], { value_int: 3 }],
          ['Cast', ['three'], ['three.float'], { to: ELEMENT.float32 }],
          ['Constant', [], ['quarter'], { value_float: { float: 0.25 } }],
          ['Mul', ['flag', 'three.float'], ['product']],
          ['Add', ['product', 'quarter'], ['sum']],
          ['Constant', [], ['shape'], { value_ints: [1, -1] }],
          ['Reshape', ['sum', 'shape'], ['list']],
        ],
      },
      { x: { shape: [5], dtype: 'float32', data: Float32Array.of(0, 1.9, 0.5, 200, 3) } },
    );
  });

  it('refuses what it does not know when the file is opened, all of it by name', async () => {
    const bytes = encodeModel({
      inputs: { x: ['float32', [1, 4, 5, 5]], w: ['float32', [4, 1, 3, 3]] },
      outputs: { y: ['float32', null] },
      nodes: [
        ['Erf', ['x'], ['a']],
        ['Conv', ['a', 'w'], ['b'], { group: 4 }],
        ['ConvTranspose', ['b', 'w'], ['c'], { output_shape: [9, 9] }],
        ['Resize', ['c', '', 'w'], ['d'], { mode: 'nearest', nearest_mode: 'floor' }],
        ['Gelu', ['d'], ['y']],
      ],
    });
    await expect(reference.open(bytes, { device: 'cpu' })).rejects.toMatchObject({
      code: 'UNSUPPORTED_OP',
      message: expect.stringMatching(
        /Erf, Conv\(group=4\), ConvTranspose\(output_shape=\[9,9\]\), Resize\(coordinate_transformation_mode=default\), Gelu/,
      ),
    });
  });
});

describe('what the reference leaves behind', () => {
  it.each(['cpu', 'wasm'])('no tensors and the backend as it was, on %s', async (device) => {
    await reference.probe('wasm');
    await reference.probe('cpu');
    await tf.setBackend('cpu');
    const before = tf.memory().numTensors;
    const session = await reference.open(encodeSmallGenerator(7), { device });
    expect(tf.getBackend()).toBe('cpu');
    const held = tf.memory().numTensors;
    expect(held).toBeGreaterThan(before);
    for (let i = 0; i < 5; i++) await session.run({ latents: drawLatents(2, i) });
    expect(tf.getBackend()).toBe('cpu');
    expect(tf.memory().numTensors).toBe(held);
    await tf.setBackend('wasm');
    await session.run({ latents: drawLatents(2) });
    expect(tf.getBackend()).toBe('wasm');
    await session.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('no tensors after a run that failed half-way', async () => {
    const bytes = encodeModel({
      inputs: { a: ['float32', ['n']], b: ['float32', ['m']] },
      outputs: { y: ['float32', null] },
      nodes: [
        ['Exp', ['a'], ['c']],
        ['Add', ['c', 'b'], ['y']],
      ],
    });
    const session = await reference.open(bytes, { device: 'cpu' });
    const backend = tf.getBackend();
    const held = tf.memory().numTensors;
    const [a, b] = [3, 4].map((n) => ({ shape: [n], dtype: 'float32' as const, data: new Float32Array(n) }));
    await expect(session.run({ a: a!, b: b! })).rejects.toThrow(/Add `y`.*\[3\] \[4\]/);
    expect(tf.memory().numTensors).toBe(held);
    expect(tf.getBackend()).toBe(backend);
    await session.dispose();
  });
});
