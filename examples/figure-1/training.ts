/**
 * One training in the worker: the step of src/train, traced to ONNX here and run by onnxruntime-web. Many steps to a
 * run, then a look at both networks. It knows no page.
 */
import { exportGenerator } from '../../exporters/export-generator.js';
import { findModel } from '../../models/index.js';
import type { BuildOptions, Gan } from '../../models/types.js';
import { onnxruntimeWeb } from '../../runtimes/onnxruntime-web-page.js';
import { uniform } from '../../src/core/random.js';
import { type FloatTensor, plainTensor, sizeOf, type TensorMap } from '../../src/core/tensor.js';
import { drawFrom, midpoints } from '../../src/measure/one-dimension.js';
import { drawLatents } from '../../src/sample/latents.js';
import {
  adam,
  averageDecay,
  averageWeights,
  drawNoise,
  type Engine,
  initialState,
  type Losses,
  makeStep,
  type OpenSession,
  openSessionEngine,
  openWatch,
  type State,
  type Step,
  spreadLatents,
} from '../../src/train/index.browser.js';
import {
  type Data,
  type ExportedFile,
  LINE,
  LINE_LATENTS,
  PLANE_POINTS,
  PLANE_REACH,
  PLANE_SIDE,
  type Plan,
  SHEET_IMAGES,
  type View,
} from './messages.js';

/** No momentum in the mean of gradients, and a short memory of squares: the other network moves all the time. */
const OPTIMIZERS = {
  line: adam(0, 0.99),
  plane: adam(0, 0.99),
  images: adam(0.5, 0.999),
} as const;

/** Real images after which a weight's share in the average of the images' generator has halved. */
const HALF_LIFE = 4000;

/** What goes on from one training to the next when only the rules have changed. */
export interface Progress {
  readonly state: State;
  readonly steps: number;
  /** Steps in which D was updated. */
  readonly updatesD: number;
  /** The step at which the rates began to halve, and how fast. */
  readonly cooling: { readonly from: number; readonly halving: number };
}

/** A training that can be moved on. */
export interface Training {
  /** Takes up changed numbers where the compiled step stays the same; false where it would not. */
  adopt(plan: Plan): boolean;
  advance(steps: number): Promise<View>;
  readProgress(): Promise<Progress>;
  exportFile(): Promise<ExportedFile>;
  dispose(): Promise<void>;
}

function describeModel({ data, width }: Plan): BuildOptions {
  if (data.kind === 'images')
    return { imageShape: [data.size, data.size, 1], kind: 'images', latentSize: 32, width };
  const dimensions = data.kind === 'line' ? 1 : 2;
  return { imageShape: [1, 1, dimensions], kind: 'points', width };
}

/** Real examples number `start` and on: values of [count, H, W, C]. */
function drawReals(data: Data, seed: number, start: number, count: number): Float32Array {
  if (data.kind === 'line') return drawFrom(data.density, LINE, seed, 'data', start, count);
  const values = data.kind === 'plane' ? data.points : data.pixels;
  const size = data.kind === 'plane' ? 2 : data.size ** 2;
  const scale = data.kind === 'plane' ? 1 : 1 / 255;
  const reals = new Float32Array(count * size);
  uniform(seed, 'data', start, count, 0, values.length / size).forEach((place, i) => {
    const from = Math.min(Math.floor(place), values.length / size - 1) * size;
    for (let j = 0; j < size; j++) reals[i * size + j] = values[from + j]! * scale;
  });
  return reals;
}

/** Where D is asked; nowhere for images. */
function listPoints(kind: Data['kind']): FloatTensor | undefined {
  if (kind === 'images') return undefined;
  if (kind === 'line') return plainTensor(Float32Array.from(midpoints(LINE)), [LINE.cells, 1, 1, 1]);
  const at = (i: number): number => PLANE_REACH * ((2 * (i + 0.5)) / PLANE_SIDE - 1);
  const points = Array.from({ length: PLANE_SIDE ** 2 }, (_, i) => [
    at(i % PLANE_SIDE),
    at(Math.floor(i / PLANE_SIDE)),
  ]);
  return plainTensor(Float32Array.from(points.flat()), [PLANE_SIDE ** 2, 1, 1, 2]);
}

/** How far the biases of points' networks begin from 0. */
const SPREAD = 0.3;

/** logit(mean) of each pixel, means kept off 0 and 1: G begins with the average image, as the authors' code has it. */
function averageLogits({ size, pixels }: Extract<Data, { kind: 'images' }>): Float32Array {
  const sums = new Float64Array(size ** 2);
  pixels.forEach((level, i) => {
    sums[i % sums.length]! += level / 255;
  });
  const count = pixels.length / sums.length;
  return Float32Array.from(sums, (sum) => {
    const mean = Math.min(0.99, Math.max(0.01, sum / count));
    return Math.log(mean / (1 - mean));
  });
}

/**
 * The state to begin with. With all biases at 0 every ReLU of a one-dimensional network bends at the same place, and
 * the networks have to learn first where to bend: here they begin spread out.
 */
function firstState(step: Step, { data, seed }: Plan): State {
  const state = initialState(step, seed) as State;
  if (data.kind === 'images') {
    for (const name of ['generator/pixels/bias', 'ema/generator/pixels/bias']) {
      state[name] = plainTensor(averageLogits(data), state[name]!.shape);
    }
    return state;
  }
  for (const name of Object.keys(state)) {
    const weight = /^(?:ema\/)?((?:generator|discriminator)\/dense_\d\/bias)$/.exec(name)?.[1];
    if (weight === undefined) continue;
    const { shape } = state[name]!;
    state[name] = plainTensor(uniform(seed, `spread/${weight}`, 0, sizeOf(shape), -SPREAD, SPREAD), shape);
  }
  return state;
}

/** Everything that step number `index` is fed. */
function makeFeeds(
  gan: Gan,
  step: Step,
  plan: Plan,
  index: number,
  { updatesD, cooling }: Pick<Progress, 'updatesD' | 'cooling'>,
): TensorMap {
  const { data, seed, batch } = plan;
  const optimizer = OPTIMIZERS[data.kind];
  const number = (value: number) => plainTensor(Float32Array.of(value), []);
  const fall = plan.halving > 0 ? 0.5 ** ((index - cooling.from) / plan.halving) : 1;
  const isMoved = index % Math.max(1, Math.round(1 / plan.k)) === 0;
  const perStep = Math.max(1, plan.k);
  const feeds: TensorMap = {
    ...drawNoise(step.inputs, gan.shape, seed, index),
    'rate/generator': number(optimizer.rate(plan.rateG * fall, index + 1)),
    momentum: number(0),
    averageDecay: number(averageDecay(HALF_LIFE, 0.05, batch, index * batch)),
  };
  for (let i = 1; i <= perStep; i++) {
    const name = `reals/${i}`;
    const start = (index * perStep + i - 1) * batch;
    feeds[name] = plainTensor(drawReals(data, seed, start, batch), step.inputs[name]!.shape);
    // In a step without D's turn it is asked, since G needs its gradient, but does not move.
    const rate = isMoved ? optimizer.rate(plan.rateD * fall, updatesD * perStep + i) : 0;
    feeds[`rate/discriminator_${i}`] = number(rate);
  }
  return feeds;
}

function meanOf(losses: readonly Losses[]): View['means'] {
  if (losses.length === 0) return undefined;
  const mean = (pick: (losses: Losses) => number): number =>
    losses.reduce((sum, each) => sum + pick(each), 0) / losses.length;
  // D's loss is −V/2.
  return {
    value: mean(({ lossD }) => -2 * lossD),
    dReal: mean(({ dReal }) => dReal),
    dFake: mean(({ dFake }) => dFake),
  };
}

/** Looks at the networks: both as they are for points, the averaged generator for images. */
async function openEyes(gan: Gan, kind: Data['kind'], engine: Engine, open: OpenSession) {
  const points = listPoints(kind);
  if (!points) {
    const latents = drawLatents(gan.shape, 0, 0, SHEET_IMAGES);
    return {
      look: async () => ({ fakes: (await engine.draw(latents)).data, logits: new Float32Array() }),
      close: async () => {},
    };
  }
  const latents = kind === 'line' ? spreadLatents(LINE_LATENTS) : drawLatents(gan.shape, 0, 0, PLANE_POINTS);
  const watch = await openWatch(gan, { latents, points }, open);
  return {
    look: async () => {
      const { images, logits } = await watch.ask(await engine.readState());
      return { fakes: images.data, logits: logits.data };
    },
    close: () => watch.dispose(),
  };
}

/** SHA-256 (hex) of the training data. */
async function digestData(data: Data): Promise<string> {
  const { buffer, byteOffset, byteLength } =
    data.kind === 'line' ? data.density : data.kind === 'plane' ? data.points : data.pixels;
  const digest = await crypto.subtle.digest(
    'SHA-256',
    new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength),
  );
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What of a plan stands in the compiled step, as one text. */
function compiledBy({ data, loss, k, width, batch, device }: Plan): string {
  const size = data.kind === 'images' ? data.size : 1;
  return [data.kind, size, loss, Math.max(1, k), width, batch, device].join();
}

/** Traces, opens and begins; with `before` it goes on from there. */
export async function openTraining(first: Plan, before?: Progress): Promise<Training> {
  let plan = first;
  const { data, device, seed, batch, loss } = plan;
  const open = (bytes: Uint8Array) =>
    onnxruntimeWeb.open(bytes, {
      device,
      ...(device === 'wasm' && data.kind !== 'images' ? { threads: 1 } : {}),
    });
  const gan = findModel('mlp').build(describeModel(plan));
  const optimizer = OPTIMIZERS[data.kind];
  const step = makeStep(gan, {
    batch,
    loss,
    discriminatorSteps: Math.max(1, plan.k),
    optimizer,
    update: 'alternating',
  });
  const engine = await openSessionEngine(gan, step, before?.state ?? firstState(step, plan), open);
  const eyes = await openEyes(gan, data.kind, engine, open);
  let steps = before?.steps ?? 0;
  let updatesD = before?.updatesD ?? 0;
  let cooling = before?.cooling ?? { from: 0, halving: plan.halving };
  const beginCooling = ({ halving }: Plan): void => {
    if (halving !== cooling.halving) cooling = { from: steps, halving };
  };
  beginCooling(plan);

  return {
    adopt(next) {
      if (compiledBy(next) !== compiledBy(first)) return false;
      plan = next;
      beginCooling(next);
      return true;
    },
    async advance(count) {
      const every = Math.max(1, Math.round(1 / plan.k));
      const start = performance.now();
      const feeds: TensorMap[] = [];
      for (let i = 0; i < count; i++, steps++) {
        feeds.push(makeFeeds(gan, step, plan, steps, { updatesD, cooling }));
        if (steps % every === 0) updatesD++;
      }
      const losses = count > 0 ? await engine.run(feeds) : [];
      const durationMs = performance.now() - start;
      return { steps, engine: engine.description, means: meanOf(losses), durationMs, ...(await eyes.look()) };
    },
    readProgress: async () => ({ state: await engine.readState(), steps, updatesD, cooling }),
    async exportFile() {
      const state = await engine.readState();
      // What is on view is what is in the file.
      const weights = data.kind === 'images' ? averageWeights(state) : state;
      const source = {
        model: 'mlp',
        gan,
        weights,
        imagesSeen: steps * batch * Math.max(1, plan.k),
        seed,
        dataDigest: await digestData(plan.data),
      };
      const { bytes, maxDifference, tolerance } = await exportGenerator(source, { openSession: open });
      return { bytes: new Uint8Array(bytes), maxDifference, tolerance };
    },
    async dispose() {
      await engine.dispose();
      await eyes.close();
    },
  };
}
