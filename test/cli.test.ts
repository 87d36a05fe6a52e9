/** The whole way through the built command line: train, export, sample, check, look; on tiny trainings. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { onnxruntimeNode } from '../runtimes/onnxruntime-node.js';
import { decodeNpy } from '../src/core/npy.js';
import { expectRefusal, ganx, ganxOk, makeWorkplace } from './support/cli.js';

const folder = makeWorkplace();
const TINY = ['--data', 'digits', '--model', 'dcgan', '--width', '4', '--batch', '8', '--images', '400'];

const run = (line: string): Promise<string> => ganxOk(line.split(' '), folder);
const bytesOf = (name: string): Promise<Buffer> => readFile(join(folder, name));
const arrayOf = async (name: string) => decodeNpy(await bytesOf(name));

let trained: string;
let exported: string;

beforeAll(async () => {
  trained = await ganxOk(['train', ...TINY, '--out', 'run'], folder);
  exported = await run('export run');
});

describe('ganx train', () => {
  it('prints where the run is and what comes next, and fills the run folder', async () => {
    expect(trained).toMatch(
      /^Trained on 400 images in \d+ s \(\d+ % of it in the engine\): run\nNext: ganx export run /,
    );
    const every = [0, 40, 80, 120, 160, 200, 240, 280, 320, 360, 400].map((n) => String(n).padStart(9, '0'));
    expect((await readdir(join(folder, 'run'))).sort()).toEqual([
      ...every.map((n) => `fakes-${n}.png`),
      'options.json',
      'reals.png',
      ...every.slice(1).map((n) => `snapshot-${n}.safetensors`),
      'stats.jsonl',
      'timing.jsonl',
      ...every.slice(-2).map((n) => `training-state-${n}.safetensors`),
    ]);
    const options = JSON.parse((await bytesOf('run/options.json')).toString());
    expect(options).toMatchObject({ model: 'dcgan', batch: 8, images: 400, seed: 0, engine: 'onnxruntime' });
    const lines = (name: string) =>
      bytesOf(`run/${name}`).then((bytes) =>
        bytes
          .toString()
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      );
    expect(await lines('stats.jsonl')).toEqual([
      expect.objectContaining({ steps: 20, imagesSeen: 160, lossD: expect.any(Number) }),
      expect.objectContaining({ steps: 40, imagesSeen: 320, lossG: expect.any(Number) }),
    ]);
    expect(await lines('timing.jsonl')).toHaveLength(10);
    for (const name of ['reals.png', 'fakes-000000400.png'])
      expect((await sharp(await bytesOf(`run/${name}`)).stats()).entropy).toBeGreaterThan(0.1);
  });

  it('gives the same bytes for the same seed, and others for another', async () => {
    await ganxOk(['train', ...TINY, '--out', 'again', '--seed', '0'], folder);
    await run('export again -o again.onnx');
    expect((await bytesOf('again.onnx')).equals(await bytesOf('generator.onnx'))).toBe(true);
    await ganxOk(['train', ...TINY, '--out', 'other', '--seed', '1'], folder);
    const snapshot = 'snapshot-000000400.safetensors';
    expect((await bytesOf(`other/${snapshot}`)).equals(await bytesOf(`run/${snapshot}`))).toBe(false);
  });

  it('goes on with more images, and remembers how many', async () => {
    const stdout = await run('train --resume again --images 480');
    expect(stdout).toMatch(/^Trained on 480 images/);
    expect(await readdir(join(folder, 'again'))).toContain('snapshot-000000480.safetensors');
    expect(JSON.parse((await bytesOf('again/options.json')).toString()).images).toBe(480);
    expect(await run('train --resume again')).toMatch(/^Nothing left to do: it has seen 480 images\./);
  });

  it('learns points and plots them', async () => {
    await run('train --data ring --model mlp --width 16 --batch 8 --images 400 --out points');
    await run('export points -o points.onnx');
    expect(await run('sample points.onnx -n 500 -o plot.png --npy points.npy')).toContain(
      'plot.png: 500 points\npoints.npy: float32 [500, 1, 1, 2]\n',
    );
    const { width, height } = await sharp(await bytesOf('plot.png')).metadata();
    expect(Math.min(width, height)).toBeGreaterThan(100);
    expectRefusal(
      await ganx(['sample', 'points.onnx', '--out-dir', 'p'], folder),
      'Expected images for --out-dir, got `points`.',
    );
  });
});

describe('ganx export', () => {
  it('says what it wrote, how near it is, and what comes next', () => {
    expect(exported).toMatch(/^generator\.onnx: dcgan after 400 images, .* from run\/snapshot-000000400\./);
    expect(exported).toMatch(/Within \S+e-\d+ of the live generator on 64 latents/);
    expect(exported).toContain('Next: ganx sample generator.onnx');
  });

  it('takes one snapshot as well as a run', async () => {
    await run('export run/snapshot-000000400.safetensors -o last.onnx');
    expect((await bytesOf('last.onnx')).equals(await bytesOf('generator.onnx'))).toBe(true);
    await run('export run/snapshot-000000200.safetensors -o half.onnx');
    expect((await bytesOf('half.onnx')).equals(await bytesOf('generator.onnx'))).toBe(false);
  });

  it('writes nchw, whose samples are the same images', async () => {
    await run('export run --layout nchw -o nchw.onnx');
    await run('sample nchw.onnx -n 5 --seed 3 --npy nchw.npy');
    await run('sample generator.onnx -n 5 --seed 3 --npy nhwc.npy');
    const [nchw, nhwc] = [await arrayOf('nchw.npy'), await arrayOf('nhwc.npy')];
    expect(nchw.shape).toEqual([5, 28, 28, 1]);
    expect(nchw.shape).toEqual(nhwc.shape);
    // The two files differ by one Transpose at most, which moves values and computes none.
    expect(nchw.data).toEqual(nhwc.data);
  });
});

describe('ganx sample', () => {
  it('draws a sheet, single files and arrays in one go', async () => {
    const stdout = await run(
      'sample generator.onnx -n 5 --seed 7 -o sheet.png --out-dir files --npy a.npy --save-latents z.npy',
    );
    expect(stdout).toBe(
      'sheet.png: 5 images\nfiles: 5 files\na.npy: float32 [5, 28, 28, 1]\nz.npy: float32 [5, 100]\n',
    );
    expect((await readdir(join(folder, 'files'))).sort()).toEqual(
      [0, 1, 2, 3, 4].map((i) => `seed-7-00000000${i}.png`),
    );
    const images = await arrayOf('a.npy');
    expect(images.data.every((value) => value >= -1 && value <= 1)).toBe(true);
    const one = await sharp(await bytesOf('files/seed-7-000000002.png'))
      .toColourspace('b-w')
      .raw()
      .toBuffer();
    const wanted = images.data.subarray(2 * 784, 3 * 784);
    expect(one.length).toBe(784);
    expect(one.every((byte, i) => Math.abs(byte - (wanted[i]! + 1) * 127.5) <= 1)).toBe(true);
    const z = await arrayOf('z.npy');
    expect(z.shape).toEqual([5, 100]);
    expect(new Set(z.data).size).toBe(500);
  });

  it('gives sample i of seed s whatever the batch and the first number', async () => {
    await run('sample generator.onnx -n 5 --seed 7 --npy all.npy --batch 5');
    await run('sample generator.onnx -n 3 --seed 7 --from 2 --batch 2 --npy some.npy --out-dir some');
    await run('sample generator.onnx -n 5 --seed 8 --npy eight.npy');
    const [all, some, eight] = [
      await bytesOf('all.npy'),
      await bytesOf('some.npy'),
      await bytesOf('eight.npy'),
    ];
    const last = 3 * 784 * 4;
    expect(some.subarray(-last).equals(all.subarray(-last))).toBe(true);
    expect(eight.equals(all)).toBe(false);
    expect((await readdir(join(folder, 'some'))).sort()[0]).toBe('seed-7-000000002.png');
  });

  it('draws 64 into samples.png when nothing is asked for, on the runtime that is named', async () => {
    const { stdout, stderr } = await ganx(['sample', 'generator.onnx', '--device', 'wasm'], folder);
    expect(stdout).toBe('samples.png: 64 images\n');
    expect(stderr).toMatch(
      /^64 images from onnxruntime-web [\d.]+ on wasm \(wasm, 1 thread\), \d+ a second\n$/,
    );
    expect(existsSync(join(folder, 'samples.png'))).toBe(true);
  });
});

describe('ganx parity', () => {
  it('prints JSON and nothing else', async () => {
    // Little enough that there is no progress to tell, which would go to stderr.
    const line = 'parity run --only onnxruntime-node/cpu --latents 16 --json';
    const { code, stdout, stderr } = await ganx(line.split(' '), folder);
    const report = JSON.parse(stdout);
    expect({ code, ok: report.ok, reference: report.reference.runtime }).toEqual({
      code: 0,
      ok: true,
      reference: 'tfjs-live',
    });
    expect(report.rows.find((row: { device: string }) => row.device === 'cpu')).toMatchObject({
      status: 'PASS',
    });
    expect(stderr).toBe('');
  });

  it('makes a SKIP of what is required a FAIL', async (context) => {
    const name = 'onnxruntime-node/cuda';
    if ((await onnxruntimeNode.probe('cuda')).ok) return context.skip('CUDA works here.');
    const only = `onnxruntime-node/cpu,${name}`;
    const line = ['parity', 'generator.onnx', '--only', only, '--require', name];
    const { code, stdout } = await ganx(line, folder);
    expect(code).toBe(1);
    expect(stdout).toMatch(new RegExp(`^FAIL +${name} .*Required by ${name}`, 'm'));
    expect(stdout).toMatch(/^PASS +onnxruntime-node\/cpu/m);
  });
});
