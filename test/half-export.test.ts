/**
 * Generators exported in half precision: half the bytes, images that the eye cannot tell from the live network's, and
 * a refusal that names the layer where half precision is not enough. Networks are rewritten so that float32 computes
 * the same and half precision cannot: what one layer is multiplied by, the next is divided by.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import onnxProto from 'onnx-proto';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compareLevels } from '../exporters/check-half.js';
import {
  type ExportResult,
  type ExportSource,
  exportGenerator,
  openLiveGenerator,
} from '../exporters/index.js';
import { loadRuntime } from '../runtimes/index.js';
import { saveCheckpoint } from '../src/checkpoint/index.js';
import { GanError } from '../src/core/errors.js';
import { encodeHalf } from '../src/core/half.js';
import { type FloatTensor, plainTensor } from '../src/core/tensor.js';
import type { Session } from '../src/core/types.js';
import { checkGolden, createGenerator, drawLatents, readMetadata } from '../src/sample/index.js';
import { expectRefusal, ganx, ganxOk, makeWorkplace } from './support/cli.js';
import { dcgan, openOnCpu, RECIPES, type Recipe, trainSmall } from './support/small-training.js';

tf.enableProdMode();
const { onnx } = onnxProto;

let open = 0;
async function openCounted(bytes: Uint8Array): Promise<Session> {
  const session = await openOnCpu(bytes);
  open++;
  return {
    ...session,
    dispose: () => {
      open--;
      return session.dispose();
    },
  };
}
afterEach(() => {
  expect(open, 'open sessions').toBe(0);
});

async function trainSource(recipe: Recipe, steps: number): Promise<ExportSource> {
  const { gan, weights } = await trainSmall(recipe, steps);
  return { model: recipe.model, gan, weights, imagesSeen: 6 * steps, seed: 3, dataDigest: '' };
}

/** The same network with some weights, by their names in the generator, multiplied. */
function multiply(source: ExportSource, factors: Readonly<Record<string, number>>): ExportSource {
  const changed = Object.entries(factors).map(([name, factor]) => {
    const weight = source.weights[`generator/${name}`]!;
    return [
      `generator/${name}`,
      plainTensor(
        weight.data.map((value) => value * factor),
        weight.shape,
      ),
    ];
  });
  return { ...source, weights: { ...source.weights, ...Object.fromEntries(changed) } };
}

async function refusalOf(source: ExportSource): Promise<GanError> {
  const options = { dtype: 'float16', openSession: openCounted } as const;
  const error = await exportGenerator(source, options).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(GanError);
  return error as GanError;
}

describe.each(Object.entries({ ...RECIPES, 'dcgan, 64 RGB': dcgan(64, 3) }))('%s', (_, recipe) => {
  let source: ExportSource;
  let whole: ExportResult;
  let half: ExportResult;
  let latents: FloatTensor;
  let images: FloatTensor;

  beforeAll(async () => {
    source = await trainSource(recipe, 10);
    whole = await exportGenerator(source, { openSession: openCounted });
    half = await exportGenerator(source, { dtype: 'float16', openSession: openCounted });
    latents = drawLatents(source.gan.shape, 5, 0, 64);
    const live = await openLiveGenerator(source.gan, source.weights);
    images = (await live.run({ latents })).images as FloatTensor;
    await live.dispose();
  });

  it('takes two bytes a weight, each the nearest half', () => {
    const read = ({ bytes }: ExportResult) => onnx.ModelProto.decode(bytes).graph!.initializer!;
    const floats = new Map(read(whole).map((tensor) => [tensor.name!, tensor]));
    const weights = read(half).filter(({ dataType }) => dataType === onnx.TensorProto.DataType.FLOAT16);
    expect(weights.length).toBeGreaterThanOrEqual(source.gan.generator.weights.length / 3);
    for (const { name, rawData, dims } of weights) {
      const values = new Float32Array(Uint8Array.from(floats.get(name!)!.rawData!).buffer);
      expect(dims).toEqual(floats.get(name!)!.dims);
      const written = new DataView(Uint8Array.from(rawData!).buffer);
      const read = Uint16Array.from(values, (_value, i) => written.getUint16(2 * i, true));
      expect(Buffer.compare(Buffer.from(read.buffer), Buffer.from(encodeHalf(values).buffer)), name!).toBe(0);
    }
    const counted = weights.reduce((sum, { rawData }) => sum + rawData!.length, 0);
    // What is left are names, metadata and the two Casts.
    expect(half.bytes.length).toBeLessThan(whole.bytes.length - counted + 300);
    expect(half.half!.float32Bytes).toBeGreaterThan(2 * counted);
    expect(half.half!.float32Bytes).toBeLessThan(whole.bytes.length);
  });

  it('takes and gives float32, and says what it is', () => {
    const { input, output, node } = onnx.ModelProto.decode(half.bytes).graph!;
    for (const { type } of [...input!, ...output!])
      expect(type!.tensorType!.elemType).toBe(onnx.TensorProto.DataType.FLOAT);
    expect(node!.map(({ opType }) => opType).filter((op) => op === 'Cast')).toHaveLength(2);
    expect(half.metadata).toMatchObject({ ...whole.metadata, dtype: 'float16', golden: expect.anything() });
    expect(readMetadata(half.bytes)).toEqual(half.metadata);
    expect(whole.metadata.dtype).toBeUndefined();
    expect(whole.half).toBeUndefined();
  });

  it('was compared on 64 latents, level by level', () => {
    const { levels, checkedLatents } = half.half!;
    expect(checkedLatents).toBe(64);
    expect(levels.max).toBeLessThanOrEqual(2);
    expect(levels.mean).toBeLessThanOrEqual(0.5);
    // Rounding shows somewhere among 64 images.
    expect(levels.max).toBeGreaterThan(0);
  });

  it.each([
    ['onnxruntime-node', 'cpu'],
    ['onnxruntime-web', 'wasm'],
    ['tensorflow', 'cpu'],
  ])('draws the live network’s images on %s/%s', async (name, device) => {
    const session = await (await loadRuntime(name)).open(half.bytes, { device });
    const generator = createGenerator(session, half.metadata);
    const drawn = await generator.run(latents);
    // On a CPU only weights and images are rounded; measured: 1 level, 0.02 on average.
    const { max, mean } = compareLevels([drawn], [images], source.gan.shape);
    expect(max).toBeLessThanOrEqual(1);
    expect(mean).toBeLessThan(0.1);
    expect(await checkGolden(generator)).toMatchObject({ ok: true });
    await generator.dispose();
  });

  it('draws on WebGPU, or says that the device has no half precision', async ({ skip }) => {
    const runtime = await loadRuntime('onnxruntime-node');
    const probe = await runtime.probe('webgpu');
    if (!probe.ok) {
      const isRequired = (process.env.GANX_REQUIRE ?? '').split(',').includes('onnxruntime-node/webgpu');
      expect(isRequired, probe.reason).toBe(false);
      return skip(probe.reason);
    }
    const generator = createGenerator(await runtime.open(half.bytes, { device: 'webgpu' }), half.metadata);
    try {
      const drawn = await generator.run(latents);
      const { max, mean } = compareLevels([drawn], [images], source.gan.shape);
      expect(max).toBeLessThanOrEqual(2);
      expect(mean).toBeLessThanOrEqual(0.5);
    } catch (error) {
      expect(error).toMatchObject({
        code: 'RUNTIME_UNAVAILABLE',
        message: expect.stringMatching(
          /Expected a device with half precision \(WebGPU feature shader-f16\), got/,
        ),
      });
    } finally {
      await generator.dispose();
    }
  });
});

describe('half precision is not enough', () => {
  let mlp: ExportSource;
  let convolutional: ExportSource;
  beforeAll(async () => {
    mlp = await trainSource(RECIPES['mlp on images'], 10);
    convolutional = await trainSource(RECIPES['dcgan, 32 RGB'], 10);
  });

  /** Multiplies a dense layer and divides the one behind the ReLU after it. */
  const shift = (factor: number) =>
    multiply(mlp, { 'dense_1/kernel': factor, 'dense_1/bias': factor, 'dense_2/kernel': 1 / factor });

  it('for a weight beyond 65504, and is refused with its name', async () => {
    const source = shift(2 ** 22);
    // In float32 a power of two changes nothing.
    expect((await exportGenerator(source, { openSession: openCounted })).maxDifference).toBeLessThan(1e-5);
    const error = await refusalOf(source);
    expect(error).toMatchObject({ code: 'PARITY', where: 'generator/dense_1/kernel' });
    expect(error.message).toMatch(
      /^\[generator\/dense_1\/kernel\] Expected numbers of at most 65504 for half precision, got `-?[\d.]+`\. Export it as float32\.$/,
    );
  });

  it('for weights so small that they lose their digits, and is refused with the layer', async () => {
    // The first layer gives multiples of 2^-24 about as large as that; 2^21 in one weight would be too large.
    const hidden = { 'dense_1/kernel': 2 ** -21, 'dense_1/bias': 2 ** -21, 'dense_2/kernel': 2 ** 15 };
    const error = await refusalOf(
      multiply(mlp, { ...hidden, 'dense_2/bias': 2 ** -6, 'pixels/kernel': 2 ** 6 }),
    );
    expect(error).toMatchObject({ code: 'PARITY', where: 'generator/dense_1/Gemm' });
    expect(error.message).toMatch(
      /Expected images in half precision within 2 levels of 255 \(0\.5 on average\) of the live generator, got a difference of `\d+ \([\d.]+\)`\. The error grows most in generator\/dense_1\/Gemm, [\d.]+ times, to [\d.]+ of its largest value\. No file was written: export it as float32\./,
    );
  });

  it('for results that overflow, which a CPU would not show, and is refused with the layer', async () => {
    const largest = mlp.weights['generator/dense_1/kernel']!.data.reduce(
      (a, b) => Math.max(a, Math.abs(b)),
      0,
    );
    // Weights up to 60000; sums of ten products with latents are beyond 65504.
    const error = await refusalOf(shift(60000 / largest));
    expect(error).toMatchObject({ code: 'PARITY', where: 'generator/dense_1/Gemm' });
    expect(error.message).toContain('got a difference of `Infinity (Infinity)`');
  });

  it('in the middle of a convolutional network, and is refused with the layer', async () => {
    const factors = {
      ...{ 'norm_1/gamma': 2 ** -20, 'norm_1/beta': 2 ** -20, 'deconv_2/kernel': 2 ** 10 },
      ...{ 'norm_2/moving_mean': 2 ** -10, 'norm_2/beta': 2 ** -10, 'image/kernel': 2 ** 10 },
    };
    const error = await refusalOf(multiply(convolutional, factors));
    expect(error).toMatchObject({ code: 'PARITY', where: 'generator/deconv_1/ConvTranspose' });
  });
});

describe('ganx export --dtype', () => {
  const folder = makeWorkplace();
  const snapshot = join(folder, 'snapshot.safetensors');
  let source: ExportSource;

  const save = async (path: string, { gan, weights }: ExportSource): Promise<void> => {
    const { kind, imageShape, latentSize, latentDistribution } = gan.shape;
    const { width } = RECIPES['mlp on images'].build;
    const modelOptions = { kind, imageShape, latentSize, latentDistribution, width };
    const facts = { model: 'mlp', modelOptions, imagesSeen: 60, steps: 10, seed: 3, dataDigest: '' };
    await saveCheckpoint(path, { kind: 'snapshot', shape: gan.shape, tensors: weights, ...facts });
  };
  beforeAll(async () => {
    source = await trainSource(RECIPES['mlp on images'], 10);
    await save(snapshot, source);
  });

  it.each(['fp16', 'float16'])('%s writes half the bytes and says what that changed', async (dtype) => {
    const stdout = await ganxOk(['export', snapshot, '-o', 'half.onnx', '--dtype', dtype], folder);
    expect(stdout).toMatch(
      /In float16, 8-bit images are within [12] of 255 levels, 0\.\d{3} on average, on 64 latents \(bound 2 and 0\.5\)\.\nThe file is 5\d% of its [\d.]+ kB in float32\./,
    );
  });

  it('refuses another type by name, and a network that needs more, without a file', async () => {
    const unknown = await ganx(['export', snapshot, '--dtype', 'half'], folder);
    expectRefusal(unknown, 'Expected one of fp32, float32, fp16, float16, got `half`.');
    const large = join(folder, 'large.safetensors');
    const factors = { 'dense_1/kernel': 2 ** 22, 'dense_1/bias': 2 ** 22, 'dense_2/kernel': 2 ** -22 };
    await save(large, multiply(source, factors));
    const refused = await ganx(['export', large, '-o', 'large.onnx', '--dtype', 'fp16'], folder);
    expectRefusal(refused, '[generator/dense_1/kernel] Expected numbers of at most 65504');
    expect((await readdir(folder)).filter((name) => name.startsWith('large.onnx'))).toEqual([]);
  });
});
