/** The feature network that ganx trains, and networks that others bring: layouts, batches, refusals. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeModel, trace } from '../exporters/index.js';
import { encodeNpy } from '../src/core/npy.js';
import { uniform } from '../src/core/random.js';
import { type FloatTensor, plainTensor } from '../src/core/tensor.js';
import type { Dataset } from '../src/core/types.js';
import { openData } from '../src/data/index.js';
import { findFeatures, trainFeatures } from '../src/features/index.js';
import { extractFeatures } from '../src/measure/index.js';
import { readModelFile } from '../src/sample/index.js';
import { openOnCpu } from './support/small-training.js';

const FEW = { seed: 3, openSession: openOnCpu, images: 128 * 40 };

let folder: string;
let digits: Dataset;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ganx-features-'));
  process.env.GANX_CACHE = join(folder, 'cache');
  digits = await openData('digits', { count: 1200, size: 20 });
});
afterAll(async () => {
  await digits.close();
  delete process.env.GANX_CACHE;
  await rm(folder, { recursive: true });
});

function toFloat({ data, shape }: { data: ArrayLike<number>; shape: readonly number[] }): FloatTensor {
  return plainTensor(
    Float32Array.from(data, (value) => value / 255),
    shape,
  );
}

describe('a network of its own', () => {
  it('learns labels, says how well, and comes out bit-equal again', async () => {
    const seen: number[] = [];
    const bytes = await trainFeatures(digits, { ...FEW, onProgress: (done) => void seen.push(done) });
    expect(seen.at(0)).toBe(0);
    expect(seen.at(-1)).toBe(128 * 40);
    const { properties, inputs } = readModelFile(bytes);
    expect(inputs[0]?.shape).toEqual(['batch', 20, 20, 1]);
    expect(properties).toMatchObject({
      'ganx.features.task': 'labels',
      'ganx.features.classes': '10',
      'ganx.features.held_out': '120',
      'ganx.features.data_digest': digits.digest,
    });
    // Chance is 0.1.
    expect(Number(properties['ganx.features.accuracy'])).toBeGreaterThan(0.8);
    expect(Buffer.compare(await trainFeatures(digits, FEW), bytes)).toBe(0);
    expect(Buffer.compare(await trainFeatures(digits, { ...FEW, seed: 4 }), bytes)).not.toBe(0);
  });

  it('gives features of mean square 1, each image by itself', async () => {
    const session = await openOnCpu(await trainFeatures(digits, FEW));
    const images = toFloat(await digits.read(Array.from({ length: 600 }, (_, i) => i)));
    const all = await extractFeatures(session, images);
    expect([all.count, all.width]).toEqual([600, 64]);
    const square = Array.from(all.data).reduce((sum, value) => sum + value * value, 0) / all.data.length;
    expect(Math.abs(square - 1)).toBeLessThan(0.2);
    const last = await extractFeatures(session, plainTensor(images.data.slice(-400), [1, 20, 20, 1]));
    for (let d = 0; d < 64; d++) expect(last.data[d]).toBeCloseTo(all.data[599 * 64 + d]!, 4);
    await session.dispose();
  });

  it('learns rotations where there are no labels', async () => {
    const { data, shape } = await digits.read(Array.from({ length: 1200 }, (_, i) => i));
    const path = join(folder, 'unlabelled.npy');
    await writeFile(path, encodeNpy(plainTensor(data as Uint8Array, shape)));
    const unlabelled = await openData(path);
    const { properties } = readModelFile(await trainFeatures(unlabelled, FEW));
    await unlabelled.close();
    expect(properties['ganx.features.task']).toBe('rotations');
    expect(properties['ganx.features.classes']).toBe('4');
    // Chance is 0.25.
    expect(Number(properties['ganx.features.accuracy'])).toBeGreaterThan(0.4);
  });

  it('is trained once and then kept; what is damaged is trained again', async () => {
    let trained = 0;
    const training = {
      ...FEW,
      images: 256,
      onProgress: (done: number): void => {
        if (done === 0) trained++;
      },
    };
    const first = await findFeatures(digits, training);
    const second = await findFeatures(digits, training);
    expect([second.path, Buffer.compare(second.bytes, first.bytes), trained]).toEqual([first.path, 0, 1]);
    await writeFile(first.path, first.bytes.subarray(0, 1000));
    const third = await findFeatures(digits, training);
    expect([Buffer.compare(third.bytes, first.bytes), trained]).toEqual([0, 2]);
  });

  it('refuses points, and stops when told to', async () => {
    const ring = await openData('ring', { count: 100 });
    await expect(trainFeatures(ring, FEW)).rejects.toThrow('images to learn features from');
    await ring.close();
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(trainFeatures(digits, { ...FEW, signal })).rejects.toThrow('enough');
  });
});

describe('a network of others', () => {
  const pixels = plainTensor(
    uniform(1, 'pixels', 0, 7 * 4 * 4 * 3).map((value) => value * 1.5 - 0.25),
    [7, 4, 4, 3],
  );
  const kernel = plainTensor(uniform(1, 'kernel', 0, 48 * 5), [48, 5]);

  /** Clipped pixels times a matrix, in either layout, for a batch of 3. */
  function encode(layout: 'nhwc' | 'nchw'): Uint8Array {
    const graph = trace(
      ({ pixels: x }, { kernel: matrix }) => {
        const nhwc = layout === 'nhwc' ? x! : tf.transpose(x!, [0, 2, 3, 1]);
        return { out: tf.matMul(tf.reshape(nhwc, [3, 48]) as tf.Tensor2D, matrix as tf.Tensor2D) };
      },
      { pixels: { shape: layout === 'nhwc' ? [3, 4, 4, 3] : [3, 3, 4, 4], dtype: 'float32' } },
      { name: 'features', constants: { kernel } },
    );
    return encodeModel(graph);
  }

  it.each(['nhwc', 'nchw'] as const)('takes images in %s, in batches of a fixed size', async (layout) => {
    const session = await openOnCpu(encode(layout));
    const { data, width, count } = await extractFeatures(session, pixels);
    await session.dispose();
    expect([count, width]).toEqual([7, 5]);
    for (let row = 0; row < 7; row++) {
      for (let d = 0; d < 5; d++) {
        let sum = 0;
        for (let i = 0; i < 48; i++) {
          sum += Math.min(1, Math.max(0, pixels.data[row * 48 + i]!)) * kernel.data[i * 5 + d]!;
        }
        expect(data[row * 5 + d]).toBeCloseTo(sum, 4);
      }
    }
  });

  it('must take the images', async () => {
    const session = await openOnCpu(encode('nhwc'));
    const other = plainTensor(new Float32Array(5 * 5 * 3), [1, 5, 5, 3]);
    await expect(extractFeatures(session, other)).rejects.toThrow(
      'Expected a feature network with one float32 input for images of 5x5 with 3 channels',
    );
    await session.dispose();
  });
});
