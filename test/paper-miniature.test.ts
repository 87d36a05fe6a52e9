/**
 * The MNIST recipe of arXiv:1406.2661 in miniature, by the command line alone: half the pixels a side and a third of the
 * units, eight epochs. Its likelihood on the paper's protocol must rise and end above a floor that neither noise nor
 * an image of means reaches. docs/paper.md has the run at full size.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ganxOk, makeWorkplace } from './support/cli.js';

const MNIST = new URL('../../shared/data/mnist', import.meta.url).pathname;
const folder = makeWorkplace();

/** Log-likelihood of the test images in nats, 1,000 samples. */
async function measure(subject: readonly string[]): Promise<number> {
  const line = ['measure', ...subject, '--data', MNIST, '--metrics', 'parzen', '--samples', '1000', '--json'];
  return JSON.parse(await ganxOk(line, folder)).measures.parzen.mean;
}

describe.skipIf(!existsSync(MNIST))('goodfellow2014/mnist in miniature', () => {
  it('learns: its likelihood rises and ends above a floor', async () => {
    const options = '--recipe goodfellow2014/mnist --size 14 --width 400 --seed 0 --out run';
    const length = '--images 400000 --snapshot-every 200000';
    await ganxOk(['train', '--data', MNIST, ...options.split(' '), ...length.split(' ')], folder);
    const likelihoods: number[] = [];
    for (const imagesSeen of ['000200000', '000400000']) {
      const snapshot = join('run', `snapshot-${imagesSeen}.safetensors`);
      await ganxOk(['export', snapshot, '-o', `${imagesSeen}.onnx`], folder);
      likelihoods.push(await measure([`${imagesSeen}.onnx`]));
    }
    // A longer run of the same was at 15.9 after 250,000 images, at 41.5 after 500,000 and at 65.3 after 1,500,000.
    expect(likelihoods[1]).toBeGreaterThan(likelihoods[0]! + 5);
    expect(likelihoods[1]).toBeGreaterThan(20);
  });
});
