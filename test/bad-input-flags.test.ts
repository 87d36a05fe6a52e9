/** Command lines that cannot be: each is refused with one sentence, exit code 1, and nothing on the disk. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal, ganx, ganxOk, makeWorkplace } from './support/cli.js';

const folder = makeWorkplace();
const TINY = 'train --data ring --model mlp --width 8 --batch 8 --images 80 --snapshot-every 80';
let before: string[];

const listAll = async (): Promise<string[]> => (await readdir(folder, { recursive: true })).sort();

beforeAll(async () => {
  await ganxOk([...TINY.split(' '), '--out', 'run'], folder);
  await ganxOk(['export', 'run'], folder);
  await mkdir(join(folder, 'full'));
  await writeFile(join(folder, 'full', 'letter.txt'), 'dear');
  before = await listAll();
});

/** What every refused command must leave behind: what there was. */
async function expectRefused(line: string, ...parts: readonly string[]): Promise<void> {
  expectRefusal(await ganx(line.split(' '), folder), ...parts);
  expect(await listAll()).toEqual(before);
}

const NAMES = {
  verbs:
    'train, export, sample, merge, serve, embed, measure, figures, parity, lint, info, doctor, setup, demo',
  models: 'mlp, dcgan',
  runtimes: 'onnxruntime-node, onnxruntime-web, ganx-wasm, tensorflow',
};

describe('an unknown name lists the known ones', () => {
  it.each([
    ['smaple generator.onnx', `[ganx] Expected a verb: ${NAMES.verbs}`, 'got `smaple`'],
    ['train --data digits --model gpt', `Expected a model of ${NAMES.models}`, 'got `gpt`'],
    [
      `${TINY} --engine torch`,
      '[--engine] Expected one of auto, onnxruntime, tensorflow, tfjs',
      'got `torch`',
    ],
    [`${TINY} --device tpu`, '[--device] Expected a device of cpu, webgpu, cuda, wasm', 'got `tpu`'],
    [`${TINY} --engine auto --device tpu`, 'Expected a device of cpu, webgpu, cuda, wasm', 'got `tpu`'],
    [`${TINY} --engine onnxruntime --device wasm`, 'the engine onnxruntime: cpu, webgpu, cuda', 'got `wasm`'],
    [
      `${TINY} --engine tensorflow --device wasm`,
      'a device of the engine tensorflow: cpu, cuda',
      'got `wasm`',
    ],
    [`${TINY} --engine tfjs --device cuda`, 'a device of the engine tfjs: cpu, wasm', 'got `cuda`'],
    [`${TINY} --optimizer lion`, 'Expected one of adam, momentum', 'got `lion`'],
    [`${TINY} --out x --colour red`, '[train] Expected a flag of --data, --model, ', 'got `--colour`'],
    ['sample generator.onnx --runtime onnx', `[--runtime] Expected one of ${NAMES.runtimes}`, 'got `onnx`'],
    ['sample generator.onnx --device tpu', 'a device of auto, cpu, cuda, webgpu, wasm', 'got `tpu`'],
    ['sample generator.onnx --runtime tensorflow --device cuda', 'a device of tensorflow: cpu', 'got `cuda`'],
    [
      'sample generator.onnx -z',
      'Expected a flag of --count, --seed,',
      'got `-z`',
      'See `ganx sample --help`',
    ],
    ['parity generator.onnx --require abacus', 'Known: onnxruntime-node, ', 'got `abacus`'],
    [
      'doctor --require abacus',
      'Known: chromium, ganx-wasm, ganx-wasm/wasm, onnxruntime, onnxruntime-node',
      'got `abacus`',
    ],
    ['export run --layout chwn', '[--layout] Expected one of nhwc, nchw', 'got `chwn`'],
  ])('%s', async (line, ...parts) => {
    await expectRefused(line, ...parts);
  });
});

describe('a number out of range, or none at all', () => {
  it.each([
    ['--count', '0'],
    ['--count', '1e9'],
    ['--count', 'abc'],
    ['--count', '-1'],
    ['--count', '1.5'],
    ['--seed', '-1'],
    ['--seed', 'abc'],
    ['--seed', '9007199254740992'],
    ['--from', '-5'],
    ['--batch', '0'],
  ])('sample %s %s', async (flag, value) => {
    await expectRefused(
      `sample generator.onnx ${flag} ${value}`,
      `[${flag}] Expected a whole number from `,
      `got \`${value}\``,
    );
  });

  it.each([
    ['--batch', '0', 'a whole number from 1 to 65536'],
    ['--images', 'many', 'a whole number from 1 to'],
    ['--learning-rate', '-0.1', 'a number from 1e-12 to 1000'],
    ['--learning-rate', 'Infinity', 'a number from'],
    ['--channels', '2', 'one of 1, 3'],
  ])('train %s %s', async (flag, value, what) => {
    const line = 'train --data digits --model dcgan --out x';
    await expectRefused(`${line} ${flag} ${value}`, `[${flag}] Expected ${what}`, `got \`${value}\``);
  });

  it('export --opset and --tolerance', async () => {
    await expectRefused('export run -o x.onnx --opset 99', 'Expected opset 17, got `99`');
    await expectRefused('export run -o x.onnx --tolerance -1', '[--tolerance] Expected a number from 0 to 1');
  });

  it('a sheet that would not fit into memory', async () => {
    await expectRefused(
      'sample generator.onnx -n 100000000',
      'points on one sheet',
      'Use --out-dir or --npy',
    );
  });
});

describe('a command line that is not whole', () => {
  it.each([
    ['sample', 'Expected a whole command line', 'got 0, need at least 1', '--help'],
    ['sample generator.onnx --count', 'Not enough arguments following: count'],
    ['sample generator.onnx --seed 1 --seed 2', '[--seed] Expected one value, got `1 2`'],
    ['sample generator.onnx --dtype uint8', '[--dtype] Expected --npy with it', 'got `uint8`'],
    ['sample generator.onnx another.onnx', 'Expected one file, got `generator.onnx another.onnx`'],
    ['sample generator.onnx --npy=', '[--npy] Expected a value'],
    ['doctor here', '[doctor] Expected flags only, got `here`'],
    ['train --model mlp', 'Expected --data, got `none`', '--resume RUN'],
    ['train --data ring', ') or --recipe, got `none`'],
    ['train --resume run --batch 4', 'Expected only --images, --engine, --device, --data beside --resume'],
  ])('%s', async (line, ...parts) => {
    await expectRefused(line, ...parts);
  });
});

describe('an output folder that cannot be taken', () => {
  it('because it holds a run: points at --resume', async () => {
    await expectRefused(
      `${TINY} --out run`,
      'Expected a new or empty output folder, got `run`',
      '--resume run',
    );
  });

  it('because it holds something else', async () => {
    await expectRefused(`${TINY} --out full`, 'got `full`', 'Choose another --out.');
  });

  it('because a part of its path is a file', async () => {
    const remedy = 'A part of that path is a file where a folder is needed';
    await expectRefused(`${TINY} --out generator.onnx`, 'generator.onnx', remedy);
    await expectRefused(`${TINY} --out generator.onnx/deep/run`, 'generator.onnx/deep/run', remedy);
    await expectRefused('export run -o generator.onnx/x.onnx', 'to write generator.onnx/x.onnx', remedy);
    await expectRefused('sample generator.onnx --npy generator.onnx/x.npy', 'generator.onnx/x.npy', remedy);
    await expectRefused('sample generator.onnx -o run', 'to write run', 'That path is a folder');
    await expectRefused('sample generator.onnx --npy run', 'to write run', 'That path is a folder');
  });

  it.skipIf(process.platform !== 'linux')('because the system makes none there', async () => {
    await expectRefused(`${TINY} --out /proc/run`, 'Expected to make the folder /proc/run, got `ENOENT');
    await expectRefused('sample generator.onnx -o /proc/a/b.png', 'Expected to write /proc/a/b.png');
  });

  it('because the tolerance is not met: no file', async () => {
    await expectRefused(
      'export run --tolerance 0 -o x.onnx',
      'Expected images within 0 of the live generator',
      'No file was written.',
    );
  });
});
