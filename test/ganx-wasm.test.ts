/**
 * ganx's own kernels: each next to ONNX Runtime at sizes that fit badly, and what they refuse. They go through the
 * conformance suite of runtimes in runtimes.test.ts and, with relaxed SIMD, in page-runtime.test.ts.
 */
import { describe, expect, it } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { compileKernels } from '../runtimes/ganx-wasm/kernels.js';
import { ganxWasm } from '../runtimes/ganx-wasm.js';
import { onnxruntimeNode } from '../runtimes/onnxruntime-node.js';
import { normal, uniform } from '../src/core/random.js';
import type { FloatTensor, PlainTensor } from '../src/core/tensor.js';
import { encodeModel, type ModelText } from './support/onnx-model.js';

const openOwn = (file: Uint8Array) => ganxWasm.open(file, { device: 'wasm' });

/** What both runtimes make of so many latents. */
async function runBoth(file: Uint8Array, latents: FloatTensor): Promise<readonly PlainTensor[]> {
  const sessions = [await openOwn(file), await onnxruntimeNode.open(file, { device: 'cpu', threads: 1 })];
  return await Promise.all(
    sessions.map(async (session) => {
      const { images } = await session.run({ latents });
      await session.dispose();
      return images!;
    }),
  );
}

/** The largest difference, in units of the largest value beyond 1. */
function difference([own, other]: readonly PlainTensor[]): number {
  expect(own!.shape).toEqual(other!.shape);
  const size = Math.max(1, ...other!.data);
  const gaps = Array.from(own!.data, (value, at) => Math.abs(value - other!.data[at]!));
  return Math.max(...gaps) / size;
}

const draw = (batch: number, size: number, seed = 1): FloatTensor => ({
  shape: [batch, size],
  dtype: 'float32',
  data: normal(seed, 'z', 0, batch * size),
});

const model = (parts: Omit<ModelText, 'inputs' | 'outputs'>, size: number, shape: readonly number[]) =>
  encodeModel({
    inputs: { latents: ['float32', ['batch', size]] },
    outputs: { images: ['float32', ['batch', ...shape]] },
    ...parts,
  });

/** x·W + b with sizes that fit no panel. */
function denseModel(inputs: number, outputs: number): Uint8Array {
  const constants = {
    weights: [normal(2, 'w', 0, inputs * outputs), [inputs, outputs]],
    bias: [normal(2, 'b', 0, outputs), [outputs]],
  } as const;
  return model({ constants, nodes: [['Gemm', ['latents', 'weights', 'bias'], ['images']]] }, inputs, [
    outputs,
  ]);
}

describe('a product', () => {
  it.each([
    [1, 1],
    [3, 2],
    [7, 9],
    [64, 31],
    [5, 40],
  ])('of %i values to %i', async (inputs, outputs) => {
    for (const batch of [1, 2, 3, 4, 5, 11]) {
      expect(difference(await runBoth(denseModel(inputs, outputs), draw(batch, inputs)))).toBeLessThan(2e-6);
    }
  });

  it('is the same bit for bit whatever rows are computed beside it', async () => {
    const session = await openOwn(denseModel(100, 77));
    const all = draw(150, 100);
    const whole = (await session.run({ latents: all })).images!.data;
    for (const [from, count] of [
      [0, 1],
      [3, 2],
      [60, 7],
      [149, 1],
    ] as const) {
      const latents = { ...all, shape: [count, 100], data: all.data.slice(from * 100, (from + count) * 100) };
      const part = (await session.run({ latents })).images!.data;
      expect(part).toEqual(whole.slice(from * 77, (from + count) * 77));
    }
  });
});

describe('a transposed convolution', () => {
  it.each([
    { size: [4, 4], kernel: [4, 4], strides: [2, 2], pads: [1, 1, 1, 1], more: [0, 0] },
    { size: [3, 5], kernel: [5, 3], strides: [2, 3], pads: [0, 1, 2, 0], more: [1, 2] },
    { size: [1, 1], kernel: [2, 2], strides: [3, 3], pads: [0, 0, 0, 0], more: [0, 0] },
    { size: [6, 7], kernel: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1], more: [0, 0] },
    { size: [2, 9], kernel: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], more: [0, 0] },
  ])('of $size with a kernel of $kernel, strides $strides, pads $pads and $more', async (sizes) => {
    const { size, kernel, strides, pads, more } = sizes;
    const [inputs, outputs] = [3, 5];
    const [height, width] = [0, 1].map(
      (i) => (size[i]! - 1) * strides[i]! + kernel[i]! + more[i]! - pads[i]! - pads[i + 2]!,
    );
    const constants = {
      shape: [[-1, inputs, ...size], [4]],
      weights: [normal(3, 'w', 0, inputs * outputs * kernel[0]! * kernel[1]!), [inputs, outputs, ...kernel]],
      bias: [normal(3, 'b', 0, outputs), [outputs]],
    } as const;
    const attributes = { strides, pads, output_padding: more };
    const file = model(
      {
        constants,
        nodes: [
          ['Reshape', ['latents', 'shape'], ['pixels']],
          ['ConvTranspose', ['pixels', 'weights', 'bias'], ['images'], attributes],
        ],
      },
      inputs * size[0]! * size[1]!,
      [outputs, height!, width!],
    );
    for (const batch of [1, 3]) {
      const latents = draw(batch, inputs * size[0]! * size[1]!);
      expect(difference(await runBoth(file, latents))).toBeLessThan(2e-6);
    }
  });
});

describe('an activation', () => {
  const values = Float32Array.from([
    -1e4,
    -90,
    -20,
    -1e-3,
    -0,
    0,
    1e-7,
    0.3,
    1,
    17,
    89,
    1e4,
    ...uniform(4, 'x', 0, 501, -12, 12),
  ]);
  it.each([
    ['Relu', (x: number) => Math.max(x, 0)],
    ['LeakyRelu', (x: number) => (x < 0 ? Math.fround(0.2) * x : x)],
    ['Sigmoid', (x: number) => 1 / (1 + Math.exp(-x))],
    ['Tanh', (x: number) => Math.tanh(x)],
  ])('%s', async (operator, compute) => {
    const attributes = operator === 'LeakyRelu' ? { alpha: { float: 0.2 } } : {};
    const file = model({ nodes: [[operator, ['latents'], ['images'], attributes]] }, values.length, [
      values.length,
    ]);
    const session = await openOwn(file);
    const { images } = await session.run({
      latents: { shape: [1, values.length], dtype: 'float32', data: values },
    });
    for (const [at, value] of values.entries()) {
      // 1.2e-7 is one unit of the last place at 1.
      expect(Math.abs(images!.data[at]! - compute(value))).toBeLessThan(
        1.8e-7 * Math.max(1, Math.abs(compute(value))),
      );
    }
  });

  it('hands on what is no number', async () => {
    const session = await openOwn(model({ nodes: [['Relu', ['latents'], ['images']]] }, 2, [2]));
    const { images } = await session.run({
      latents: { shape: [1, 2], dtype: 'float32', data: Float32Array.of(NaN, 1) },
    });
    expect(images!.data).toEqual(Float32Array.of(NaN, 1));
  });
});

describe('a constant for every sample, and channels last', () => {
  it('are those of ONNX Runtime', async () => {
    const file = model(
      {
        constants: { shape: [[0, 3, 3, 5], [4]], offset: [normal(5, 'o', 0, 45), [1, 3, 3, 5]] },
        nodes: [
          ['Reshape', ['latents', 'shape'], ['planes']],
          ['Add', ['planes', 'offset'], ['sum']],
          ['Transpose', ['sum'], ['images'], { perm: [0, 2, 3, 1] }],
        ],
      },
      45,
      [3, 5, 3],
    );
    const [own, other] = await runBoth(file, draw(5, 45));
    expect(own!.data).toEqual(other!.data);
  });
});

it('runs a file that only gives its input another shape', async () => {
  // More than the memory that a module begins with.
  const [height, width] = [100, 300];
  const constants = { shape: [[0, height, width], [3]] } as const;
  const nodes = [['Reshape', ['latents', 'shape'], ['images']]] as const;
  const file = model({ constants, nodes }, height * width, [height, width]);
  for (const batch of [1, 3]) {
    const [own, other] = await runBoth(file, draw(batch, height * width));
    expect(own!.data).toEqual(other!.data);
  }
});

describe('a file that is left to others', () => {
  const dense = { weights: [normal(1, 'w', 0, 12), [4, 3]] } as const;
  it.each([
    ['an unknown operator', { nodes: [['Softmax', ['latents'], ['images']]] }, /Softmax/],
    ['a branch', { nodes: [['Add', ['latents', 'latents'], ['images']]] }, /chain of operators.*Add/],
    [
      'a factor',
      { constants: dense, nodes: [['Gemm', ['latents', 'weights'], ['images'], { alpha: { float: 2 } }]] },
      /Gemm.*"alpha":2/,
    ],
    [
      'an attribute of a newer opset',
      {
        nodes: [['Reshape', ['latents', 'shape'], ['images'], { someday: 1 }]],
        constants: { shape: [[-1, 4], [2]] },
      },
      /Reshape.*someday/,
    ],
    [
      'numbers that become whole',
      { nodes: [['Cast', ['latents'], ['images'], { to: 6 }]] },
      /Cast.*single or half precision.*element type 6/,
    ],
    [
      'an extent of zero',
      {
        nodes: [['Reshape', ['latents', 'shape'], ['images'], { allowzero: 1 }]],
        constants: { shape: [[0, 4], [2]] },
      },
      /Reshape.*allowzero/,
    ],
    [
      'a shape that does not fit',
      { nodes: [['Reshape', ['latents', 'shape'], ['images']]], constants: { shape: [[-1, 5], [2]] } },
      /extents for 4 values/,
    ],
  ] as const)('has %s', async (_, parts, message) => {
    const opening = openOwn(model(parts as never, 4, [4]));
    await expect(opening).rejects.toMatchObject({
      code: 'UNSUPPORTED_OP',
      message: expect.stringMatching(message),
    });
    await expect(opening).rejects.toThrow(/Take onnxruntime-web/);
  });
});

it('has the version of the package, and says what computes', async () => {
  const session = await openOwn(denseModel(2, 2));
  expect(session.version).toBe(packageJson.version);
  expect(session.engine).toBe(
    compileKernels()!.isFused ? "wasm, ganx's own kernels, relaxed SIMD" : "wasm, ganx's own kernels, SIMD",
  );
});
