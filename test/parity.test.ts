/**
 * The headline: a generator is trained here, saved to disk, loaded, exported, and its file run on every runtime and
 * device, against the live network that was fed with the engine's own state. What cannot run here is skipped with its
 * reason; `GANX_REQUIRE=runtime/device,...` makes that a failure.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportGenerator, openLiveGenerator } from '../exporters/index.js';
import { findModel } from '../models/index.js';
import type { BuildOptions } from '../models/types.js';
import { listDevices } from '../runtimes/index.js';
import { loadCheckpoint, saveCheckpoint } from '../src/checkpoint/index.js';
import type { FloatTensor } from '../src/core/tensor.js';
import { type Candidate, measureParity, type ParityRow } from '../src/measure/index.js';
import { drawLatents, readMetadata } from '../src/sample/index.js';
import type { State } from '../src/train/engines/engine.js';
import { openOnCpu, RECIPES, type Recipe, trainSmall } from './support/small-training.js';

tf.enableProdMode();

const STEPS = 10;

const candidates = await listDevices();
const onCpu = candidates.find(({ runtime, device }) => runtime === 'onnxruntime-node' && device === 'cpu')!;
const required = (process.env.GANX_REQUIRE ?? '').split(',').filter((name) => name !== '');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ganx-parity-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** What a training leaves on disk, read again. */
async function saveAndLoad(name: string, recipe: Recipe, tensors: State) {
  const path = join(folder, `${name}.safetensors`);
  await saveCheckpoint(path, {
    kind: 'snapshot',
    model: recipe.model,
    modelOptions: { ...recipe.build },
    shape: findModel(recipe.model).build(recipe.build).shape,
    imagesSeen: 60,
    steps: STEPS,
    seed: 3,
    dataDigest: 'ab'.repeat(32),
    tensors,
  });
  return loadCheckpoint(path);
}

/** Exports what a checkpoint's file holds; the network is built from the file alone. */
async function exportSaved(
  name: string,
  recipe: Recipe,
  tensors: State,
  layout: 'nhwc' | 'nchw',
): Promise<Uint8Array> {
  const saved = await saveAndLoad(name, recipe, tensors);
  const gan = findModel(saved.model).build(saved.modelOptions as unknown as BuildOptions);
  const weights = saved.tensors as Record<string, FloatTensor>;
  const source = { ...saved, gan, weights };
  return (await exportGenerator(source, { layout, openSession: openOnCpu })).bytes;
}

function scaleWeights(weights: State, factor: number): State {
  return Object.fromEntries(
    Object.entries(weights).map(([name, tensor]) => [
      name,
      { ...tensor, data: tensor.data.map((value) => factor * value) },
    ]),
  );
}

/** Averages and biases of a trained network are not what they began as, and its images are no constant. */
function expectFarFromDefaults(weights: State, images: Float32Array): void {
  for (const [name, { data }] of Object.entries(weights)) {
    const begin = /gamma|variance/.test(name) ? 1 : 0;
    const moved = data.reduce((largest, value) => Math.max(largest, Math.abs(value - begin)), 0);
    expect(moved, name).toBeGreaterThan(1e-3);
  }
  const mean = images.reduce((sum, value) => sum + value, 0) / images.length;
  const variance = images.reduce((sum, value) => sum + (value - mean) ** 2, 0) / images.length;
  expect(Math.sqrt(variance)).toBeGreaterThan(0.02);
}

it('finds a candidate for every name in GANX_REQUIRE', () => {
  const inChromium = ['wasm', 'webgpu'].map((device) => `onnxruntime-web/${device} in Chromium`);
  const known = [
    ...candidates.flatMap(({ runtime, device }) => [runtime, `${runtime}/${device}`]),
    ...inChromium,
    // The judges from outside and what the tests of pages and packages need.
    ...['python', 'mlserver', 'tritonclient', 'kserve', 'chromium', 'npm'],
  ];
  expect(required.filter((name) => !known.includes(name))).toEqual([]);
});

describe.each(Object.entries(RECIPES))('%s', (name, recipe) => {
  let weights: State;
  let check: (candidate: Candidate, bytes: Uint8Array, latents: number) => Promise<ParityRow>;
  let close: () => Promise<void>;
  let files: Record<'nhwc' | 'nchw' | 'halved', Uint8Array>;

  beforeAll(async () => {
    const trained = await trainSmall(recipe, STEPS);
    weights = trained.weights;
    const live = await openLiveGenerator(trained.gan, weights);
    close = () => live.dispose();
    check = async (candidate, bytes, latents) => {
      const require = required.filter((wanted) =>
        [candidate.runtime, `${candidate.runtime}/${candidate.device}`].includes(wanted),
      );
      const report = await measureParity(bytes, readMetadata(bytes), live, [candidate], { require, latents });
      expect(report.reference.runtime).toBe('tfjs-live');
      expect(report.ok).toBe(report.rows[0]?.status !== 'FAIL');
      return report.rows[0]!;
    };
    files = {
      nhwc: await exportSaved(`${name} nhwc`, recipe, weights, 'nhwc'),
      nchw: await exportSaved(`${name} nchw`, recipe, weights, 'nchw'),
      halved: await exportSaved(`${name} halved`, recipe, scaleWeights(weights, 0.5), 'nhwc'),
    };
    const { images } = await live.run({ latents: drawLatents(trained.gan.shape, 0, 0, 4) });
    expectFarFromDefaults(weights, images!.data as Float32Array);
  });
  afterAll(() => close());

  for (const [layout, latents] of [
    ['nhwc', 256],
    ['nchw', 64],
  ] as const) {
    for (const candidate of candidates) {
      it(`gives the same on ${candidate.runtime}/${candidate.device} from the ${layout} file`, async ({
        skip,
      }) => {
        // A software adapter is slow.
        const count = candidate.device === 'webgpu' ? 64 : latents;
        const row = await check(candidate, files[layout], count);
        if (row.status === 'SKIP') return skip(row.reason);
        expect(row).toMatchObject({ status: 'PASS', latents: count, batches: [1, 5] });
      });
    }
  }

  it('fails when the checkpoint held halved weights', async () => {
    const row = await check(onCpu, files.halved, 64);
    expect(row).toMatchObject({
      status: 'FAIL',
      reason: expect.stringMatching(/largest difference is .*, above 0.0000\d+/),
    });
    expect(row.maxDifference).toBeGreaterThan(0.01);
  });
});
