/**
 * What an export refuses, and in which words: graphs that compute something else (with the first node that does),
 * random numbers frozen into a model, weights that are no numbers. Nothing stays open afterwards.
 */
import * as tf from '@tensorflow/tfjs-core';
import onnxProto from 'onnx-proto';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ExportSource, exportGenerator } from '../exporters/index.js';
import type { Gan } from '../models/types.js';
import type { GanError } from '../src/core/errors.js';
import type { Session } from '../src/core/types.js';
import { openOnCpu, RECIPES, trainSmall } from './support/small-training.js';

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

/** Opens a file in which one tensor of weights is `factor` times as large. */
function openWithWrongWeights(tensor: string, factor: number) {
  return (bytes: Uint8Array): Promise<Session> => {
    const model = onnx.ModelProto.decode(bytes);
    const weights = model.graph!.initializer!.find(({ name }) => name === tensor)!;
    const values = new Float32Array(Uint8Array.from(weights.rawData!).buffer);
    weights.rawData = new Uint8Array(values.map((value) => value * factor).buffer);
    return openCounted(onnx.ModelProto.encode(model).finish());
  };
}

async function refusalOf(promise: Promise<unknown>): Promise<GanError> {
  return promise.then(
    () => {
      throw new Error('It was not refused.');
    },
    (error: GanError) => error,
  );
}

let tensors: number;
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
afterEach(() => {
  expect(open, 'open sessions').toBe(0);
  expect(tf.memory().numTensors - tensors, 'tensors left').toBe(0);
});

describe.each(Object.entries(RECIPES))('a wrong file of %s', (_, recipe) => {
  let source: ExportSource;
  let kernels: string[];
  beforeAll(async () => {
    const { gan, weights } = await trainSmall(recipe, 10);
    source = { model: recipe.model, gan, weights, imagesSeen: 60, seed: 3, dataDigest: '' };
    kernels = Object.keys(weights).filter((name) => name.endsWith('/kernel'));
  });

  it.each(['nhwc', 'nchw'] as const)('is refused with the node that is wrong: %s', async (layout) => {
    expect(kernels.length).toBeGreaterThan(2);
    for (const kernel of kernels) {
      const openSession = openWithWrongWeights(kernel, 1.5);
      const error = await refusalOf(exportGenerator(source, { layout, openSession }));
      expect(error.code).toBe('PARITY');
      expect(error.where).toMatch(new RegExp(`^${kernel.replace('/kernel', '')}/(Gemm|ConvTranspose)$`));
      expect(error.message).toMatch(
        /Expected images within 0.00001 of the live generator, got a difference of `[\d.e-]+`/,
      );
      expect(error.message).toContain(`The first node that diverges is ${error.where} (by `);
      expect(error.message).toContain('No file was written.');
    }
  });

  it('is refused when a bias is wrong, and when it gives no numbers', async () => {
    const biased = kernels.at(-1)!.replace('/kernel', '');
    const session = openWithWrongWeights(`${biased}/folded_bias`, 3);
    const error = await refusalOf(exportGenerator(source, { openSession: session }));
    expect(error.where).toMatch(`${biased}/`);
    const broken = openWithWrongWeights(kernels[1]!, Number.NaN);
    const worse = await refusalOf(exportGenerator(source, { openSession: broken }));
    expect(worse.message).toContain('`Infinity`');
    expect(worse.where).toMatch(kernels[1]!.replace('/kernel', '/'));
  });

  it('is refused at a tolerance that float32 cannot keep', async () => {
    const error = await refusalOf(exportGenerator(source, { tolerance: 0, openSession: openCounted }));
    expect(error).toMatchObject({ code: 'PARITY', message: expect.stringContaining('images within 0 of') });
  });
});

describe('a model', () => {
  let source: ExportSource;
  beforeAll(async () => {
    const { gan, weights } = await trainSmall(RECIPES['mlp on points']!, 1);
    source = { model: 'mlp', gan, weights, imagesSeen: 6, seed: 3, dataDigest: '' };
  });

  /** The same network with something of its own at the end, in a layer called `noise`. */
  function ending(change: (images: tf.Tensor) => tf.Tensor): ExportSource {
    const { generator } = source.gan;
    const gan: Gan = {
      ...source.gan,
      generator: {
        ...generator,
        apply: (z, call) => {
          const images = generator.apply(z, call);
          return tf.tidy('generator/noise', () => change(images));
        },
      },
    };
    return { ...source, gan };
  }

  const draw = (shape: readonly number[]): tf.Tensor =>
    tf.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.random()),
      [...shape],
    );

  it.each<[string, (images: tf.Tensor) => tf.Tensor]>([
    ['tf.randomNormal', (x) => tf.add(x, tf.randomNormal(x.shape))],
    ['tf.randomUniform', (x) => tf.add(x, tf.randomUniform([2]))],
    ['tf.truncatedNormal', (x) => tf.add(x, tf.truncatedNormal([2]))],
    ['tf.dropout', (x) => tf.dropout(x, 0.5)],
    ['a number', (x) => tf.mul(x, Math.random())],
    ['a tensor', (x) => tf.add(x, draw([2]))],
    ['a tensor as long as the batch', (x) => tf.add(x, draw(x.shape))],
    ['an attribute', (x) => tf.leakyRelu(x, Math.random())],
  ])('that draws random numbers is refused by name: %s', async (_, change) => {
    const error = await refusalOf(exportGenerator(ending(change), { openSession: openCounted }));
    expect(error).toMatchObject({
      code: 'BAKED_RANDOMNESS',
      where: expect.stringMatching(/^generator\/noise/),
    });
    expect(error.message).toMatch(/give them as an input/);
  });

  it.each<[string, (images: tf.Tensor) => tf.Tensor]>([
    [
      'a constant as long as the batch',
      (x) => tf.add(x, tf.tensor4d([...Array(x.shape[0]).keys()], [x.shape[0]!, 1, 1, 1])),
    ],
    ['other operators at other batches', (x) => (x.shape[0] === 3 ? tf.relu(x) : tf.tanh(x))],
    ['one operator less at other batches', (x) => (x.shape[0] === 3 ? tf.relu(x) : tf.relu(tf.relu(x)))],
    ['one operator more at other batches', (x) => (x.shape[0] === 2 ? tf.relu(x) : tf.relu(tf.relu(x)))],
  ])('that depends on the batch is refused: %s', async (_, change) => {
    const error = await refusalOf(exportGenerator(ending(change), { openSession: openCounted }));
    expect(error).toMatchObject({
      code: 'UNSUPPORTED_OP',
      where: expect.stringMatching(/^generator\/noise/),
    });
  });

  it('is not refused for what is constant', async () => {
    const fixed = [0.25, -3];
    const kept = ending((x) => tf.mul(tf.add(x, tf.tensor(fixed)), tf.zerosLike(x)));
    const { maxDifference } = await exportGenerator(kept, { openSession: openCounted });
    expect(maxDifference).toBeLessThan(1e-5);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'with a weight of %d is refused by its name',
    async (bad) => {
      const name = 'generator/dense_2/bias';
      const { shape, data } = source.weights[name]!;
      const weights = { ...source.weights, [name]: { shape, dtype: 'float32' as const, data: data.slice() } };
      weights[name]!.data[3] = bad;
      const error = await refusalOf(exportGenerator({ ...source, weights }, { openSession: openCounted }));
      expect(error).toMatchObject({ code: 'DIVERGED', where: name });
      expect(error.message).toContain(`Expected finite weights, got \`${bad}\` at 3.`);
    },
  );

  it('without one of its weights, or with one of another size, is refused by its name', async () => {
    const name = 'generator/dense_2/bias';
    const { [name]: _, ...rest } = source.weights;
    const missing = await refusalOf(
      exportGenerator({ ...source, weights: rest }, { openSession: openCounted }),
    );
    expect(missing).toMatchObject({ code: 'BAD_CHECKPOINT', where: name });
    const short = { shape: [2], dtype: 'float32' as const, data: new Float32Array(2) };
    const weights = { ...source.weights, [name]: short };
    const wrong = await refusalOf(exportGenerator({ ...source, weights }, { openSession: openCounted }));
    expect(wrong.message).toBe(
      `[${name}] Expected a weight of shape [${source.weights[name]!.shape}], got \`[2]\`.`,
    );
  });

  it.each([
    [{ opset: 18 }, 'Expected opset 17, got `18`.'],
    [{ tolerance: -1 }, 'Expected a tolerance of at least 0, got `-1`.'],
    [{ tolerance: Number.NaN }, 'Expected a tolerance of at least 0, got `NaN`.'],
  ])('is not exported with %j', async (options, message) => {
    const error = await refusalOf(exportGenerator(source, { ...options, openSession: openCounted }));
    expect(error).toMatchObject({ code: 'BAD_ARGUMENT', message: expect.stringContaining(message) });
  });
});
