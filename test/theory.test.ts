/**
 * The paper's theory in one dimension, with the very step that trains everything else, compiled: with G held still, D
 * becomes p_data/(p_data + p_g) (proposition 1); in the game p_g becomes p_data, D 1/2, and the value −log 4
 * (theorem 1). Data and value are known in closed form.
 * https://arxiv.org/abs/1406.2661
 */
import { describe, expect, it } from 'vitest';
import { findModel } from '../models/index.js';
import { normal, uniform } from '../src/core/random.js';
import { plainTensor, type TensorMap } from '../src/core/tensor.js';
import {
  drawFrom,
  type Grid,
  gameValue,
  histogram,
  jensenShannon,
  type Mode,
  meanGap,
  midpoints,
  mixtureDensity,
  normalize,
  optimalDiscriminator,
  pushForward,
  sigmoid,
  supportOf,
} from '../src/measure/one-dimension.js';
import { drawLatents } from '../src/sample/latents.js';
import { averageWeights, type State } from '../src/train/engines/engine.js';
import { openSessionEngine } from '../src/train/engines/session-engine.js';
import { initialState } from '../src/train/initial-state.js';
import type { LossName } from '../src/train/losses.js';
import { drawNoise } from '../src/train/noise.js';
import { adam } from '../src/train/optimizers.js';
import { averageDecay } from '../src/train/schedules.js';
import { makeStep } from '../src/train/step.js';
import { openWatch } from '../src/train/watch.js';
import { openOnCpu } from './support/small-training.js';

const GRID: Grid = { low: -1.25, high: 1.25, cells: 100 };
const GAUSSIAN: readonly Mode[] = [{ weight: 1, mean: 0.2, sigma: 0.25 }];
const MIXTURE: readonly Mode[] = [
  { weight: 0.5, mean: -0.4, sigma: 0.12 },
  { weight: 0.5, mean: 0.35, sigma: 0.18 },
];
const BATCH = 256;
/** Steps in one run of the compiled loop. */
const STEPS_PER_RUN = 50;
/** Samples that p_g is estimated from; by chance alone they are (100 − 1) / 8 / 200,000 = 6e-5 from any density. */
const SAMPLES = 200_000;
const FAKES_SEED = 99;

/** Real numbers `start` and on, drawn from the Gaussians themselves and not from the grid. */
function drawReals(modes: readonly Mode[], seed: number, start: number): Float32Array {
  const which = uniform(seed, 'data/mode', start, BATCH);
  const noise = normal(seed, 'data/noise', start, BATCH);
  return noise.map((value, i) => {
    let share = which[i]!;
    const mode = modes.find(({ weight }) => {
      share -= weight;
      return share <= 0;
    })!;
    return mode.mean + mode.sigma * value;
  });
}

interface Game {
  readonly modes: readonly Mode[];
  readonly loss?: LossName;
  readonly seed: number;
  readonly steps: number;
  readonly rateD: number;
  /** 0 keeps G still. */
  readonly rateG: number;
  /** What the rates have fallen to at the end. */
  readonly lastShare: number;
}

/** Plays a game to its end, then looks at D on the grid and at p_g by many samples of the averaged generator. */
async function play({ modes, loss = 'non-saturating', seed, steps, rateD, rateG, lastShare }: Game) {
  const gan = findModel('mlp').build({ kind: 'points', imageShape: [1, 1, 1], width: 32, latentSize: 4 });
  const optimizer = adam(0, 0.99);
  const step = makeStep(gan, { batch: BATCH, loss, discriminatorSteps: 1, optimizer, update: 'alternating' });
  const number = (value: number) => plainTensor(Float32Array.of(value), []);
  const feedsOf = (index: number): TensorMap => {
    const rate = (initial: number) =>
      number(optimizer.rate(initial * lastShare ** (index / steps), index + 1));
    return {
      ...drawNoise(step.inputs, gan.shape, seed, index),
      'reals/1': plainTensor(drawReals(modes, seed, index * BATCH), step.inputs['reals/1']!.shape),
      'rate/discriminator_1': rate(rateD),
      'rate/generator': rate(rateG),
      momentum: number(0),
      averageDecay: number(averageDecay(50_000, 0.05, BATCH, index * BATCH)),
    };
  };

  const engine = await openSessionEngine(gan, step, initialState(step, seed) as State, openOnCpu);
  const points = plainTensor(Float32Array.from(midpoints(GRID)), [GRID.cells, 1, 1, 1]);
  const latents = drawLatents(gan.shape, FAKES_SEED, 0, SAMPLES);
  const watch = await openWatch(gan, { latents, points }, openOnCpu);
  try {
    for (let index = 0; index < steps; index += STEPS_PER_RUN) {
      const count = Math.min(STEPS_PER_RUN, steps - index);
      await engine.run(Array.from({ length: count }, (_, i) => feedsOf(index + i)));
    }
    const state = await engine.readState();
    const { images, logits } = await watch.ask({ ...state, ...averageWeights(state) });
    const data = mixtureDensity(modes, GRID);
    const generated = histogram(images.data, GRID);
    return { data, generated, logits: logits.data, d: sigmoid(logits.data), support: supportOf(data) };
  } finally {
    await engine.dispose();
    await watch.dispose();
  }
}

describe('the numbers', () => {
  const data = mixtureDensity(GAUSSIAN, GRID);
  const other = mixtureDensity(MIXTURE, GRID);

  it('hold what theorem 1 says of the optimal D: V = −log 4 + 2·JSD', () => {
    const optimum = optimalDiscriminator(data, other);
    const logits = optimum.map((value) => Math.log(value / (1 - value)));
    const value = gameValue(data, other, logits, GRID);
    expect(value).toBeCloseTo(-Math.log(4) + 2 * jensenShannon(data, other, GRID), 10);
    for (const shift of [-0.1, 0.1]) {
      expect(
        gameValue(
          data,
          other,
          logits.map((logit) => logit + shift),
          GRID,
        ),
      ).toBeLessThan(value);
    }
  });

  it('give JSD its ends: 0 for equals, log 2 for strangers', () => {
    expect(jensenShannon(data, data, GRID)).toBe(0);
    const left = normalize(
      midpoints(GRID).map((x) => Number(x < 0)),
      GRID,
    );
    const right = normalize(
      midpoints(GRID).map((x) => Number(x > 0)),
      GRID,
    );
    expect(jensenShannon(left, right, GRID)).toBeCloseTo(Math.LN2, 12);
  });

  it('estimate a density from its samples within what chance allows', () => {
    const expected = (GRID.cells - 1) / 8 / SAMPLES;
    const samples = drawFrom(other, GRID, 1, 'test', 0, SAMPLES);
    expect(jensenShannon(other, histogram(samples, GRID), GRID)).toBeLessThan(2 * expected);
  });

  it('push an interval forward without samples: x = z² has the density 1 / 2√x', () => {
    const images = Float64Array.from({ length: 4001 }, (_, i) => (i / 4000) ** 2);
    const unit: Grid = { low: 0, high: 1, cells: 10 };
    const density = pushForward(images, unit);
    for (let cell = 0; cell < 10; cell++) {
      expect(density[cell]!).toBeCloseTo(10 * (Math.sqrt((cell + 1) / 10) - Math.sqrt(cell / 10)), 2);
    }
    const folded = pushForward(
      Array.from({ length: 4001 }, (_, i) => Math.abs(i / 2000 - 1)),
      unit,
    );
    for (const value of folded) expect(value).toBeCloseTo(1, 2);
    expect(pushForward([2, 3, 4], unit)[9]).toBe(10);
  });
});

describe('proposition 1', () => {
  it('D becomes p_data / (p_data + p_g) while G stands still', async () => {
    const held = { modes: MIXTURE, seed: 0, steps: 2500, rateD: 0.01, rateG: 0, lastShare: 0.01 };
    const { data, generated, d, support } = await play(held);
    expect(jensenShannon(data, generated, GRID)).toBeGreaterThan(0.02);
    expect(meanGap(d, optimalDiscriminator(data, generated), support)).toBeLessThan(0.02);
    expect(meanGap(d, 0.5, support)).toBeGreaterThan(0.1);
  });
});

describe('theorem 1', () => {
  const games: readonly (Pick<Game, 'modes' | 'seed'> & { name: string; loss: LossName })[] = [
    { name: 'a Gaussian', modes: GAUSSIAN, loss: 'minimax', seed: 0 },
    { name: 'a mixture', modes: MIXTURE, loss: 'non-saturating', seed: 1 },
    { name: 'a mixture', modes: MIXTURE, loss: 'non-saturating', seed: 2 },
  ];

  it.each(games)(
    'on $name the game ends at p_g = p_data, D = 1/2, V = −log 4 ($loss, seed $seed)',
    async (game) => {
      const { data, generated, logits, d, support } = await play({
        ...game,
        steps: 2500,
        rateD: 0.01,
        rateG: 0.0005,
        lastShare: 0.03,
      });
      expect(jensenShannon(data, generated, GRID)).toBeLessThan(0.01);
      expect(meanGap(d, 0.5, support)).toBeLessThan(0.05);
      expect(Math.abs(gameValue(data, generated, logits, GRID) + Math.log(4))).toBeLessThan(0.02);
    },
  );
});
