/**
 * The part of ONNX Runtime that pages start with: it draws the very bits that the whole draws, and where it does not
 * do, the whole takes its place unnoticed. In a real Chromium, by the prebuilt bundle. Needs a built `dist`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportGenerator } from '../exporters/index.js';
import { findModel } from '../models/index.js';
import type { BuildOptions } from '../models/types.js';
import { uniform } from '../src/core/random.js';
import { type FloatTensor, plainTensor, sizeOf } from '../src/core/tensor.js';
import { encodeLabelledGenerator } from './support/labelled-generator.js';
import { encodeModel } from './support/onnx-model.js';
import { openOnCpu } from './support/small-training.js';
import { differ, drawInNode, makeSites, runInPage } from './support/web-page.js';
import { SITE } from './support/web-site.js';

tf.enableProdMode();

const PART = '/ganx-ort.wasm';
const WHOLE = '/ort/ort-wasm-simd-threaded.wasm 200';
const SEED = 9;
const openSite = makeSites();
const files = new Map<string, Uint8Array>();

/** A network with weights of any size, other than those by which use was recorded. */
async function makeFile(
  model: string,
  build: BuildOptions,
  dtype: 'float32' | 'float16',
): Promise<Uint8Array> {
  const gan = findModel(model).build(build);
  const weights: Record<string, FloatTensor> = {};
  for (const { name, shape, initial } of gan.generator.weights) {
    const middle = initial.kind === 'constant' ? initial.value : 0;
    const values = uniform(SEED, name, 0, sizeOf(shape), middle - 0.15, middle + 0.15);
    weights[`generator/${name}`] = plainTensor(values, shape);
  }
  const source = { model, gan, weights, imagesSeen: 0, seed: 0, dataDigest: '' };
  return (await exportGenerator(source, { openSession: openOnCpu, dtype })).bytes;
}

beforeAll(async () => {
  for (const dtype of ['float32', 'float16'] as const) {
    files.set(
      `dcgan ${dtype}`,
      await makeFile('dcgan', { imageShape: [28, 28, 1], width: 10, latentSize: 20 }, dtype),
    );
    files.set(
      `dcgan RGB ${dtype}`,
      await makeFile('dcgan', { imageShape: [64, 64, 3], width: 3, latentSize: 9 }, dtype),
    );
    files.set(
      `mlp ${dtype}`,
      await makeFile('mlp', { imageShape: [13, 11, 3], width: 50, latentSize: 17 }, dtype),
    );
    files.set(
      `points ${dtype}`,
      await makeFile('mlp', { imageShape: [1, 1, 2], kind: 'points', width: 20, latentSize: 3 }, dtype),
    );
  }
  files.set('classes', await encodeLabelledGenerator(SEED));
});

/** The module with a function of which every run has need taken out: `_OrtRun`, which its script knows as `sb`. */
async function stopAtRun(module: Uint8Array): Promise<Uint8Array> {
  const tools = new URL('../src/web/slim/module.mjs', import.meta.url).href;
  const { readBodies, readExports, countImportedFunctions, replaceSections, writeBodies, SECTION } =
    await import(tools);
  const bodies = readBodies(module);
  bodies[readExports(module).sb - countImportedFunctions(module)] = Uint8Array.of(0, 0, 0x0b);
  return replaceSections(module, { [SECTION.code]: writeBodies(bodies) });
}

/** Draws in the page, one sample and more, the very bits as text; classes where there are some. */
const DRAW = `const draw = async (source, options = {}) => {
  const generator = await ganx.loadGenerator(source, { device: 'wasm', ...options });
  const drawn = [];
  for (const count of [1, 6, 50, 1]) drawn.push(await generator.sample({ count, seed: count }));
  const { images, latents, labels } = drawn[1];
  const again = await generator.run(latents, labels);
  await generator.dispose();
  return [...drawn.map((one) => one.images), again].map(({ data }) => [...new Uint32Array(data.buffer)].join());
};`;

describe('the part of ONNX Runtime', () => {
  it('is less than half of it', () => {
    const part = readFileSync(join(SITE, PART));
    expect(part.length).toBeLessThan(6.6e6);
    expect(gzipSync(part).length).toBeLessThan(1.8e6);
  });

  it.for([
    ['1 thread', false],
    ['2 threads', true],
  ] as const)('draws the bits of the whole, with %s', async ([, isolated], context) => {
    const names = [...files.keys()];
    const drawAll = `${DRAW}
      const all = {};
      for (const name of ${JSON.stringify(names)}) all[name] = await draw(\`models/\${name}.onnx\`, { threads: 2 });
      return all;`;
    const drawn: Record<string, string[]>[] = [];
    for (const part of ['there', 'missing']) {
      const { page, site } = await openSite(context, new Uint8Array(), { isolated });
      for (const [name, file] of files) site.files.set(`/models/${encodeURIComponent(name)}.onnx`, file);
      if (part === 'missing') site.files.set(PART, Uint8Array.of(0));
      drawn.push(await runInPage(page, drawAll));
      expect(site.answers.includes(WHOLE)).toBe(part === 'missing');
      expect(page.complaints).toEqual([]);
    }
    for (const name of names) expect(drawn[0]![name], name).toEqual(drawn[1]![name]);
  });

  const DESCRIBE = "{ latent: '4', range: '-1,1' }";
  /** z [n, 4] -> Erf, Mod and what else no network of ganx has -> out [n, 2, 2, 1]. */
  const encodeForeign = () =>
    encodeModel({
      inputs: { z: ['float32', ['n', 4]] },
      outputs: { out: ['float32', ['n', 2, 2, 1]] },
      constants: { shape: [[-1, 2, 2, 1], [4]] },
      nodes: [
        ['Erf', ['z'], ['erf']],
        ['Softsign', ['erf'], ['soft']],
        ['Reshape', ['soft', 'shape'], ['out']],
      ],
    });

  it('gives way to the whole for a file with other operators', async (context) => {
    const { page, site } = await openSite(context, encodeForeign());
    const result = await runInPage<{ images: number[]; phases: string[] }>(
      page,
      `const phases = [];
      const generator = await ganx.loadGenerator('models/generator.onnx', {
        describe: ${DESCRIBE}, onProgress: ({ phase }) => phases.push(phase),
      });
      return { images: [...(await generator.sample({ count: 5, seed: 3 })).images.data], phases };`,
    );
    expect(
      differ(result.images, await drawInNode(encodeForeign(), { count: 5, seed: 3 }, { latent: '4' })),
    ).toBeLessThan(1e-5);
    expect(site.answers).toContain(`${PART} 200`);
    expect(site.answers).toContain(WHOLE);
    expect(page.complaints).toEqual([]);
  });

  it('gives way to the whole when it stops while it draws, for everybody who waits', async (context) => {
    const file = files.get('classes')!;
    const { page, site } = await openSite(context, file);
    site.files.set(PART, await stopAtRun(readFileSync(join(SITE, PART))));
    const result = await runInPage<{ images: number[]; again: number[] }>(
      page,
      `const generator = await ganx.loadGenerator('models/generator.onnx', { device: 'wasm' });
      const [a, b] = await Promise.all([generator.sample({ count: 5, seed: 3 }), generator.sample({ count: 5, seed: 3 })]);
      return { images: [...a.images.data], again: [...b.images.data] };`,
    );
    const wanted = await drawInNode(file, { count: 5, seed: 3 });
    expect(differ(result.images, wanted)).toBeLessThan(1e-5);
    expect(result.again).toEqual(result.images);
    expect(site.answers).toContain(WHOLE);
    expect(page.complaints).toEqual([]);
  });

  it('leaves it to the whole to say what is wrong with a file', async (context) => {
    const file = files.get('mlp float32')!;
    const { page } = await openSite(context, file.subarray(0, file.length / 2));
    const messageOf = `const { code, message } = await ganx.loadGenerator('models/generator.onnx').catch((error) => error);
      return code + message;`;
    const said = await runInPage<string>(page, messageOf);
    const { page: wholePage, site } = await openSite(context, file.subarray(0, file.length / 2));
    site.files.set(PART, Uint8Array.of(0));
    expect(said).toMatch(/^BAD_MODEL_FILE/);
    expect(said).toBe(await runInPage<string>(wholePage, messageOf));
  });
});
