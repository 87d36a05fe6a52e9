/**
 * The tracer as a whole: what it refuses and how it says so, and what it leaves behind in TensorFlow.js.
 * The kernels' numbers are in the kernels-*.test.ts beside this file, the graphs in trace-graph.test.ts.
 */
import { readdir, readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs-core';
import '#gradients';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Graph } from '../exporters/graph.js';
import { Attributes } from '../exporters/kernel.js';
import { trace } from '../exporters/trace.js';
import { GanError } from '../src/core/errors.js';
import { difference, randomTensor, runEager, runTraced } from './support/run-traced.js';

type One = (x: tf.Tensor) => tf.Tensor;

/** Traces a function of one float32 input. */
function traceOne(run: One, shape: readonly number[] = [4, 3]): Graph {
  return trace(({ x }) => ({ y: run(x!) }), { x: { shape, dtype: 'float32' } }, { name: 'traced' });
}

/** The error that tracing `run` throws. */
function refusalOf(run: One, shape?: readonly number[]): GanError {
  try {
    traceOne(run, shape);
  } catch (error) {
    if (error instanceof GanError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

describe('the registry', () => {
  it('has a test file for every module of kernels', async () => {
    const here = new URL('.', import.meta.url);
    const modules = (await readdir(new URL('../exporters/kernels/', here))).filter(
      (file) => file !== 'index.ts',
    );
    const tests = (await readdir(here)).filter((file) => /^kernels-.*\.test\.ts$/.test(file));
    const texts = await Promise.all(tests.map((file) => readFile(new URL(file, here), 'utf8')));
    const imported = texts.join('\n').matchAll(/exporters\/kernels\/([a-z-]+)\.js/g);
    expect([...imported].map(([, name]) => `${name}.ts`).sort()).toEqual(modules.sort());
  });
});

describe('attributes of a kernel', () => {
  it('must all be looked at', () => {
    const attributes = new Attributes('Sum', { axis: 0, keepDims: true });
    attributes.get('axis');
    expect(() => attributes.finish()).toThrow(
      '[Sum] Expected no attribute beside those it knows, got `keepDims`.',
    );
    attributes.optional('keepDims');
    attributes.finish();
  });

  it('must be there', () => {
    expect(() => new Attributes('Max', { axis: 0 }).get('reductionIndices')).toThrow(
      '[Max] Expected an attribute `reductionIndices`, got `only axis`.',
    );
    expect(new Attributes('Max', {}).optional('keepDims')).toBeUndefined();
  });

  it('may be held to one value', () => {
    expect(() => new Attributes('Conv2D', { dataFormat: 'NCHW' }).only('dataFormat', 'NHWC')).toThrow(
      '[Conv2D] Expected dataFormat "NHWC", got `NCHW`.',
    );
    new Attributes('Conv2D', { dilations: [1, 1] }).only('dilations', [1, 1]);
    new Attributes('Conv2D', {}).only('dataFormat', 'NHWC');
  });

  it('are guarded in a trace', () => {
    const unread = refusalOf((x) => tf.engine().runKernel('Relu', { x }, { slope: 1 }));
    expect([unread.code, unread.where]).toEqual(['UNSUPPORTED_OP', 'Relu']);
    expect(unread.message).toContain('slope');
    const absent = refusalOf((x) => tf.engine().runKernel('LeakyRelu', { x }, {}));
    expect([absent.code, absent.where]).toEqual(['UNSUPPORTED_OP', 'LeakyRelu']);
    expect(absent.message).toContain('alpha');
  });
});

describe('what cannot be written is refused by name', () => {
  const unsupported: Record<string, readonly [One, RegExp]> = {
    'an unknown kernel': [(x) => tf.cumsum(x), /got `Cumsum`\. Known: .*Conv2D.*Transpose/],
    'a division of integers': [(x) => tf.div(tf.cast(x, 'int32'), tf.scalar(2, 'int32')), /got `FloorDiv`/],
    'a read of values': [(x) => tf.scalar(x.dataSync()[0]!), /no read of a tensor's values/],
    'a read of a computed value': [
      (x) => tf.add(x, tf.sum(x).arraySync() as number),
      /no read .* `Sum`|no read/,
    ],
    'a fused activation': [
      (x) => tf.fused.matMul({ a: x, b: tf.ones([3, 2]), activation: 'elu' }),
      /\[_FusedMatMul\].* got `elu`/,
    ],
    'a padded bool': [
      (x) =>
        tf.pad(tf.greater(x, 0), [
          [1, 1],
          [0, 0],
        ]),
      /\[PadV2\].* got `bool`/,
    ],
    'an infinite integer': [
      (x) => tf.clipByValue(tf.cast(x, 'int32'), 0, Number.POSITIVE_INFINITY),
      /finite int32, got `Infinity`/,
    ],
  };
  for (const [what, [run, message]] of Object.entries(unsupported)) {
    it(what, () => {
      const refusal = refusalOf(run);
      expect(refusal.code).toBe('UNSUPPORTED_OP');
      expect(refusal.message).toMatch(message);
    });
  }

  it('a convolution whose size tfjs gets wrong', () => {
    const refusal = refusalOf((x) => tf.conv2d(x as tf.Tensor4D, tf.ones([3, 2, 3, 2]), 1, 1), [2, 6, 6, 3]);
    expect([refusal.code, refusal.where]).toEqual(['UNSUPPORTED_OP', 'Conv2D']);
    expect(refusal.message).toContain('Expected an output of 6 x 7, got `6 x 6`');
  });
});

describe('randomness that would be frozen into the graph is refused by name', () => {
  const random: Record<string, One> = {
    randomNormal: () => tf.randomNormal([2]),
    randomStandardNormal: () => tf.randomStandardNormal([2]),
    randomUniform: () => tf.randomUniform([2]),
    randomUniformInt: () => tf.randomUniformInt([2], 0, 9),
    randomGamma: () => tf.randomGamma([2], 1),
    truncatedNormal: () => tf.truncatedNormal([2]),
    rand: () => tf.rand([2], () => 0.5),
    dropout: (x) => tf.dropout(x, 0.5),
  };
  for (const [name, run] of Object.entries(random)) {
    it(name, () => {
      const refusal = refusalOf((x) => tf.tidy('generator', () => run(x)));
      expect(refusal.code).toBe('BAKED_RANDOMNESS');
      expect(refusal.where).toBe('generator');
      expect(refusal.message).toContain(`got \`${name}\``);
    });
  }

  it('multinomial, which draws inside its kernel', () => {
    const refusal = refusalOf((x) => tf.multinomial(x as tf.Tensor2D, 3));
    expect(refusal.code).toBe('BAKED_RANDOMNESS');
    expect(refusal.message).toContain('got `multinomial`');
  });

  it('but not numbers that were drawn before', async () => {
    const noise = tf.randomNormal([3]);
    const values = noise.dataSync();
    const { y } = await runTraced(({ x }) => ({ y: tf.add(x!, noise) }), { x: randomTensor('x', [2, 3]) });
    const { data } = randomTensor('x', [2, 3]);
    expect([...y!.data]).toEqual([...Float32Array.from(data, (value, i) => value + values[i % 3]!)]);
    noise.dispose();
  });
});

describe('what a trace leaves behind', () => {
  it('gives the backend back, also after an error', () => {
    traceOne(tf.relu);
    expect(tf.getBackend()).toBe('cpu');
    refusalOf((x) => tf.cumsum(x));
    expect(tf.getBackend()).toBe('cpu');
    expect([...tf.add([1, 2], 3).dataSync()]).toEqual([4, 5]);
  });

  it('keeps no tensors, also after an error', () => {
    const gradient: One = (x) => tf.grad((y) => tf.sum(tf.tanh(tf.matMul(y, y, true))))(x);
    const { numTensors, numDataBuffers } = tf.memory();
    traceOne(gradient);
    refusalOf((x) => tf.grad((y) => tf.sum(tf.cumsum(y)))(x));
    refusalOf((x) => tf.tidy(() => tf.dropout(x, 0.5)));
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(tf.memory().numDataBuffers).toBe(numDataBuffers);
  });

  it('lets a tensor of the caller go through two traces and back', async () => {
    const weights = randomTensor('weights', [3, 2]);
    const kept = tf.tensor(weights.data, [3, 2]);
    const inputs = { x: randomTensor('x', [4, 3]) };
    const run = ({ x }: Record<string, tf.Tensor>): Record<string, tf.Tensor> => ({ y: tf.matMul(x!, kept) });
    const first = await runTraced(run, inputs);
    const second = await runTraced(run, inputs);
    const eager = await runEager(run, inputs);
    expect(second.y!.data).toEqual(first.y!.data);
    expect(difference(first.y!, eager.y!)).toBeLessThan(1e-6);
    expect(kept.dataSync()).toEqual(weights.data);
    kept.dispose();
  });
});
