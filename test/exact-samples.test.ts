/**
 * Sample i of seed s is one and the same image, whatever is drawn beside it: batches of any size, other orders, one and
 * two threads. Generators at the sizes at which people train them; weights that nobody trained do. Needs a built `dist`.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveUntrained } from '../bench/untrained-snapshot.js';
import { normal } from '../src/core/random.js';
import type { FloatTensor } from '../src/core/tensor.js';
import { loadGenerator } from '../src/load-generator.js';
import { findMetadata, type Generator, readModelFile, toPng } from '../src/sample/index.js';
import { chooseRows } from '../src/sample/steady-rows.js';
import { encodeModel } from './support/onnx-model.js';

const MAIN = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ganx-exact-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Every image as a PNG. */
function pngsOf({ metadata }: Generator, { shape: [count = 0, ...extents], data }: FloatTensor): string[] {
  const size = data.length / count;
  return Array.from({ length: count }, (_, i) => {
    const image = {
      shape: [1, ...extents],
      dtype: 'float32',
      data: data.slice(i * size, (i + 1) * size),
    } as const;
    return Buffer.from(toPng(image, metadata, { padding: 0, scale: 1 })).toString('base64');
  });
}

const hashOf = ({ data }: FloatTensor): string =>
  createHash('sha256').update(new Uint8Array(data.buffer)).digest('hex');

describe.each([
  { model: 'mlp', width: 1200, count: 150 },
  { model: 'dcgan', width: 64, count: 70 },
])('$model of width $width', ({ model, width, count }) => {
  let file: Uint8Array;
  let wanted: string[];
  beforeAll(async () => {
    const [snapshot, path] = [join(folder, `${model}.safetensors`), join(folder, `${model}.onnx`)];
    await saveUntrained(snapshot, model, { kind: 'images', imageShape: [28, 28, 1], width });
    execFileSync(process.execPath, [MAIN, 'export', snapshot, '-o', path], { stdio: 'ignore' });
    file = readFileSync(path);
    await using generator = await loadGenerator(file, { device: 'cpu', threads: 1 });
    wanted = pngsOf(generator, (await generator.sample({ seed: 4, count })).images);
    expect(new Set(wanted).size).toBe(count);
  });

  it.each([1, 2])('draws the same bytes in batches of any size, in %d threads', async (threads) => {
    await using generator = await loadGenerator(file, { device: 'cpu', threads });
    for (const batch of [1, 2, 3, 5, 16, 64]) {
      const { images } = await generator.sample({ seed: 4, count, batch });
      expect(pngsOf(generator, images)).toEqual(wanted);
    }
  });

  it('draws the same bytes in any order', async () => {
    await using generator = await loadGenerator(file, { device: 'cpu' });
    for (const from of [count - 1, 17, 5, 0]) {
      const { images } = await generator.sample({ seed: 4, from, count: Math.min(3, count - from) });
      expect(pngsOf(generator, images)).toEqual(wanted.slice(from, from + 3));
    }
    const first = wanted[0]!;
    const { images } = await generator.sample({ seeds: [9, 4, 1, 4, 4] });
    const pngs = pngsOf(generator, images);
    expect(pngs.map((png) => png === first)).toEqual([false, true, false, true, true]);
  });
});

const [LATENT, SIDE] = [200, 16] as const;
const DESCRIPTION = { latent: `${LATENT}`, layout: 'nhwc' } as const;

/** A layer whose weights a caller may replace, as old exporters wrote them: runtimes do not pack them. */
function encodeOpenWeights(weightsAreInputs: boolean): Uint8Array {
  const weights = normal(1, 'weights', 0, LATENT * SIDE ** 2).map((value) => value / Math.sqrt(LATENT));
  return encodeModel({
    inputs: {
      z: ['float32', ['batch', LATENT]],
      ...(weightsAreInputs ? { weights: ['float32', [LATENT, SIDE ** 2]] } : {}),
    },
    outputs: { images: ['float32', ['batch', SIDE, SIDE, 1]] },
    constants: { weights: [weights, [LATENT, SIDE ** 2]], shape: [[0, SIDE, SIDE, 1], [4]] },
    nodes: [
      ['MatMul', ['z', 'weights'], ['flat']],
      ['Tanh', ['flat'], ['bounded']],
      ['Reshape', ['bounded', 'shape'], ['images']],
    ],
  });
}

describe('a file with weights that are not constant', () => {
  it('is known by its graph', () => {
    expect(readModelFile(encodeOpenWeights(true)).hasComputedWeights).toBe(true);
    expect(readModelFile(encodeOpenWeights(false)).hasComputedWeights).toBe(false);
  });

  it('draws the same floats in batches of any size', async () => {
    const options = { device: 'cpu', threads: 1, describe: DESCRIPTION } as const;
    await using generator = await loadGenerator(encodeOpenWeights(true), options);
    const draw = async (batch: number): Promise<string> =>
      hashOf((await generator.sample({ seed: 4, count: 150, batch })).images);
    const wanted = await draw(150);
    for (const batch of [1, 2, 3, 5, 16, 64, 149]) {
      expect(await draw(batch)).toBe(wanted);
    }
  });

  it.each([
    {
      what: 'computed from constants',
      nodes: [
        ['Neg', ['a'], ['b']],
        ['MatMul', ['z', 'b'], ['y']],
      ],
      found: false,
    },
    {
      what: 'quantized',
      nodes: [
        ['DequantizeLinear', ['q', 's'], ['b']],
        ['Gemm', ['z', 'b'], ['y']],
      ],
      found: true,
    },
    {
      what: 'computed from the latents',
      nodes: [
        ['Mul', ['a', 'z'], ['b']],
        ['MatMul', ['z', 'b'], ['y']],
      ],
      found: true,
    },
    {
      what: 'convolved',
      nodes: [
        ['Mul', ['a', 'z'], ['b']],
        ['Conv', ['z', 'b'], ['y']],
      ],
      found: false,
    },
  ] as const)('is told when its weights are $what', ({ nodes, found }) => {
    const one = [new Float32Array(1), [1, 1]] as const;
    const bytes = encodeModel({
      inputs: { z: ['float32', ['batch', 1]] },
      outputs: { y: ['float32', ['batch', 1]] },
      constants: { a: one, q: one, s: one },
      nodes: [...nodes],
    });
    expect(readModelFile(bytes).hasComputedWeights).toBe(found);
  });
});

describe('the size of a run', () => {
  const metadataOf = (side: number) => ({
    ...(findMetadata(readFileSync(join(folder, 'mlp.onnx'))) as Generator['metadata']),
    imageShape: [side, side, 3] as const,
  });
  it.each([
    ['cpu', 28, undefined],
    ['webgpu', 512, undefined],
    ['cuda', 28, 64],
    ['cuda', 64, 64],
    ['cuda', 256, 4],
    ['dml', 1024, 1],
  ] as const)('on %s for images of %d pixels is %d', (device, side, rows) => {
    expect(chooseRows({ device }, metadataOf(side))).toBe(rows);
  });
  it('stays small where weights are computed', () => {
    expect(chooseRows({ device: 'cpu' }, { ...metadataOf(28), hasComputedWeights: true })).toBe(8);
  });
});
