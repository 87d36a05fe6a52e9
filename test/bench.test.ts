/**
 * The parts of the training benchmark that could be wrong in silence: what the profile counts, the products that it
 * finds, and the talk with PyTorch. Speeds are nobody's business here.
 */
import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { listProducts } from '../bench/limit.js';
import { enterPeer } from '../bench/peer.js';
import { timeNode } from '../bench/single-node.js';
import { profileStep, reportProfile, type StepProfile } from '../bench/step-profile.js';
import { prepareWorkload, type Workload } from '../bench/workload.js';

const WIDTH = 40;
const BATCH = 8;
const PIXELS = 28 * 28;

let workload: Workload;

beforeAll(async () => {
  const build = { imageShape: [28, 28, 1] as const, width: WIDTH };
  workload = await prepareWorkload({ title: 'small', model: 'mlp', build, batch: BATCH });
});

afterAll(() => workload.close());

/** Multiplications and additions of one step's products, from the layers' sizes: [in, out] each. */
function countOperations(): number {
  const sum = (layers: readonly (readonly [number, number])[]): number =>
    layers.reduce((all, [inputs, outputs]) => all + 2 * BATCH * inputs * outputs, 0);
  const units = WIDTH / 5;
  const generator = [
    [100, WIDTH],
    [WIDTH, WIDTH],
    [WIDTH, PIXELS],
  ] as const;
  const discriminator = [
    [PIXELS, 5 * units],
    [units, 5 * units],
    [units, 1],
  ] as const;
  // D's descent: fakes; for reals and fakes D forward, its weights' gradients, and those of all inputs but the images'.
  const descentOfD = sum(generator) + 4 * sum(discriminator) + 2 * sum(discriminator.slice(1));
  // G's: G and D forward, the gradients of D's inputs, of G's weights, and of all of G's inputs but the latents.
  const descentOfG = 2 * sum(generator) + sum(generator.slice(1)) + 2 * sum(discriminator);
  return descentOfD + descentOfG;
}

describe('the profile of a step', () => {
  let profile: StepProfile;

  beforeAll(async () => {
    profile = await profileStep(workload);
  });

  it('counts every kernel once, and no loop beside its body', () => {
    expect(profile.kernelMs).toBeGreaterThan(0);
    expect(profile.kernelMs).toBeLessThan(profile.wallMs);
    expect(profile.kernels.map(({ op }) => op)).not.toContain('Loop');
    const products = profile.kernels.filter(({ op }) => op === 'Gemm');
    expect(products.length % profile.steps).toBe(0);
    expect(products.length).toBeGreaterThan(0);
  });

  it('reports all of the wall time', () => {
    const { rows } = reportProfile('small', profile);
    const [kernels, outside] = rows.slice(-2).map((row) => Number.parseFloat(row[3]!));
    expect(kernels! + outside!).toBeCloseTo(100, 0);
  });

  it('finds the products of the step, with all of its arithmetic', async () => {
    const products = await listProducts(profile);
    const operations = products.reduce((sum, product) => sum + product.operations * product.countPerStep, 0);
    // Sums may be written as products with a row of ones, which adds a little.
    expect(operations).toBeGreaterThanOrEqual(countOperations());
    expect(operations).toBeLessThan(1.1 * countOperations());
  });

  it('times a product by itself', async () => {
    const [product] = await listProducts(profile);
    const ms = await timeNode(product!);
    expect(ms).toBeGreaterThan(0);
    expect(ms).toBeLessThan(1000);
  });
});

describe('PyTorch', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('says how to get it where there is no Python', async () => {
    vi.stubEnv('GANX_TORCH_PYTHON', 'no-such-python');
    await expect(enterPeer('eager', workload)).rejects.toMatchObject({
      code: 'RUNTIME_UNAVAILABLE',
      message: expect.stringMatching(/no-such-python ENOENT.*pip install torch/),
    });
  });

  it('trains the same network and tells its losses', async ({ skip }) => {
    const python = process.env.GANX_TORCH_PYTHON || 'python3';
    try {
      execFileSync(python, ['-c', 'import torch'], { stdio: 'pipe' });
    } catch {
      skip(`${python} has no PyTorch`);
    }
    const peer = await enterPeer('eager', workload);
    try {
      // Glorot's weights give logits of the order of 1, so that D's loss begins in the neighbourhood of log 2.
      expect(peer.firstLossD).toBeGreaterThan(0.2);
      expect(peer.firstLossD).toBeLessThan(3);
      const { lossD, wallMs, cpuMs } = await peer.run(40);
      expect(lossD).toBeLessThan(peer.firstLossD);
      expect(wallMs).toBeGreaterThan(0);
      expect(cpuMs).toBeGreaterThan(0);
      const operators = await peer.profile!(2);
      expect(operators['aten::addmm']).toBeGreaterThan(0);
    } finally {
      await peer.dispose();
    }
  }, 180_000);
});
