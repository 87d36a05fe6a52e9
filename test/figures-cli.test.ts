/** `ganx figures` as a user has it: what it writes, prints, goes on with, and refuses; on tiny trainings. */
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeNpy } from '../src/core/npy.js';
import { uniform } from '../src/core/random.js';
import { plainTensor } from '../src/core/tensor.js';
import { openData } from '../src/data/index.js';
import { expectRefusal, ganx, ganxOk, makeWorkplace } from './support/cli.js';

const folder = makeWorkplace();
const run = (line: string): Promise<string> => ganxOk(line.split(' '), folder);
const refuse = (line: string) => ganx(line.split(' '), folder);
const bytesOf = (name: string): Promise<Buffer> => readFile(join(folder, name));
const factsOf = async (out: string) => JSON.parse((await bytesOf(`${out}/figures.json`)).toString());
const linesOf = async (name: string): Promise<string[]> =>
  (await bytesOf(name)).toString().trim().split('\n');

/** Built-in digits in a file: a run on few of them is opened again in no time. */
async function writeDigits(name: string, seed: number, count: number): Promise<void> {
  const data = await openData('digits', { seed, count });
  const images = await data.read(Uint32Array.from({ length: count }, (_, i) => i));
  await writeFile(join(folder, name), encodeNpy(images));
  await data.close();
}

beforeAll(async () => {
  await writeDigits('digits.npy', 0, 600);
  await writeDigits('test.npy', 1, 100);
  const tiny = '--model mlp --width 24 --batch 8 --images 640 --snapshot-every 320';
  await run(`train --data digits.npy ${tiny} --out run`);
});

describe('ganx figures', () => {
  it('writes pictures, page and numbers, and measures every snapshot once', async () => {
    const line = 'figures run --samples 120 --curve --test test.npy --device cpu';
    const stdout = await run(line);
    const names = ['samples', 'interpolation', 'losses', 'beliefs', 'likelihood'].map(
      (name) => `${name}.png`,
    );
    const files = [...names, 'index.html', 'figures.json'].map((name) => `run/figures/${name}`);
    expect(stdout.split('\n').slice(0, files.length)).toEqual(files);
    const facts = await factsOf('run/figures');
    const [ours, yardstick] = facts.table.slice(4);
    const text = ({ mean, standardError }: { mean: number; standardError: number }) =>
      `${mean.toFixed(1)} ± ${standardError.toFixed(1)}`.replace('-', '\u2212');
    expect(stdout).toContain(`ganx mlp, this run: Parzen log-likelihood ${text(ours.other)} nats`);
    expect(stdout).toContain(`Real images as samples: Parzen log-likelihood ${text(yardstick.other)} nats`);
    expect(facts.measured.generator).toMatchObject({ samples: 120, tested: 100 });
    expect(facts.measured.yardstick).toMatchObject({ samples: 120, tested: 100 });
    expect(facts.measured).toMatchObject({ testFrom: 'test.npy', separate: true });
    expect(facts.imagesSeen).toBe(640);

    const lines = (await linesOf('run/parzen.jsonl')).map((one) => JSON.parse(one));
    expect(lines.map(({ imagesSeen, samples }) => [imagesSeen, samples])).toEqual([
      [320, 120],
      [640, 120],
    ]);
    // σ of the last snapshot is chosen on the same items here as there.
    expect(lines[1].sigma).toBe(facts.measured.generator.sigma);
    expect(lines[1].validation).toBe(
      Math.max(...facts.measured.generator.validation.map(({ mean }: { mean: number }) => mean)),
    );

    // A run that went on has a third snapshot: the two lines stay, one is added.
    await run('train --resume run --images 960');
    const before = await bytesOf('run/parzen.jsonl');
    await run(line);
    const after = await bytesOf('run/parzen.jsonl');
    expect(after.subarray(0, before.length)).toEqual(before);
    expect(await linesOf('run/parzen.jsonl')).toHaveLength(3);
    expect((await factsOf('run/figures')).likelihoods).toHaveLength(3);
  });

  it('draws from any snapshot or file, the same bytes each time, without measuring', async () => {
    const snapshot = 'snapshot-000000320.safetensors';
    await run(`figures run --no-parzen --seed 4 --snapshot ${snapshot} --out one`);
    await run(`export run/${snapshot} -o early.onnx`);
    await run('figures run --no-parzen --seed 4 --generator early.onnx --out other');
    for (const name of ['samples.png', 'interpolation.png', 'losses.png', 'index.html'])
      expect((await bytesOf(`one/${name}`)).equals(await bytesOf(`other/${name}`))).toBe(true);
    const facts = await factsOf('one');
    expect([facts.imagesSeen, facts.seed, facts.table.length]).toEqual([320, 4, 4]);
    expect((await bytesOf('one/index.html')).toString()).toContain('--no-parzen');
  });

  it('plots points', async () => {
    await run('train --data ring --model mlp --width 16 --batch 8 --images 400 --out points');
    const stdout = await run('figures points');
    expect(stdout).toContain('points/figures/samples.png');
    expect(stdout).not.toContain('log-likelihood');
  });

  it('takes data without test images, in colour, that has moved', async () => {
    const pixels = uniform(1, 'pixels', 0, 200 * 28 * 28 * 3, 0, 255).map(Math.floor);
    const array = plainTensor(Uint8Array.from(pixels), [200, 28, 28, 3]);
    await writeFile(join(folder, 'data.npy'), encodeNpy(array));
    await run(
      'train --data data.npy --model dcgan --width 4 --batch 8 --images 80 --rows 0:150 --out colour',
    );
    await rename(join(folder, 'data.npy'), join(folder, 'moved.npy'));
    expectRefusal(await refuse('figures colour'), 'data.npy', 'nothing there', '--data');
    await run('figures colour --data moved.npy --samples 50');
    const { measured, table } = await factsOf('colour/figures');
    expect(measured).toMatchObject({ separate: false, generator: { samples: 50, tested: 20 } });
    expect(measured.yardstick).toBeUndefined();
    expect(table.at(-1)).toMatchObject({
      model: 'ganx dcgan, this run',
      other: { mean: expect.any(Number) },
    });
    const page = (await bytesOf('colour/figures/index.html')).toString();
    expect(page).toContain('may be among those');

    await writeFile(
      join(folder, 'other.npy'),
      encodeNpy({ ...array, data: array.data.map((value) => value ^ 1) }),
    );
    expectRefusal(await refuse('figures colour --data other.npy'), 'the data that the run was trained on');
  });

  it('refuses what is no run, and a generator of another one, before it writes', async () => {
    expectRefusal(await refuse('figures .'), 'Expected a run folder', 'ganx train');
    expectRefusal(await refuse('figures nowhere'), 'nothing there');
    await run('export points -o points.onnx');
    expectRefusal(
      await refuse('figures run --no-parzen --generator points.onnx --out bad'),
      'Expected a generator of [28, 28, 1], as digits is, got `[1, 1, 2]`',
    );
    expectRefusal(await refuse('figures run --samples none'), '--samples');
    expect(existsSync(join(folder, 'bad'))).toBe(false);
  });

  it('explains itself', async () => {
    const help = await run('figures --help');
    for (const part of ['--curve', '--quick', '--no-parzen', '--snapshot', '--samples', 'ganx figures runs/'])
      expect(help).toContain(part);
  });
});
