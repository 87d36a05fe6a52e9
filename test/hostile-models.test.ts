/**
 * Files that are broken, or made to do harm: every runtime answers with an error or with numbers, none takes the
 * process, the page or the machine with it, and a good file works before, between and after them.
 */
import { totalmem } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportGenerator } from '../exporters/index.js';
import { ganxWasm } from '../runtimes/ganx-wasm.js';
import { estimateNeed } from '../runtimes/onnxruntime-node/memory-need.js';
import { onnxruntimeNode } from '../runtimes/onnxruntime-node.js';
import { onnxruntimeWeb } from '../runtimes/onnxruntime-web.js';
import { openChromiumRuntimes } from '../src/browser/page-runtime.js';
import { GanError } from '../src/core/errors.js';
import { sizeOf, type TensorMap } from '../src/core/tensor.js';
import type { Runtime, Session } from '../src/core/types.js';
import { mutateModel } from './support/mutate-model.js';
import { encodeModel } from './support/onnx-model.js';
import { needChromium } from './support/page-pixels.js';
import { dcgan, openOnCpu, trainSmall } from './support/small-training.js';

tf.enableProdMode();

const MUTATIONS = 200;
const {
  runtimes: [chromium = onnxruntimeWeb],
  close,
} = await openChromiumRuntimes();

/** How many zeros a file asks for: none of these can be had, and half of the memory must not even be tried. */
const ABSURD = [Math.floor(totalmem() / 8), 2 ** 38, 2 ** 52];
const PLACES = [
  { runtime: onnxruntimeNode, device: 'cpu', absurd: ABSURD },
  // 3 GiB, and as much again for what is made of them: more than WebAssembly's 4 GiB.
  { runtime: onnxruntimeWeb, device: 'wasm', absurd: [3 * 2 ** 28, ...ABSURD] },
  { runtime: ganxWasm, device: 'wasm', absurd: [3 * 2 ** 28, ...ABSURD] },
  { runtime: chromium, device: 'wasm in Chromium', absurd: [3 * 2 ** 28, ...ABSURD] },
];
let good: Uint8Array;

beforeAll(async () => {
  const { gan, weights } = await trainSmall(dcgan(28, 1), 3);
  const source = { model: 'dcgan', gan, weights, imagesSeen: 18, seed: 3, dataDigest: 'ab'.repeat(32) };
  good = (await exportGenerator(source, { openSession: openOnCpu })).bytes;
});
afterAll(close);

/** Two of everything whose number is free. */
function feedsFor({ inputs }: Session): TensorMap {
  return Object.fromEntries(
    inputs.map(({ name, shape: extents }) => {
      const shape = extents.map((extent) => (typeof extent === 'number' && extent >= 0 ? extent : 2));
      const data = new Float32Array(sizeOf(shape)).fill(0.5);
      return [name, { shape, dtype: 'float32', data }];
    }),
  );
}

/** Opens and runs a file once. */
async function runOnce(runtime: Runtime, device: string, bytes: Uint8Array): Promise<TensorMap> {
  const session = await runtime.open(bytes, { device });
  try {
    return await session.run(feedsFor(session));
  } finally {
    await session.dispose();
  }
}

/** What became of a file: `ran`, or the error's code. @throws whatever is thrown that is no GanError */
async function judge(runtime: Runtime, device: string, bytes: Uint8Array): Promise<string> {
  try {
    const results = await runOnce(runtime, device, bytes);
    return Object.values(results).every(({ shape, data }) => data.length === sizeOf(shape)) ? 'ran' : 'torn';
  } catch (error) {
    if (!(error instanceof GanError)) throw error;
    expect(error.message).toMatch(/^\[[\w-]+\] Expected .+, got `.*`\. \w/s);
    return error.code;
  }
}

/** How a file is refused; ganx's own kernels leave what they do not know to others. */
const REFUSALS = ['BAD_MODEL_FILE', 'BAD_ARGUMENT', 'UNSUPPORTED_OP'];

describe.each(PLACES)('$runtime.name on $device', ({ runtime, device, absurd }) => {
  it(`outlives ${MUTATIONS} broken versions of a good file`, async (context) => {
    if (runtime === chromium) needChromium(context);
    const session = await runtime.open(good, { device });
    const before = await session.run(feedsFor(session));
    const counts: Record<string, number> = {};
    for (let i = 0; i < MUTATIONS; i++) {
      const { what, bytes } = mutateModel(good, i);
      const became = await judge(runtime, device, bytes);
      expect(['ran', ...REFUSALS], `${i}: ${what}`).toContain(became);
      counts[became] = (counts[became] ?? 0) + 1;
      if (i % 20 === 0) expect(await runOnce(runtime, device, good)).toEqual(before);
    }
    // Bits of weights change numbers and no more; most of the rest cannot run.
    expect(counts.ran).toBeGreaterThan(MUTATIONS / 20);
    expect((counts.BAD_MODEL_FILE ?? 0) + (counts.UNSUPPORTED_OP ?? 0)).toBeGreaterThan(MUTATIONS / 4);
    // The very first session is still there: neither library nor page was started again.
    expect(await session.run(feedsFor(session))).toEqual(before);
    await session.dispose();
  });

  it('refuses small files that ask for absurdly much', async (context) => {
    if (runtime === chromium) needChromium(context);
    for (const count of absurd) {
      const became = await judge(runtime, device, encodeZeros(count));
      expect(REFUSALS, `${count} zeros`).toContain(became);
      expect(await judge(runtime, device, good)).toBe('ran');
    }
  });
});

/** A file that makes `count` zeros out of nothing and adds what it is fed. */
function encodeZeros(count: number): Uint8Array {
  return encodeModel({
    inputs: { latents: ['float32', ['batch', 1]] },
    outputs: { images: ['float32', ['batch', count]] },
    constants: { shape: [[1, count], [2]] },
    nodes: [
      ['ConstantOfShape', ['shape'], ['zeros']],
      ['Add', ['latents', 'zeros'], ['images']],
    ],
  });
}

describe('the memory that a file needs in Node', () => {
  it('is told from its outline: the largest value of fixed size, and of each sample', async () => {
    const ort = await import('onnxruntime-node');
    expect(await estimateNeed(ort, encodeZeros(1000))).toMatchObject({
      fixed: { name: 'zeros', sizeBytes: 4000 },
      free: { name: 'images', sizeBytes: 4000 },
    });
    // 28 x 28 grey pixels; the planes before are 4 of 14 x 14, as many numbers.
    expect((await estimateNeed(ort, good))?.free.sizeBytes).toBe(4 * 28 * 28);
    expect(await estimateNeed(ort, good.subarray(0, 1000))).toBeUndefined();
  });

  it('refuses a batch that is too large, and says so', async () => {
    const session = await onnxruntimeNode.open(encodeZeros(Math.floor(totalmem() / 2 ** 12)), {
      device: 'cpu',
    });
    const latents = { shape: [2 ** 10, 1], dtype: 'float32', data: new Float32Array(2 ** 10) } as const;
    await expect(session.run({ latents })).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringMatching(
        /a quarter of the memory, got `images of .* GB`\. Take a smaller batch\.$/,
      ),
    });
    await session.dispose();
  });
});
