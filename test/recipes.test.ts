/**
 * The recipes of the 2014 paper against the authors' configuration files, number by number, and the parts that only
 * they have: first weights, column norms, contrast, pooling, updates at once. The numbers stand here a second time on
 * purpose.
 */
import * as tf from '@tensorflow/tfjs-core';
import '#gradients';
import { beforeAll, describe, expect, it } from 'vitest';
import { convTranspose } from '../models/convolutions.js';
import { findModel } from '../models/index.js';
import { maxoutConv, maxPool } from '../models/maxout.js';
import type { Gan, Network, WeightSpec } from '../models/types.js';
import { plainTensor, sizeOf, type TensorMap } from '../src/core/tensor.js';
import type { Dataset } from '../src/core/types.js';
import type { State } from '../src/train/engines/engine.js';
import { openSessionEngine } from '../src/train/engines/session-engine.js';
import { openTfjsEngine } from '../src/train/engines/tfjs-engine.js';
import { averagePixels, initialState } from '../src/train/initial-state.js';
import { drawNoise } from '../src/train/noise.js';
import { momentum } from '../src/train/optimizers.js';
import { parseOptions, planTraining } from '../src/train/options.js';
import { toNetworkRange } from '../src/train/reals.js';
import { findRecipe, recipeNames } from '../src/train/recipes.js';
import { averageDecay, momentumAt, rateAt } from '../src/train/schedules.js';
import { makeStep, type Step, type UpdateOrder } from '../src/train/step.js';
import { difference, randomTensor, runEager, runTraced, type TensorFunction } from './support/run-traced.js';
import { openOnCpu } from './support/small-training.js';

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

/** `dense_1 100x1200 U0.05`: a weight's name, shape and beginning, with its column norm where it has one. */
function describeWeight({ name, shape, initial, maxColumnNorm }: WeightSpec): string {
  const begin =
    initial.kind === 'uniform'
      ? `U${initial.range}`
      : initial.kind === 'constant'
        ? `${initial.value}`
        : initial.kind === 'sparse'
          ? `sparse ${initial.perColumn}`
          : initial.kind;
  return `${name} ${shape.join('x')} ${begin}${maxColumnNorm === undefined ? '' : ` <=${maxColumnNorm}`}`;
}

/** A data set of noise whose images nobody reads. */
function shapedAs(shape: readonly [number, number, number]): Dataset {
  return {
    name: 'shape',
    kind: 'images',
    count: 60_000,
    shape,
    labels: [],
    digest: '0',
    skipped: [],
    read: () => Promise.reject(new Error('Nobody reads these.')),
    close: () => Promise.resolve(),
  };
}

const parameters = ({ weights }: Network): number =>
  weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
const keeps = ({ coins }: Network): string[] => coins.map(({ shape, keep }) => `${shape.join('x')} ${keep}`);

const judgeOf = (pixels: number, units: number, limit = ''): string[] => [
  `maxout_1/kernel ${pixels}x${5 * units} U0.005${limit}`,
  `maxout_1/bias ${5 * units} 0`,
  `maxout_2/kernel ${units}x${5 * units} U0.005${limit}`,
  `maxout_2/bias ${5 * units} 0`,
  `logit/kernel ${units}x1 U0.005${limit}`,
  'logit/bias 1 0',
];

const FACES = [
  'dense_1/kernel 100x8000 U0.05 <=1.9365',
  'dense_1/bias 8000 0',
  'dense_2/kernel 8000x8000 U0.05 <=1.9365',
  'dense_2/bias 8000 -2',
  'pixels/kernel 8000x2304 sparse 100 <=1.9365',
  'pixels/bias 2304 marginal',
];

interface Facts {
  readonly shape: readonly [number, number, number];
  readonly rows?: readonly [number, number];
  readonly batch: number;
  readonly rate: number;
  readonly latents: 'uniform' | 'normal';
  readonly contrastNorm?: number;
  readonly generator: readonly string[];
  readonly discriminator: readonly string[];
  readonly keeps: readonly string[];
  /** Counted by hand: inputs × outputs + outputs, layer by layer. */
  readonly parameters: readonly [generator: number, discriminator: number];
}

/** mnist.yaml, tfd_pretrain/pretrain.yaml and train.yaml, cifar10_fully_connected.yaml, cifar10_convolutional.yaml. */
const FACTS: Readonly<Record<string, Facts>> = {
  'goodfellow2014/mnist': {
    shape: [28, 28, 1],
    rows: [0, 50_000],
    batch: 100,
    rate: 0.1,
    latents: 'uniform',
    generator: [
      'dense_1/kernel 100x1200 U0.05',
      'dense_1/bias 1200 0',
      'dense_2/kernel 1200x1200 U0.05',
      'dense_2/bias 1200 0',
      'pixels/kernel 1200x784 U0.05',
      'pixels/bias 784 marginal',
    ],
    discriminator: judgeOf(784, 240),
    keeps: ['784 0.8', '240 0.5', '240 0.5'],
    parameters: [2_503_984, 1_231_441],
  },
  'goodfellow2014/tfd-pretrain': {
    shape: [48, 48, 1],
    batch: 100,
    rate: 0.05,
    latents: 'normal',
    generator: FACES,
    discriminator: judgeOf(2304, 1200, ' <=1.9365'),
    keeps: ['2304 0.8', '1200 0.5', '1200 0.5'],
    parameters: [808_000 + 64_008_000 + 18_434_304, 13_830_000 + 7_206_000 + 1201],
  },
  'goodfellow2014/tfd': {
    shape: [48, 48, 1],
    batch: 100,
    rate: 0.05,
    latents: 'normal',
    generator: [
      'front_1/kernel 100x8000 U0.05 <=1.9365',
      'front_1/bias 8000 0',
      'front_2/kernel 8000x100 U0.05 <=1.9365',
      'front_2/bias 100 -2',
      ...FACES,
    ],
    discriminator: judgeOf(2304, 1200, ' <=1.9365'),
    keeps: ['2304 0.8', '1200 0.5', '1200 0.5'],
    parameters: [808_000 + 800_100 + 808_000 + 64_008_000 + 18_434_304, 13_830_000 + 7_206_000 + 1201],
  },
  'goodfellow2014/cifar10-fc': {
    shape: [32, 32, 3],
    rows: [0, 40_000],
    batch: 100,
    rate: 0.025,
    latents: 'normal',
    contrastNorm: 55,
    generator: [
      'dense_1/kernel 100x8000 U0.05',
      'dense_1/bias 8000 0',
      'dense_2/kernel 8000x8000 U0.05',
      'dense_2/bias 8000 0',
      'pixels/kernel 8000x3072 U0.5',
      'pixels/bias 3072 0',
    ],
    discriminator: judgeOf(3072, 1600),
    keeps: ['3072 0.8', '1600 0.5', '1600 0.5'],
    parameters: [808_000 + 64_008_000 + 24_579_072, 24_584_000 + 12_808_000 + 1601],
  },
  'goodfellow2014/cifar10-conv': {
    shape: [32, 32, 3],
    rows: [0, 40_000],
    batch: 128,
    rate: 0.004,
    latents: 'normal',
    contrastNorm: 55,
    generator: [
      'dense_1/kernel 100x8000 U0.05',
      'dense_1/bias 8000 0',
      'dense_2/kernel 8000x8000 U0.05',
      'dense_2/bias 8000 0',
      'image/kernel 5x5x3x80 U0.05',
      'offset/bias 32x32x3 0',
    ],
    discriminator: [
      'maxout_1/kernel 8x8x3x64 U0.005',
      'maxout_1/bias 64 0',
      'maxout_2/kernel 8x8x32x64 U0.005',
      'maxout_2/bias 64 0',
      'maxout_3/kernel 5x5x32x384 U0.005',
      'maxout_3/bias 384 0',
      'maxout_4/kernel 4800x2500 U0.005',
      'maxout_4/bias 2500 0',
      'logit/kernel 500x1 U0.005',
      'logit/bias 1 0',
    ],
    keeps: ['32x32x3 0.8', '16x16x32 0.5', '7x7x32 0.5', '5x5x192 0.5', '500 0.5'],
    parameters: [808_000 + 64_008_000 + 6000 + 3072, 12_352 + 131_136 + 307_584 + 12_002_500 + 501],
  },
};

describe('the recipes of 2014', () => {
  it('are all in the table', () => {
    expect(recipeNames.filter((name) => name.startsWith('goodfellow2014/'))).toEqual(Object.keys(FACTS));
  });

  describe.each(Object.entries(FACTS))('%s', (name, facts) => {
    const recipe = findRecipe(name);
    const gan = findModel(recipe.model).build({ imageShape: facts.shape });

    it('has the networks of the configuration file', () => {
      expect(gan.generator.weights.map(describeWeight)).toEqual(facts.generator);
      expect(gan.discriminator.weights.map(describeWeight)).toEqual(facts.discriminator);
      expect([parameters(gan.generator), parameters(gan.discriminator)]).toEqual(facts.parameters);
      expect(keeps(gan.discriminator)).toEqual(facts.keeps);
      expect(gan.generator.coins).toEqual([]);
      expect(gan.shape).toMatchObject({ latentSize: 100, latentDistribution: facts.latents });
      expect(gan.contrastNorm).toBe(facts.contrastNorm);
    });

    it('is trained as the configuration file says', () => {
      const { model, size, channels, rows } = recipe;
      expect([size, size, channels]).toEqual(facts.shape);
      expect(rows).toEqual(facts.rows);
      const options = planTraining({ model, data: { source: 'x' } }, shapedAs(facts.shape));
      expect(options).toMatchObject({
        batch: facts.batch,
        optimizer: 'momentum',
        loss: 'non-saturating',
        discriminatorSteps: 1,
        update: 'alternating',
        emaHalfLife: 0,
        learningRate: { initial: facts.rate, decay: 1.000004, minimum: 1e-6 },
        momentum: { initial: 0.5, final: 0.7, epochs: 249 },
      });
      // Epoch e counted from 1: 0.5 + 0.2·clip((e − 1)/249, 0, 1); the rate after t steps.
      const momenta = [1, 126, 250, 400].map((epoch) => momentumAt(options.momentum, epoch - 1));
      const wanted = [0.5, 0.5 + (0.2 * 125) / 249, 0.7, 0.7];
      for (const [i, value] of wanted.entries()) expect(momenta[i]).toBeCloseTo(value, 12);
      expect(rateAt(options.learningRate, 100_000)).toBeCloseTo(facts.rate / Math.exp(0.4), 4);
      expect(rateAt(options.learningRate, 1e8)).toBe(1e-6);
    });
  });
});

/** A data set of a few images held in memory. */
function holding(values: Uint8Array, shape: readonly [number, number, number]): Dataset {
  const size = sizeOf(shape);
  return {
    ...shapedAs(shape),
    count: values.length / size,
    read: (indices) => {
      const rows = Array.from(indices, (index) => [...values.subarray(index * size, (index + 1) * size)]);
      return Promise.resolve(plainTensor(Uint8Array.from(rows.flat()), [indices.length, ...shape]));
    },
  };
}

function stepOf(gan: Gan, update: UpdateOrder = 'alternating'): Step {
  const optimizer = momentum();
  return makeStep(gan, { batch: 4, loss: 'non-saturating', discriminatorSteps: 1, optimizer, update });
}

describe('the average of weights', () => {
  it('halves a share in a part of the images seen, until that is the half-life', () => {
    expect(averageDecay(4e6, 0.2, 100, 1e6)).toBeCloseTo(0.5 ** (100 / 2e5), 12);
    expect(averageDecay(4e6, 0.05, 100, 1e6)).toBeCloseTo(0.5 ** (100 / 5e4), 12);
    expect(averageDecay(4e6, 0.2, 100, 1e9)).toBeCloseTo(0.5 ** (100 / 4e6), 12);
    expect(averageDecay(0, 0.2, 100, 1e6)).toBe(0);
  });

  it('has a ramp of a twentieth unless another one is chosen, in runs from before the choice, too', () => {
    const data = { source: 'x' };
    const plan = planTraining({ model: 'goodfellow2014-mnist', data }, shapedAs([28, 28, 1]));
    expect(plan.emaRamp).toBe(0.05);
    const wide = planTraining({ model: 'goodfellow2014-mnist', data, emaRamp: 0.2 }, shapedAs([28, 28, 1]));
    expect(wide.emaRamp).toBe(0.2);
    const { emaRamp: _, ...old } = plan;
    expect(parseOptions(old, 'options.json').emaRamp).toBe(0.05);
  });
});

describe('first weights', () => {
  it('have the logit of each mean pixel as the output bias, kept off the infinite', async () => {
    const gan = findModel('goodfellow2014-mnist').build({ imageShape: [1, 3, 1], width: 5 });
    const data = holding(Uint8Array.from([0, 255, 51, 0, 255, 153]), [1, 3, 1]);
    const means = await averagePixels(gan, data);
    expect([...means].map((mean) => mean.toFixed(6))).toEqual(['0.000000', '1.000000', '0.400000']);
    const bias = initialState(stepOf(gan), 0, means)['generator/pixels/bias']!.data;
    expect(bias[0]).toBeCloseTo(Math.log(1e-7), 4);
    expect(bias[1]).toBeCloseTo(-Math.log(1e-7), 4);
    expect(bias[2]).toBeCloseTo(Math.log(0.4 / 0.6), 6);
    expect(() => initialState(stepOf(gan), 0)).toThrow(/Expected the mean of 3 pixels/);
  });

  it('are sparse where the paper has them so: so many normal numbers a column, elsewhere 0', () => {
    const gan = findModel('goodfellow2014-tfd-pretrain').build({ imageShape: [6, 6, 1], width: 160 });
    const state = initialState(stepOf(gan), 3, new Float64Array(36).fill(0.5));
    const { data, shape } = state['generator/pixels/kernel']!;
    expect(shape).toEqual([160, 36]);
    const columns = Array.from({ length: 36 }, (_, column) =>
      Array.from({ length: 160 }, (_, row) => data[row * 36 + column]!).filter((value) => value !== 0),
    );
    expect(columns.map((column) => column.length)).toEqual(Array(36).fill(100));
    const all = columns.flat();
    const variance = all.reduce((sum, value) => sum + value ** 2, 0) / all.length;
    expect(variance).toBeGreaterThan(0.9);
    expect(variance).toBeLessThan(1.1);
  });
});

describe('contrast normalisation', () => {
  it('gives each image mean 0 and norm 55, and an image of one grey nothing', () => {
    const gan = findModel('goodfellow2014-cifar10-fc').build({ imageShape: [4, 4, 3], width: 5 });
    const bytes = Uint8Array.from({ length: 96 }, (_, i) => (i < 48 ? (i * 37) % 256 : 90));
    const { data } = toNetworkRange(gan, plainTensor(bytes, [2, 4, 4, 3]));
    const first = [...data.subarray(0, 48)];
    expect(Math.abs(first.reduce((sum, value) => sum + value, 0))).toBeLessThan(1e-4);
    expect(Math.hypot(...first)).toBeCloseTo(55, 3);
    expect([...data.subarray(48)]).toEqual(Array(48).fill(0));
  });
});

describe('max pooling over the edge', () => {
  // Sizes from the layers of cifar10_convolutional.yaml: ⌈(n − window)/2⌉ + 1.
  it.each([
    [33, 4, 16],
    [15, 4, 7],
    [9, 2, 5],
    [8, 4, 3],
  ] as const)('of %d pixels by windows of %d gives %d', (size, window, pooled) => {
    const x = tf.tensor(randomTensor(`pool ${size}`, [2, size, size, 3]).data, [2, size, size, 3]);
    const call = { training: true, weights: {}, coins: {}, updates: {} };
    const y = maxPool('pool', window).apply(x, call);
    expect(y.shape).toEqual([2, pooled, pooled, 3]);
    const values = x.arraySync() as number[][][][];
    const expected = values.map((image) =>
      Array.from({ length: pooled }, (_, i) =>
        Array.from({ length: pooled }, (_, j) =>
          [0, 1, 2].map((channel) =>
            Math.max(
              ...image
                .slice(2 * i, 2 * i + window)
                .flatMap((row) => row.slice(2 * j, 2 * j + window).map((pixel) => pixel[channel]!)),
            ),
          ),
        ),
      ),
    );
    expect(y.arraySync()).toEqual(expected);
  });
});

/** A step's inputs: noise, real images between 0 and 1, and the rates. */
function feedsOf(step: Step, gan: Gan, rates: { d: number; g: number }): TensorMap {
  const feeds: TensorMap = { ...drawNoise(step.inputs, gan.shape, 5, 0) };
  const number = (value: number) => plainTensor(Float32Array.of(value), []);
  for (const [name, { kind, shape }] of Object.entries(step.inputs)) {
    if (kind === 'reals') feeds[name] = randomTensor('reals', shape);
  }
  return {
    ...feeds,
    'rate/discriminator_1': number(rates.d),
    'rate/generator': number(rates.g),
    momentum: number(0.5),
    averageDecay: number(0),
  };
}

/** D's weights begin so small that its gradients drown in rounding: here they are larger. */
function enlarge(state: Record<string, unknown>): State {
  return Object.fromEntries(
    Object.entries(state as State).map(([name, tensor]) => [
      name,
      name.startsWith('discriminator/')
        ? { ...tensor, data: tensor.data.map((value) => value * 30) }
        : tensor,
    ]),
  );
}

const SMALL = {
  'goodfellow2014-mnist': { imageShape: [5, 5, 1], width: 50 },
  'goodfellow2014-tfd': { imageShape: [6, 6, 1], width: 160 },
  'goodfellow2014-cifar10-fc': { imageShape: [4, 4, 3], width: 80 },
} as const;

/** Sums in float32, each engine in its own order; the largest seen were 3e-7 of a layer, 9e-7 of a step (x64). */
const TOLERANCE = 1e-5;

describe('the layers of the convolutional D, compiled and eager', () => {
  // Odd sizes, a pad and windows over the edge, as in cifar10_convolutional.yaml, where pure JavaScript is quick.
  const layers = [
    maxoutConv('conv', 3, 4, 2, 4, { kind: 'uniform', range: 1 }, { pad: 2 }),
    maxPool('pool', 4),
  ];
  const deconv = convTranspose('deconv', 4, 3, 5, 3, { kind: 'uniform', range: 1 }, { pad: 0 });

  it.each(['operators', 'products'] as const)('give the same values and gradients, as %s', async (form) => {
    const apply = (x: tf.Tensor, weights: Record<string, tf.Tensor>): tf.Tensor =>
      [...layers, deconv].reduce(
        (y, layer) => layer.apply(y, { training: true, weights, coins: {}, updates: {} }),
        x,
      );
    const specs = [...layers, deconv].flatMap((layer) => layer.weights ?? []);
    const inputs: TensorMap = Object.fromEntries([
      ['x', randomTensor('x', [2, 8, 8, 3])],
      ...specs.map(({ name, shape }) => [name, randomTensor(name, shape)]),
    ]);
    const run: TensorFunction = ({ x, ...weights }) => {
      const names = Object.keys(weights);
      const loss = (first: tf.Tensor, ...rest: tf.Tensor[]): tf.Scalar =>
        tf.sum(tf.square(apply(first, Object.fromEntries(names.map((name, i) => [name, rest[i]!])))));
      const gradients = tf.grads(loss)([x!, ...names.map((name) => weights[name]!)]);
      // 8 pixels and a pad of 2 by 4 give 9, pooled 4, and 3·3 + 5 = 14.
      const y = apply(x!, weights);
      return { y, ...Object.fromEntries(gradients.map((gradient, i) => [`gradient ${i}`, gradient])) };
    };
    const [ours, reference] = [await runTraced(run, inputs, form), await runEager(run, inputs)];
    expect(reference.y!.shape).toEqual([2, 14, 14, 3]);
    for (const [name, tensor] of Object.entries(reference))
      expect(difference(ours[name]!, tensor), name).toBeLessThan(TOLERANCE);
  });
});

describe.each(Object.entries(SMALL))('%s, compiled and eager', (name, build) => {
  const gan = findModel(name).build(build);
  const means = new Float64Array(sizeOf(build.imageShape)).fill(0.3);

  it.each(['alternating', 'simultaneous'] as const)('makes the same %s step', async (update) => {
    const step = stepOf(gan, update);
    const begin = enlarge(initialState(step, 1, means));
    const feeds = feedsOf(step, gan, { d: 0.1, g: 0.1 });
    const compiled = await openSessionEngine(gan, step, begin, openOnCpu);
    const eager = await openTfjsEngine(gan, step, begin, 'cpu');
    try {
      const [ours, reference] = [await compiled.run([feeds]), await eager.run([feeds])];
      expect(Math.abs(ours[0]!.lossD - reference[0]!.lossD)).toBeLessThan(1e-5);
      expect(Math.abs(ours[0]!.lossG - reference[0]!.lossG)).toBeLessThan(1e-5);
      const [a, b] = [await compiled.readState(), await eager.readState()];
      for (const [key, { data }] of Object.entries(b)) {
        const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const gap = data.reduce((most, value, i) => Math.max(most, Math.abs(value - a[key]!.data[i]!)), 0);
        expect(gap, key).toBeLessThanOrEqual(TOLERANCE * largest + 1e-9);
      }
    } finally {
      await compiled.dispose();
      await eager.dispose();
    }
  });
});

describe('updates at once', () => {
  const gan = findModel('goodfellow2014-mnist').build(SMALL['goodfellow2014-mnist']);
  const means = new Float64Array(25).fill(0.3);

  async function generatorAfter(update: UpdateOrder, d: number): Promise<number[]> {
    const step = stepOf(gan, update);
    const engine = await openTfjsEngine(gan, step, enlarge(initialState(step, 1, means)), 'cpu');
    try {
      await engine.run([feedsOf(step, gan, { d, g: 0.1 })]);
      return [...(await engine.readState())['generator/dense_1/kernel']!.data];
    } finally {
      await engine.dispose();
    }
  }

  it("do not show G what D has just learned, where Algorithm 1's turns do", async () => {
    expect(await generatorAfter('simultaneous', 5)).toEqual(await generatorAfter('simultaneous', 0));
    expect(await generatorAfter('alternating', 5)).not.toEqual(await generatorAfter('alternating', 0));
  });

  it('share their noise and coins, and are refused for more than one step of D', () => {
    expect(Object.keys(stepOf(gan, 'simultaneous').inputs).sort()).toEqual([
      'averageDecay',
      'coins/discriminator_1/real/dropout_1',
      'coins/discriminator_1/real/dropout_2',
      'coins/discriminator_1/real/dropout_3',
      'coins/generator/fake/dropout_1',
      'coins/generator/fake/dropout_2',
      'coins/generator/fake/dropout_3',
      'latents/generator',
      'momentum',
      'rate/discriminator_1',
      'rate/generator',
      'reals/1',
    ]);
    const options = { batch: 4, loss: 'minimax', optimizer: momentum(), update: 'simultaneous' } as const;
    expect(() => makeStep(gan, { ...options, discriminatorSteps: 2 })).toThrow(/one discriminator step/);
  });
});

describe('instance noise', () => {
  const gan = findModel('best-mnist').build({ imageShape: [5, 5, 1], width: 30, latentSize: 4 });
  const step = stepOf(gan);
  const begin = initialState(step, 1) as State;

  /** What the first step reports when one of its inputs is another. */
  async function lossesWith(changes: TensorMap): Promise<Record<string, number>> {
    const engine = await openTfjsEngine(gan, step, begin, 'cpu');
    try {
      return (await engine.run([{ ...feedsOf(step, gan, { d: 0.1, g: 0.1 }), ...changes }]))[0]!;
    } finally {
      await engine.dispose();
    }
  }

  it('lies on real images and on fakes of both turns, more of it on fakes', async () => {
    const noises = Object.entries(step.inputs).filter(([, { kind }]) => kind === 'noise');
    const heard = {
      'noise/discriminator_1/real': 'dReal',
      'noise/discriminator_1/fake': 'dFake',
      'noise/generator/fake': 'lossG',
    };
    expect(noises.map(([name]) => name)).toEqual(Object.keys(heard));
    const as = await lossesWith({});
    for (const [name, loss] of Object.entries(heard)) {
      const other = await lossesWith({ [name]: randomTensor(`other ${name}`, step.inputs[name]!.shape) });
      expect(Math.abs(other[loss]! - as[loss]!), name).toBeGreaterThan(1e-4);
    }
    // What fakes get beside it has the deviation that the model states.
    const { real, fake } = gan.instanceNoise!;
    expect(Math.sqrt(fake ** 2 - real ** 2)).toBeCloseTo(0.15, 12);
  });
});

describe('column norms', () => {
  it('hold after a step that would leave them', async () => {
    const gan = findModel('goodfellow2014-tfd-pretrain').build({ imageShape: [6, 6, 1], width: 160 });
    const step = stepOf(gan);
    const begin = enlarge(initialState(step, 1, new Float64Array(36).fill(0.3)));
    const engine = await openTfjsEngine(gan, step, begin, 'cpu');
    try {
      await engine.run([feedsOf(step, gan, { d: 0.1, g: 0.1 })]);
      const state = await engine.readState();
      const norms = ({ data, shape }: State[string]): number[] =>
        Array.from({ length: shape.at(-1)! }, (_, column) =>
          Math.hypot(...data.filter((_, i) => i % shape.at(-1)! === column)),
        );
      // 100 normal numbers a column have a norm of about 10: held to √3.75 and not beyond.
      expect(Math.min(...norms(begin['generator/pixels/kernel']!))).toBeGreaterThan(5);
      for (const norm of norms(state['generator/pixels/kernel']!)) expect(norm).toBeCloseTo(1.9365, 4);
      // Columns within the limit keep their length.
      const [before, after] = [begin, state].map((one) => norms(one['generator/dense_1/kernel']!));
      for (const [i, norm] of after!.entries()) expect(Math.abs(norm - before![i]!)).toBeLessThan(0.01);
    } finally {
      await engine.dispose();
    }
  });
});
