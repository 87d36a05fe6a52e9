/**
 * What the parity report says, on small real files: passes, failures of every kind, skips, and that what is required
 * cannot be skipped.
 */
import { describe, expect, it } from 'vitest';
import { failedRun } from '../runtimes/contract.js';
import { onnxruntimeNode } from '../runtimes/onnxruntime-node.js';
import type { GeneratorMetadata } from '../src/core/metadata.js';
import type { Session } from '../src/core/types.js';
import { type Candidate, measureParity, type ParityOptions } from '../src/measure/index.js';
import { drawLatents, readMetadata } from '../src/sample/index.js';
import { encodeLabelledGenerator } from './support/labelled-generator.js';
import { encodeTinyGenerator, METADATA, openSession, type TinyOptions } from './support/sample-model.js';

const GOOD = encodeTinyGenerator();

/** onnxruntime-node on the CPU; with options it opens a file of its own. */
function cpu(own?: TinyOptions): Candidate {
  return {
    runtime: 'onnxruntime-node',
    device: 'cpu',
    probe: () => onnxruntimeNode.probe('cpu'),
    open: (bytes) => openSession(own ? encodeTinyGenerator(own) : bytes),
  };
}

/** A device that no machine has. */
const NPU: Candidate = {
  runtime: 'onnxruntime-node',
  device: 'npu',
  probe: () => onnxruntimeNode.probe('npu'),
  open: (bytes) => onnxruntimeNode.open(bytes, { device: 'npu' }),
};

async function withReference<T>(bytes: Uint8Array, use: (reference: Session) => Promise<T>): Promise<T> {
  const reference = await openSession(bytes);
  try {
    return await use(reference);
  } finally {
    await reference.dispose();
  }
}

const report = (candidates: readonly Candidate[], options: ParityOptions = {}, bytes = GOOD) =>
  withReference(GOOD, (reference) => measureParity(bytes, METADATA, reference, candidates, options));

describe('a parity report', () => {
  it('says what was compared with what', async () => {
    const { rows, ...rest } = await report([cpu()]);
    const version = expect.stringMatching(/^\d+\.\d+\.\d+/);
    expect(rest).toEqual({
      reference: { runtime: 'onnxruntime-node', device: 'cpu', version },
      model: 'tiny',
      imageShape: [6, 5, 3],
      dtype: 'float32',
      latents: 256,
      ok: true,
    });
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      status: 'PASS',
      version,
      batches: [1, 5],
      latents: 256,
      tolerance: 1e-5,
      unit: 'value',
    });
    // ONNX Runtime may take another matrix kernel at another batch size.
    expect(rows[0]!.maxDifference).toBeLessThan(1e-6);
    expect(rows[0]!.meanDifference).toBeLessThanOrEqual(rows[0]!.maxDifference!);
    const byBatch = rows[0]!.byBatch!;
    expect(byBatch.map(({ batch }) => batch)).toEqual([1, 5]);
    expect(Math.max(...byBatch.map(({ max }) => max))).toBe(rows[0]!.maxDifference);
    expect(rows[0]!.durationMs).toBeGreaterThan(0);
    expect(rows[0]).not.toHaveProperty('reason');
    expect(rows[0]).not.toHaveProperty('unavailable');
  });

  it('runs all latents at each batch size, in order, one candidate at a time', async () => {
    let open = 0;
    let mostOpen = 0;
    const sizes: number[] = [];
    const watched: Candidate = {
      ...cpu(),
      async open(bytes) {
        const session = await openSession(bytes);
        mostOpen = Math.max(mostOpen, ++open);
        return {
          ...session,
          run: (feeds) => {
            sizes.push(feeds.latents!.shape[0]!);
            return session.run(feeds);
          },
          dispose: () => {
            open--;
            return session.dispose();
          },
        };
      },
    };
    const { rows } = await report([watched, watched], { latents: 7, batches: [1, 3] });
    expect(rows.map(({ status }) => status)).toEqual(['PASS', 'PASS']);
    const once = [1, 1, 1, 1, 1, 1, 1, 3, 3, 1];
    expect(sizes).toEqual([...once, ...once]);
    expect([open, mostOpen]).toEqual([0, 1]);
  });

  it('compares in one order of axes, whatever the file and the reference hold', async () => {
    const metadata: GeneratorMetadata = { ...METADATA, layout: 'nchw' };
    const nchw = encodeTinyGenerator({ metadata });
    const rows = await withReference(nchw, async (reference) => {
      const { rows } = await measureParity(nchw, metadata, reference, [cpu()], { latents: 5 });
      return rows;
    });
    expect(rows[0]).toMatchObject({ status: 'PASS' });
  });

  it('gives each latent of a labelled generator its own class, whatever the batch', async () => {
    const bytes = await encodeLabelledGenerator(2);
    const seen: number[][] = [];
    const watched: Candidate = {
      ...cpu(),
      async open() {
        const session = await openSession(bytes);
        const run: Session['run'] = (feeds) => {
          seen.push([...feeds.labels!.data]);
          return session.run(feeds);
        };
        return { ...session, run };
      },
    };
    const options = { latents: 4, batches: [1, 3] };
    const { rows } = await withReference(bytes, (reference) =>
      measureParity(bytes, readMetadata(bytes), reference, [watched], options),
    );
    expect(rows[0]).toMatchObject({ status: 'PASS', batches: [1, 3] });
    expect(seen).toEqual([[0], [1], [2], [0], [0, 1, 2], [0]]);
  });

  it('fails by the difference, and says where', async () => {
    const { rows, ok } = await report([cpu({ damage: 0.01 }), cpu()], { latents: 10 });
    expect(ok).toBe(false);
    expect(rows.map(({ status }) => status)).toEqual(['FAIL', 'PASS']);
    expect(rows[0]!.maxDifference).toBeGreaterThan(1e-3);
    expect(rows[0]!.reason).toMatch(
      /^The largest difference is 0\.\d+, above 0\.00001: value \d+ of latent \d at batch [15]\.$/,
    );
  });

  it('finds the place of the largest difference, and says how far it is in levels', async () => {
    const { rows } = await report([cpu({ damage: 0.01 })], { latents: 10, batches: [5] });
    const { worst, maxDifference, maxLevels, meanLevels } = rows[0]!;
    const { latent, value, batch } = worst!;
    expect(batch).toBe(5);
    const [right, wrong] = await Promise.all(
      [GOOD, encodeTinyGenerator({ damage: 0.01 })].map((bytes) =>
        withReference(bytes, async (session) => {
          const { images } = await session.run({ latents: drawLatents(METADATA, 1, latent, 1) });
          return images!.data[value]!;
        }),
      ),
    );
    expect(Math.abs(right! - wrong!)).toBeCloseTo(maxDifference!, 5);
    // A level is a 255th of [-1, 1]; rounding to it may add one.
    expect(maxLevels).toBeGreaterThanOrEqual(Math.floor(maxDifference! * 127.5));
    expect(maxLevels).toBeLessThanOrEqual(Math.floor(maxDifference! * 127.5) + 1);
    expect(meanLevels).toBeGreaterThan(0);
    expect(meanLevels).toBeLessThan(maxLevels!);
  });

  it('tells how far it is, candidate by candidate', async () => {
    const seen: string[] = [];
    await report([NPU, cpu(), cpu()], {
      latents: 6,
      batches: [6, 3],
      onProgress: (images, { device }) => seen.push(`${images} ${device}`),
    });
    expect(seen).toEqual(['0 npu', ...[12, 18, 21, 24, 24, 30, 33, 36].map((images) => `${images} cpu`)]);
  });

  it('takes the bound that is given, the most specific one', async () => {
    const damaged = cpu({ damage: 0.01 });
    const wide = await report([damaged], { latents: 10, tolerances: { cpu: 1 } });
    expect(wide.rows[0]).toMatchObject({ status: 'PASS', tolerance: 1, toleranceWhy: 'given by the caller' });
    const narrow = await report([damaged], {
      latents: 10,
      tolerances: { cpu: 1, 'onnxruntime-node/cpu': 1e-7 },
    });
    expect(narrow.rows[0]).toMatchObject({ status: 'FAIL', tolerance: 1e-7 });
  });

  it('fails what gives no numbers', async () => {
    const { rows } = await report([cpu({ damage: Number.NaN })]);
    expect(rows[0]).toMatchObject({
      status: 'FAIL',
      reason: expect.stringMatching(/Expected finite values, got `NaN` in latent 0 at batch 1/),
      batches: [],
      latents: 0,
      worst: { latent: 0, value: 0, batch: 1 },
    });
    expect(rows[0]).not.toHaveProperty('maxDifference');
  });

  it('fails what throws, with its message, and goes on', async () => {
    const broken: Candidate = { ...cpu(), open: (bytes) => openSession(bytes.subarray(0, 100)) };
    const elsewhere: Candidate = { ...cpu(), device: 'cuda' };
    const { rows } = await report([broken, elsewhere, cpu({ extraInput: 'labels' }), cpu()], { latents: 3 });
    expect(rows.map(({ status }) => status)).toEqual(['FAIL', 'FAIL', 'FAIL', 'PASS']);
    expect(rows[0]!.reason).toMatch(/Expected a whole ONNX model .* got `100 bytes/);
    expect(rows[1]!.reason).toBe('[onnxruntime-node/cuda] Expected to run on that device, got `cpu`.');
    expect(rows[2]!.reason).toMatch(/latents as the only input/);
  });

  it('skips what is not here with the reason, unless it is required', async () => {
    const { rows, ok } = await report([NPU, cpu()], { latents: 2, require: ['onnxruntime-node/cpu'] });
    expect(ok).toBe(true);
    expect(rows[0]).toMatchObject({
      status: 'SKIP',
      unavailable: true,
      reason: 'It has no device named npu.',
      latents: 0,
    });
    for (const name of ['onnxruntime-node', 'onnxruntime-node/npu']) {
      const strict = await report([NPU, cpu()], { latents: 2, require: [name] });
      expect(strict.ok).toBe(false);
      expect(strict.rows[0]).toMatchObject({
        status: 'FAIL',
        reason: `Required by ${name}, but not usable: It has no device named npu.`,
      });
      expect(strict.rows[1]?.status).toBe('PASS');
    }
  });

  it.each<[ParityOptions, RegExp]>([
    [
      { require: ['npu'] },
      /got `npu`. Known: onnxruntime-node, onnxruntime-node\/npu, onnxruntime-node\/cpu\./,
    ],
    [{ tolerances: { gpu: 1 } }, /got `gpu`. Known: npu, cpu, onnxruntime-node\/npu/],
    [{ tolerances: { cpu: -1 } }, /a tolerance of at least 0, got `-1`/],
    [{ tolerances: { cpu: Number.NaN } }, /got `NaN`/],
    [{ latents: 0 }, /latents as a whole number above 0, got `0`/],
    [{ batches: [] }, /at least one batch size/],
    [{ batches: [1, 2.5] }, /a batch as a whole number above 0, got `2.5`/],
    [{ batches: [1, 5], latents: 4 }, /batches of at most the 4 latents, got `5`/],
  ])('refuses %j', async (options, message) => {
    await expect(report([NPU, cpu()], options)).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringMatching(message),
    });
  });

  it('refuses a reference that gives no numbers', async () => {
    const broken = encodeTinyGenerator({ damage: Number.NaN });
    await withReference(broken, async (reference) => {
      await expect(measureParity(GOOD, METADATA, reference, [cpu()])).rejects.toMatchObject({
        code: 'DIVERGED',
      });
    });
  });
});

describe('a float16 file', () => {
  const METADATA_HALF: GeneratorMetadata = { ...METADATA, dtype: 'float16' };
  const reportHalf = (candidate: Candidate, options: ParityOptions = {}) =>
    withReference(GOOD, (reference) =>
      measureParity(GOOD, METADATA_HALF, reference, [candidate], { latents: 10, ...options }),
    );

  it('is held to levels of an 8-bit image, at most and on average', async () => {
    const near = await reportHalf(cpu({ damage: 0.002 }));
    expect(near.dtype).toBe('float16');
    expect(near.rows[0]).toMatchObject({ status: 'PASS', unit: 'level', tolerance: 2, meanTolerance: 0.5 });
    // In values it is far beyond what a float32 file may differ.
    expect(near.rows[0]!.maxDifference).toBeGreaterThan(1e-3);

    const far = await reportHalf(cpu({ damage: 0.1 }));
    expect(far.rows[0]!.status).toBe('FAIL');
    expect(far.rows[0]!.reason).toMatch(
      /^The largest difference in levels of 8 bits is \d+, above 2: .* The mean difference .* is [\d.]+, above 0\.5\.$/,
    );
    const wide = await reportHalf(cpu({ damage: 0.1 }), { tolerances: { cpu: 255 } });
    expect(wide.rows[0]).toMatchObject({ status: 'PASS', tolerance: 255, unit: 'level' });
  });

  it('is skipped where the device turns out to have no half precision, as no float32 file is', async () => {
    const cause = new Error('Program Cast requires f16 but the device does not support it.');
    const without: Candidate = {
      ...cpu(),
      async open() {
        const session = await openSession(GOOD);
        return { ...session, run: () => Promise.reject(failedRun('onnxruntime-node', cause)) };
      },
    };
    const reason = expect.stringContaining('shader-f16');
    expect((await reportHalf(without)).rows[0]).toMatchObject({ status: 'SKIP', unavailable: true, reason });
    const required = await reportHalf(without, { require: ['onnxruntime-node'] });
    expect(required.rows[0]).toMatchObject({ status: 'FAIL', unavailable: true, reason });
    const { rows } = await report([without], { latents: 2 });
    expect(rows[0]).toMatchObject({ status: 'FAIL', reason });
    expect(rows[0]).not.toHaveProperty('unavailable');
  });

  it('of points counts levels without cutting off what lies outside the range', async () => {
    const points: GeneratorMetadata = { ...METADATA, kind: 'points' };
    const { rows } = await withReference(GOOD, (reference) =>
      measureParity(GOOD, points, reference, [cpu({ damage: 0.01 })], { latents: 5 }),
    );
    expect(rows[0]!.maxLevels).toBeCloseTo(rows[0]!.maxDifference! * 127.5, 3);
  });
});
