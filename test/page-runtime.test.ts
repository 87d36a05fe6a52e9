/**
 * ONNX Runtime in a real Chromium: the conformance suite on both of its devices, small networks next to the same files
 * on onnxruntime-node, and how a page refuses. What cannot run here says why.
 */
import { readdirSync, readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it, type TestContext } from 'vitest';
import { exportGenerator } from '../exporters/index.js';
import { openChromiumRuntimes } from '../src/browser/page-runtime.js';
import { prepareSessionPage } from '../src/browser/session-page.js';
import { GanError } from '../src/core/errors.js';
import { normal } from '../src/core/random.js';
import { plainTensor } from '../src/core/tensor.js';
import { encodeModel } from './support/onnx-model.js';
import { needChromium } from './support/page-pixels.js';
import { drawLatents, encodeSmallGenerator } from './support/small-generator.js';
import { openOnCpu, RECIPES, trainSmall } from './support/small-training.js';
import { testRuntime } from './support/test-runtime.js';

tf.enableProdMode();

const { runtimes, close } = await openChromiumRuntimes();
afterAll(close);

for (const runtime of runtimes) {
  const isForGenerators = runtime.name === 'ganx-wasm';
  for (const device of runtime.devices) await testRuntime(runtime, device, { isForGenerators });
}
const runtime = runtimes.find(({ name }) => name === 'onnxruntime-web')!;

/** Skips a test whose device cannot be used, or fails it where `GANX_REQUIRE` names it. */
async function needDevice(context: TestContext, device: string): Promise<void> {
  needChromium(context);
  const probe = await runtime.probe(device);
  if (probe.ok) return;
  if (process.env.GANX_REQUIRE?.split(',').includes(`${runtime.name}/${device}`)) {
    throw new Error(probe.reason);
  }
  context.skip(probe.reason);
}

/** The processes of pages below this one. */
function findRenderers(): number[] {
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      // It has ended meanwhile.
      return '';
    }
  };
  const parentOf = (pid: number): number =>
    Number(/PPid:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
  const isBelow = (pid: number): boolean => pid > 1 && (pid === process.pid || isBelow(parentOf(pid)));
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && read(`/proc/${name}/cmdline`).includes('--type=renderer'))
    .map(Number)
    .filter(isBelow);
}

// The tolerances of the README.
describe.each([
  { device: 'wasm in Chromium', tolerance: 1e-5, engine: /^wasm, \d+ threads?$/ },
  { device: 'webgpu in Chromium', tolerance: 1e-4, engine: /^webgpu \(native, asyncify build\), \w/ },
])('$device', ({ device, tolerance, engine }) => {
  it.for(['mlp on images', 'dcgan, 28 grey', 'dcgan, 32 RGB'] as const)(
    'draws what onnxruntime-node draws: %s',
    async (name, context) => {
      await needDevice(context, device);
      const { model } = RECIPES[name];
      const { gan, weights } = await trainSmall(RECIPES[name], 3);
      const source = { model, gan, weights, imagesSeen: 18, seed: 3, dataDigest: 'ab'.repeat(32) };
      const { bytes } = await exportGenerator(source, { openSession: openOnCpu });
      const { latentSize } = gan.shape;
      const latents = plainTensor(normal(5, 'page', 0, 7 * latentSize), [7, latentSize]);
      const wanted = await openOnCpu(bytes);
      const session = await runtime.open(bytes, { device });
      expect(session.engine).toMatch(engine);
      const [{ images: expected }, { images: got }] = [
        await wanted.run({ latents }),
        await session.run({ latents }),
      ];
      const differences = got!.data.map((value, i) => Math.abs(value - expected!.data[i]!));
      expect(differences.filter((difference) => !(difference < tolerance))).toHaveLength(0);
      expect(got!.shape).toEqual(expected!.shape);
      await Promise.all([wanted.dispose(), session.dispose()]);
    },
  );

  it('computes in half precision, or says that it cannot', async (context) => {
    await needDevice(context, device);
    const bytes = encodeModel({
      inputs: { x: ['float32', ['n']] },
      outputs: { y: ['float32', ['n']] },
      nodes: [
        ['Cast', ['x'], ['half'], { to: 10 }],
        ['Add', ['half', 'half'], ['twice']],
        ['Cast', ['twice'], ['y'], { to: 1 }],
      ],
    });
    const session = await runtime.open(bytes, { device });
    const run = session.run({ x: plainTensor(Float32Array.of(1000.5), [1]) });
    const found = await run.then(
      ({ y }) => y!.data[0],
      (error: unknown) => error,
    );
    if (found instanceof GanError) {
      expect(found.code).toBe('RUNTIME_UNAVAILABLE');
      expect(found.message).toMatch(/half precision.*shader-f16.*Use another device, or a float32 file\.$/);
    } else expect(found).toBe(2001);
    await session.dispose();
  });
});

describe('a page', () => {
  it('without WebGPU says so', async (context) => {
    needChromium(context);
    const page = prepareSessionPage({ webgpu: false });
    try {
      expect(await page.call('probe', 'onnxruntime-web', 'webgpu')).toEqual({
        ok: false,
        reason: expect.stringMatching(/WebGPU/),
      });
      expect(await page.call('probe', 'onnxruntime-web', 'wasm')).toMatchObject({ ok: true });
    } finally {
      await page.close();
    }
  });

  it("takes ONNX Runtime's files from where it is told, and says where it looked", async (context) => {
    needChromium(context);
    const page = prepareSessionPage({ webgpu: false });
    const model = Buffer.from(encodeSmallGenerator(7)).toString('base64');
    try {
      await page.call('send', model);
      await expect(
        page.call('open', 'onnxruntime-web', { device: 'wasm', assets: '/nowhere' }),
      ).rejects.toMatchObject({
        code: 'RUNTIME_UNAVAILABLE',
        message: expect.stringMatching(/\/nowhere\/ort-wasm-simd-threaded\.mjs/),
      });
      await page.close();
      await page.call('send', model);
      expect(await page.call('open', 'onnxruntime-web', { device: 'wasm', assets: '/ort' })).toMatchObject({
        id: 1,
      });
    } finally {
      await page.close();
    }
  });

  it('that crashes is an error, and the next model starts another', async (context) => {
    needChromium(context);
    if (process.platform !== 'linux') context.skip('Only Linux lists processes as files.');
    const others = findRenderers();
    const findPages = (): number[] => findRenderers().filter((pid) => !others.includes(pid));
    const other = await openChromiumRuntimes();
    const device = 'wasm in Chromium';
    try {
      const session = await other.runtimes[0]!.open(encodeSmallGenerator(7), { device });
      const pages = findPages();
      expect(pages.length).toBeGreaterThan(0);
      for (const pid of pages) process.kill(pid, 'SIGKILL');
      await expect(session.run({ latents: drawLatents(1) })).rejects.toMatchObject({
        code: 'RUNTIME_UNAVAILABLE',
        message: expect.stringMatching(/`The page has crashed\.`/),
      });
      await expect(session.run({ latents: drawLatents(1) })).rejects.toThrow(/disposed/);
      const next = await other.runtimes[0]!.open(encodeSmallGenerator(7), { device });
      expect((await next.run({ latents: drawLatents(1) })).images?.shape).toEqual([1, 8, 8, 2]);
    } finally {
      await other.close();
    }
    expect(findPages()).toEqual([]);
  });

  it('takes its sessions with it, and the next model starts another', async (context) => {
    needChromium(context);
    const other = await openChromiumRuntimes();
    const device = 'wasm in Chromium';
    try {
      const model = encodeSmallGenerator(7);
      const session = await other.runtimes[0]!.open(model, { device });
      await other.close();
      await expect(session.run({ latents: drawLatents(1) })).rejects.toThrow(/disposed/);
      await session.dispose();
      const next = await other.runtimes[0]!.open(model, { device });
      expect((await next.run({ latents: drawLatents(1) })).images?.shape).toEqual([1, 8, 8, 2]);
    } finally {
      await other.close();
    }
  });
});
