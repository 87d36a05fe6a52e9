/**
 * What the parity report says, on small real files: passes, failures of every kind, skips, and that what is required
 * cannot be skipped.
 */
import { describe, expect, it } from 'vitest';
import { onnxruntimeNode } from '../runtimes/onnxruntime-node.js';
import type { GeneratorMetadata } from '../src/core/metadata.js';
import type { Session } from '../src/core/types.js';
import { type Candidate, measureParity, type ParityOptions } from '../src/measure/index.js';
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
    });
    // ONNX Runtime may take another matrix kernel at another batch size.
    expect(rows[0]!.maxDifference).toBeLessThan(1e-6);
    expect(rows[0]!.meanDifference).toBeLessThanOrEqual(rows[0]!.maxDifference!);
    expect(rows[0]!.durationMs).toBeGreaterThan(0);
    expect(rows[0]).not.toHaveProperty('reason');
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

  it('fails by the difference, and says where', async () => {
    const { rows, ok } = await report([cpu({ damage: 0.01 }), cpu()], { latents: 10 });
    expect(ok).toBe(false);
    expect(rows.map(({ status }) => status)).toEqual(['FAIL', 'PASS']);
    expect(rows[0]!.maxDifference).toBeGreaterThan(1e-3);
    expect(rows[0]!.reason).toMatch(
      /^The largest difference is 0\.\d+, above 0\.00001: value \d+ of latent \d at batch [15]\.$/,
    );
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
    expect(rows[0]).toMatchObject({ status: 'SKIP', reason: 'It has no device named npu.', latents: 0 });
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
