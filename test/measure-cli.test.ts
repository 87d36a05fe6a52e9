/** `ganx measure` as a user has it: generators, arrays and real items against data, tables and JSON, and refusals. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeNpy } from '../src/core/npy.js';
import { type PlainTensor, plainTensor } from '../src/core/tensor.js';
import { openData } from '../src/data/index.js';
import { trainFeatures } from '../src/features/index.js';
import { findNearest, measureParzen } from '../src/measure/index.js';
import { ganx, makeWorkplace, startGanx } from './support/cli.js';
import { openOnCpu } from './support/small-training.js';

const folder = makeWorkplace();
const env = { GANX_CACHE: join(folder, 'cache') };

/** Images of the folder's `images.npy`, and others of `more.npy`. */
let images: PlainTensor;
let more: PlainTensor;

async function run(...line: string[]) {
  const outcome = await ganx(['measure', ...line], folder, { env });
  expect(outcome.stderr).not.toContain('error');
  expect(outcome.code).toBe(0);
  return outcome;
}

async function refuse(...line: string[]): Promise<string> {
  const outcome = await ganx(['measure', ...line], folder, { env });
  expect(outcome.code).toBe(1);
  return outcome.stderr;
}

beforeAll(async () => {
  const digits = await openData('digits', { count: 600, size: 16 });
  const indices = Array.from({ length: 600 }, (_, i) => i);
  images = await digits.read(indices.slice(0, 400));
  more = await digits.read(indices.slice(400));
  const features = await trainFeatures(digits, { seed: 0, openSession: openOnCpu, images: 256 });
  await digits.close();
  await writeFile(join(folder, 'images.npy'), encodeNpy(images));
  await writeFile(join(folder, 'more.npy'), encodeNpy(more));
  await writeFile(join(folder, 'features.onnx'), features);
  const values = Float32Array.from(more.data, (value) => (value / 255) * 2 - 1);
  await writeFile(join(folder, 'samples.npy'), encodeNpy(plainTensor(values, more.shape)));
});

describe('images', () => {
  it('are measured by what the library gives, as JSON', async () => {
    const metrics = 'parzen,kid,fid,precision-recall,nearest';
    const { stdout } = await run(
      ...['samples.npy', '--range', '-1,1', '--data', 'images.npy', '--test', 'more.npy'],
      ...['--features', 'features.onnx', '--metrics', metrics, '--json'],
    );
    const { subject, data, features, measures } = JSON.parse(stdout);
    expect([subject.samples, data.count, data.test.count]).toEqual([200, 400, 200]);
    expect(data.validation.from).toBe('items 333 to 399 of the data');
    expect(features).toMatchObject({ file: 'features.onnx', size: 64, task: 'labels', heldOut: 60 });
    const validation = plainTensor(images.data.slice(333 * 256), [67, 256]);
    const parzen = await measureParzen({ samples: flat(more), validation, test: flat(more) });
    expect(measures.parzen.sigma).toBe(parzen.sigma);
    // The samples went through float32 in [-1, 1] and back.
    expect(measures.parzen.mean).toBeCloseTo(parzen.mean, 2);
    // They are the test items.
    expect(measures.fid).toBeLessThan(1e-6);
    expect(measures['precision-recall']).toEqual({ precision: 1, recall: 1, k: 3 });
    const nearest = await findNearest(flat(more), flat(images));
    const least = Math.min(...nearest.map(({ distance }) => distance));
    const { sample, index, distance } = measures.nearest.closest[0];
    expect(index).toBe(nearest[sample]?.index);
    expect([distance, measures.nearest.samples.least]).toEqual([expect.closeTo(least, 5), distance]);
    expect(measures.nearest.closest).toHaveLength(10);
    expect(measures.nearest.samples.median).toBeCloseTo(measures.nearest.test.median, 5);
  });

  it('of the data itself are the yardstick, in a table that says what it rests on', async () => {
    const { stdout, stderr } = await run(
      ...['--real', '150', '--data', 'images.npy', '--test', 'more.npy', '--features', 'features.onnx'],
    );
    expect(stdout).toContain('150 real training items: 150 samples');
    for (const name of ['Parzen log-likelihood', 'KID', 'FID', 'precision', 'recall']) {
      expect(stdout).toContain(name);
    }
    expect(stdout).not.toContain('nearest');
    expect(stderr).toContain('arXiv:1511.01844');
    expect(stderr).toContain('They are no Inception features');
    expect(stderr).toMatch(/features\.onnx \(SHA-256 [0-9a-f]{12}\), which tells labels apart/);
  });

  it('come from a generator, and a part of the data stands in for a test set', async () => {
    const train = ['train', '--data', 'images.npy', '--model', 'mlp', '--width', '32', '--images', '600'];
    await ganx([...train, '--out', 'run'], folder);
    await ganx(['export', 'run', '-o', 'generator.onnx'], folder);
    const line = ['generator.onnx', '--data', 'images.npy', '--samples', '50', '--device', 'cpu'];
    const { stdout } = await run(...line, '--metrics', 'parzen,nearest', '--json');
    const { subject, data, measures } = JSON.parse(stdout);
    expect(subject.facts).toMatchObject({ model: 'mlp', seed: 0, device: 'cpu' });
    expect(data.test).toMatchObject({ count: 40 });
    expect(data.test.from).toContain('a tenth of the data');
    expect(measures.nearest).toMatchObject({ samples: { items: 50 } });
    expect(measures.nearest.test).toBeUndefined();
    // The same samples as an array give the same number.
    await ganx(['sample', 'generator.onnx', '-n', '50', '--device', 'cpu', '--npy', 'drawn.npy'], folder);
    const array = ['drawn.npy', '--range', '0,1', '--data', 'images.npy', '--metrics', 'parzen', '--json'];
    expect(JSON.parse((await run(...array)).stdout).measures.parzen.mean).toBe(measures.parzen.mean);
    expect(await refuse('run', '--data', 'images.npy')).toContain('ganx export run');
  });

  it('of MNIST-style files are tested by the t10k files beside them', async () => {
    const idx = (count: number) => {
      const head = Buffer.alloc(16);
      for (const [i, value] of [0x803, count, 16, 16].entries()) head.writeUInt32BE(value, 4 * i);
      return head;
    };
    const bytes = (tensor: PlainTensor) => Buffer.from(tensor.data as Uint8Array);
    await writeFile(join(folder, 'train-images-idx3-ubyte'), Buffer.concat([idx(400), bytes(images)]));
    await writeFile(join(folder, 't10k-images-idx3-ubyte'), Buffer.concat([idx(200), bytes(more)]));
    const line = ['--real', '100', '--data', 'train-images-idx3-ubyte', '--metrics', 'parzen', '--json'];
    const { data } = JSON.parse((await run(...line)).stdout);
    expect(data.test).toEqual({ from: 't10k-images-idx3-ubyte', count: 200 });
  });
});

describe('points', () => {
  it('of a known mixture are measured by the modes that they cover', async () => {
    const { stdout } = await run('--real', '2000', '--data', 'ring');
    expect(stdout).toMatch(/modes covered\s+8 of 8/);
    expect(stdout).toMatch(/Jensen-Shannon\s+0\.0\d+ nats/);
    expect(stdout).toContain('KID');
    const points = plainTensor(
      Float32Array.from({ length: 40 }, (_, i) => (i % 2 ? 0 : 0.7)),
      [20, 2],
    );
    await writeFile(join(folder, 'points.npy'), encodeNpy(points));
    const collapsed = await run('points.npy', '--data', 'ring', '--metrics', 'coverage', '--json');
    expect(JSON.parse(collapsed.stdout).measures.coverage).toMatchObject({ covered: 1, highQuality: 1 });
  });
});

it('stops at Ctrl-C with nothing on stdout', async () => {
  const running = startGanx(
    ['measure', '--real', '100', '--data', 'images.npy', '--metrics', 'kid'],
    folder,
    {
      env,
    },
  );
  while (!running.stderr().includes('Training a small network')) await sleep(20);
  running.child.kill('SIGINT');
  const { code, stdout, stderr } = await running.ended;
  expect([code, stdout]).toEqual([130, '']);
  expect(stderr).toContain('Stopping.');
});

describe('refusals', () => {
  it.each([
    [['--data', 'ring'], 'either a file of a generator or of samples, or --real COUNT'],
    [['samples.npy', '--real', '10', '--data', 'ring'], 'got `both`'],
    [['--real', '10'], '[--data] Expected the data'],
    [['--real', '10', '--data', 'ring', '--metrics', 'beauty'], 'measures of parzen, kid, fid'],
    [['--real', '500', '--data', 'images.npy', '--metrics', 'fid'], 'at most 400 items'],
    [['--real', '10', '--data', 'images.npy', '--metrics', 'coverage'], 'ring, grid, gaussian'],
    [['samples.npy', '--data', 'images.npy'], 'Say which values are black and white'],
    [['nothing.onnx', '--data', 'ring'], 'nothing.onnx'],
    [['samples.npy', '--range', '-1,1', '--data', 'ring'], 'samples of 1×1×2'],
    [['--real', '100', '--data', 'images.npy', '--metrics', 'kid', '--features', 'images.npy'], 'ONNX'],
  ])('%j', async (line, what) => {
    expect(await refuse(...line)).toContain(what);
  });
});

it('leaves nothing in the cache when a network is named', async () => {
  await expect(readFile(env.GANX_CACHE)).rejects.toThrow('ENOENT');
});

function flat({ data, shape }: PlainTensor): PlainTensor {
  return plainTensor(data, [shape[0]!, data.length / shape[0]!]);
}
