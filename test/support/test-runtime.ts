/**
 * The one conformance suite for runtimes: a new adapter's test is one call.
 * It knows nothing about any library; what it expects was computed by loops in double precision.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GanError, type GanErrorCode } from '../../src/core/errors.js';
import type { PlainTensor } from '../../src/core/tensor.js';
import type { Runtime, Session } from '../../src/core/types.js';
import { encodeModel } from './onnx-model.js';
import { computeImages, drawLatents, encodeSmallGenerator } from './small-generator.js';

/** Options of {@link testRuntime}. */
export interface RuntimeTestOptions {
  /**
   * Largest difference from double precision. The default allows a few roundings of float32 at sums of up to
   * 100 terms around 1; the largest seen on any device was 6.9e-7, of values below 1.
   */
  readonly tolerance?: number;
  /** It runs generators, and no other models. */
  readonly isForGenerators?: boolean;
}

/** `GANX_REQUIRE=onnxruntime-node/webgpu,...` turns the skipping of these into failures. */
const required = (process.env.GANX_REQUIRE ?? '').split(',');

const errorOf = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

async function expectGanError(promise: Promise<unknown>, code: GanErrorCode, text: RegExp): Promise<void> {
  const error = await errorOf(promise);
  expect(error).toBeInstanceOf(GanError);
  expect((error as GanError).code).toBe(code);
  expect((error as GanError).message).toMatch(text);
}

function largestDifference(actual: PlainTensor | undefined, wanted: Float64Array): number {
  expect(actual?.data.length).toBe(wanted.length);
  // Math.max hands a NaN on, and a NaN is below no tolerance.
  return wanted.reduce((worst, value, at) => Math.max(worst, Math.abs(value - actual!.data[at]!)), 0);
}

/** Copies of three element types, and a value that goes straight through. */
const TYPES_MODEL = encodeModel({
  inputs: {
    mask: ['bool', ['n']],
    index: ['int32', ['n']],
    byte: ['uint8', ['n']],
    through: ['float32', ['n']],
  },
  outputs: {
    mask2: ['bool', ['n']],
    index2: ['int32', ['n']],
    byte2: ['uint8', ['n']],
    through: ['float32', ['n']],
  },
  nodes: [
    ['Identity', ['mask'], ['mask2']],
    ['Identity', ['index'], ['index2']],
    ['Identity', ['byte'], ['byte2']],
  ],
});

/** Runs the suite on one device; where the device cannot be used it is skipped with the reason in its title. */
export async function testRuntime(
  runtime: Runtime,
  device: string,
  { tolerance = 2e-6, isForGenerators = false }: RuntimeTestOptions = {},
): Promise<void> {
  const title = `${runtime.name}/${device}`;
  const probe = await runtime.probe(device);
  const skipped = !probe.ok && !required.includes(title);
  const model = encodeSmallGenerator(7);
  const open = (bytes: Uint8Array): Promise<Session> => runtime.open(bytes, { device });

  describe.skipIf(skipped)(probe.ok ? title : `${title} [cannot be used: ${probe.reason}]`, () => {
    let session: Session;
    beforeAll(async () => {
      session = await open(model);
    });
    afterAll(() => session?.dispose());

    it('says that the device can be used, and that another one cannot', async () => {
      expect(probe).toEqual({ ok: true, detail: session.version });
      expect(await runtime.probe('abacus')).toMatchObject({
        ok: false,
        reason: expect.stringMatching(/abacus/),
      });
      await expectGanError(runtime.open(model, { device: 'abacus' }), 'BAD_ARGUMENT', /abacus/);
      await expectGanError(runtime.open(model, { device, threads: 0 }), 'BAD_ARGUMENT', /threads/);
    });

    it('states names, types and shapes with the batch as a named free dimension', () => {
      expect(session.runtime).toBe(runtime.name);
      expect(session.device).toBe(device);
      expect(session.version).toMatch(/^\d+\.\d+\.\d+/);
      expect(session.inputs).toEqual([{ name: 'latents', dtype: 'float32', shape: ['batch', 6] }]);
      expect(session.outputs).toEqual([{ name: 'images', dtype: 'float32', shape: ['batch', 8, 8, 2] }]);
    });

    it.each([1, 5])('computes a batch of %i', async (batch) => {
      const latents = drawLatents(batch);
      const { images } = await session.run({ latents });
      expect(images?.shape).toEqual([batch, 8, 8, 2]);
      expect(images?.dtype).toBe('float32');
      expect(largestDifference(images, computeImages(7, latents))).toBeLessThan(tolerance);
    });

    it('reads and writes views into larger buffers', async () => {
      const latents = drawLatents(2);
      const feed = new Float32Array(20).fill(9);
      feed.set(latents.data, 5);
      const room = new Float32Array(300).fill(9);
      const place = { shape: [2, 8, 8, 2], dtype: 'float32', data: room.subarray(20, 276) } as const;
      await session.run({ latents: { ...latents, data: feed.subarray(5, 17) } }, { images: place });
      expect(largestDifference(place, computeImages(7, latents))).toBeLessThan(tolerance);
      expect([...room.subarray(0, 20), ...room.subarray(276)].every((value) => value === 9)).toBe(true);
    });

    it('writes results in place and returns these very tensors', async () => {
      const place = { shape: [5, 8, 8, 2], dtype: 'float32', data: new Float32Array(640) } as const;
      for (const seed of [1, 2]) {
        const latents = drawLatents(5, seed);
        const results = await session.run({ latents }, { images: place });
        expect(results.images).toBe(place);
        expect(largestDifference(place, computeImages(7, latents))).toBeLessThan(tolerance);
      }
    });

    it.skipIf(isForGenerators)(
      'carries whole numbers, bytes and flags, and what goes straight through',
      async () => {
        const types = await open(TYPES_MODEL);
        const feeds = {
          mask: { shape: [3], dtype: 'bool', data: Uint8Array.of(1, 0, 1) },
          index: { shape: [3], dtype: 'int32', data: Int32Array.of(-7, 2 ** 24 - 1, 0) },
          byte: { shape: [3], dtype: 'uint8', data: Uint8Array.of(0, 128, 255) },
          through: { shape: [3], dtype: 'float32', data: Float32Array.of(0.5, -2, 3) },
        } as const;
        const into = {
          mask2: { shape: [3], dtype: 'bool', data: new Uint8Array(3) },
          byte2: { shape: [3], dtype: 'uint8', data: new Uint8Array(3) },
          through: { shape: [3], dtype: 'float32', data: new Float32Array(3) },
        } as const;
        for (const results of [await types.run(feeds), await types.run(feeds, into)]) {
          expect(results.mask2).toEqual(feeds.mask);
          expect(results.index2).toEqual(feeds.index);
          expect(results.byte2).toEqual(feeds.byte);
          expect(results.through).toEqual(feeds.through);
          expect(results.through?.data).not.toBe(feeds.through.data);
        }
        expect(into.through.data).toEqual(feeds.through.data);
        await types.dispose();
      },
    );

    it('refuses wrong feeds by name, with what it expected and got', async () => {
      const latents = drawLatents(2);
      const run = (feeds: Record<string, PlainTensor>, into = {}) => session.run(feeds, into);
      await expectGanError(run({}), 'BAD_ARGUMENT', /latents.*none/);
      await expectGanError(run({ latents, noise: latents }), 'BAD_ARGUMENT', /input.*noise.*latents/);
      await expectGanError(
        run({ latents: { ...latents, shape: [3, 4] } }),
        'BAD_ARGUMENT',
        /latents.*6.*3, 4/,
      );
      await expectGanError(run({ latents: { ...latents, shape: [12] } }), 'BAD_ARGUMENT', /latents.*6.*12/);
      await expectGanError(
        run({ latents: { ...latents, shape: [3, 6] } }),
        'BAD_ARGUMENT',
        /latents.*18.*12/,
      );
      const whole = { shape: [2, 6], dtype: 'int32', data: new Int32Array(12) } as const;
      await expectGanError(run({ latents: whole }), 'BAD_ARGUMENT', /latents.*float32.*int32/);
      const mixed = { ...latents, data: new Int32Array(12) };
      await expectGanError(run({ latents: mixed }), 'BAD_ARGUMENT', /latents.*Float32Array.*Int32Array/);
      const place = { shape: [1, 8, 8, 2], dtype: 'float32', data: new Float32Array(128) } as const;
      await expectGanError(run({ latents }, { images: place }), 'BAD_ARGUMENT', /images.*batch = 2.*1, 8/);
      await expectGanError(run({ latents }, { pictures: place }), 'BAD_ARGUMENT', /output.*pictures.*images/);
      const shared = { shape: [1, 8, 8, 2], dtype: 'float32', data: new Float32Array(128) } as const;
      const inside = { shape: [1, 6], dtype: 'float32', data: shared.data.subarray(6, 12) } as const;
      await expectGanError(run({ latents: inside }, { images: shared }), 'BAD_ARGUMENT', /images.*latents/);
    });

    it('refuses files that are cut off, empty or no model', async () => {
      const cuts = [0, 1, 7, Math.floor(model.length / 3), model.length - 40, model.length - 1];
      for (const end of cuts)
        await expectGanError(open(model.slice(0, end)), 'BAD_MODEL_FILE', /whole|Export/);
      const garbage = Uint8Array.from({ length: 512 }, (_, at) => (at * 37) % 256);
      await expectGanError(open(garbage), 'BAD_MODEL_FILE', /512 bytes/);
      await expectGanError(open(new TextEncoder().encode('<!doctype html>')), 'BAD_MODEL_FILE', /Export/);
    });

    it('keeps two sessions that run at once apart', async () => {
      const other = await open(encodeSmallGenerator(8));
      const jobs = Array.from({ length: 20 }, (_, at) => {
        const latents = drawLatents(1 + (at % 3), at);
        return { seed: 7 + (at % 2), latents, run: (at % 2 ? other : session).run({ latents }) };
      });
      for (const { seed, latents, run } of jobs) {
        const { images } = await run;
        expect(largestDifference(images, computeImages(seed, latents))).toBeLessThan(tolerance);
      }
      await other.dispose();
    });

    it('does not hold on to the memory of runs', async () => {
      setFlagsFromString('--expose_gc');
      const collect = runInNewContext('gc') as () => void;
      const latents = drawLatents(256);
      const repeat = async (times: number): Promise<number> => {
        for (let i = 0; i < times; i++) await session.run({ latents });
        collect();
        return process.memoryUsage().rss;
      };
      let before = await repeat(20);
      const growths: number[] = [];
      for (let round = 0; round < 3; round++) {
        const after = await repeat(40);
        growths.push(after - before);
        before = after;
      }
      // One run makes 256 images of 512 bytes and four intermediates of about that size: 40 kept ones are 26 MB, in
      // every round. A runtime's own pools, and memory that the system takes back late, grow in one.
      expect(Math.min(...growths)).toBeLessThan(13e6);
    });

    it('refuses to run once disposed, and can be disposed twice', async () => {
      const brief = await open(model);
      await brief.dispose();
      await brief.dispose();
      await expectGanError(brief.run({ latents: drawLatents(1) }), 'BAD_ARGUMENT', /disposed/);
    });
  });
}
