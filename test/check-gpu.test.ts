/**
 * `npm run check:gpu`: what is packed comes out of its pieces as it went in, a machine that gets them one at a time runs
 * the check with nothing but them, and what cannot run there says SKIP and why. The GPU's own part needs a GPU.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeEnding, encodeEnding, endWithError } from '../bench/check-gpu/answer.js';
import { LIST, packFolder, splitInPieces, writeList } from '../bench/check-gpu/pieces.js';
import { measureThroughput } from '../bench/check-gpu/throughput.js';
import { compareTraining, SMALL_SUBJECTS, TOLERANCE } from '../bench/check-gpu/training.js';
import { onnxruntimeNode } from '../runtimes/onnxruntime-node.js';
import { expected } from '../src/core/errors.js';
import { uniform } from '../src/core/random.js';
import { makeWorkplace } from './support/cli.js';
import { encodeSmallGenerator } from './support/small-generator.js';

const workplace = makeWorkplace();
const MAIN = fileURLToPath(new URL('../dist/bench/check-gpu/main.js', import.meta.url));
const SCRIPT = fileURLToPath(new URL('../bench/check-gpu/run-there.sh', import.meta.url));
const isLinux = process.platform === 'linux';

/** Bytes that gzip cannot make smaller. */
function makeNoise(size: number): Buffer {
  return Buffer.from(uniform(1, 'noise', 0, size).map((value) => value * 256)).subarray(0, size);
}

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program's end, without a GPU and without a Vulkan driver, whatever this machine has. */
function run(program: string, arguments_: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const without = { CUDA_VISIBLE_DEVICES: '-1', VK_DRIVER_FILES: 'none.json', VK_ICD_FILENAMES: 'none.json' };
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...without, ...env } };
    execFile(program, arguments_, options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

describe('pieces', () => {
  it.each([
    ['a rest', 2500, [1000, 1000, 500]],
    ['no rest', 2000, [1000, 1000]],
    ['less than one', 7, [7]],
    ['nothing', 0, []],
  ])('hold every byte once, in order, with %s', async (title, size, sizes) => {
    const folder = join(workplace, `pieces ${title}`);
    await mkdir(folder);
    const bytes = makeNoise(size);
    const pieces = await splitInPieces(inChunks(bytes, 333), folder, 'part', 1000);
    expect(pieces.map(({ sizeBytes }) => sizeBytes)).toEqual(sizes);
    const contents = await Promise.all(pieces.map(({ name }) => readFile(join(folder, name))));
    expect(Buffer.concat(contents).equals(bytes)).toBe(true);
    for (const [i, { sha256 }] of pieces.entries())
      expect(sha256).toBe(createHash('sha256').update(contents[i]!).digest('hex'));
    expect((await readdir(folder)).sort()).toEqual(pieces.map(({ name }) => name));
  });

  it.skipIf(!isLinux)('become the folder again with cat and tar', async () => {
    const [from, to, back] = ['from', 'to', 'back'].map((name) => join(workplace, name)) as [
      string,
      string,
      string,
    ];
    for (const folder of [join(from, 'deep'), to, back]) await mkdir(folder, { recursive: true });
    const noise = makeNoise(300_000);
    await writeFile(join(workplace, 'linked'), noise);
    await symlink(join(workplace, 'linked'), join(from, 'deep', 'linked'));
    await writeFile(join(from, 'program'), '#!/bin/sh\n');
    await chmod(join(from, 'program'), 0o755);
    const pieces = await packFolder(from, to, 'part', 100_000, 1);
    expect(pieces.length).toBe(4);
    await writeList(to, pieces);
    const join_ = `cd "${to}" && sha256sum -c ${LIST} && cat part-* | tar -xzf - -C "${back}"`;
    expect(await run('sh', ['-c', join_])).toMatchObject({ code: 0 });
    expect((await readFile(join(back, 'deep', 'linked'))).equals(noise)).toBe(true);
    expect((await stat(join(back, 'program'))).mode & 0o777).toBe(0o755);
  });
});

describe.skipIf(!isLinux)('run-there.sh', () => {
  it('puts more than a hundred pieces together in their order', async () => {
    const [from, to] = ['many', 'carried'].map((name) => join(workplace, name)) as [string, string];
    await mkdir(from);
    await mkdir(to);
    await writeFile(join(from, 'noise'), makeNoise(130_000));
    await writeFile(join(from, 'node'), '#!/bin/sh\ncd "$(dirname "$0")" && sha256sum noise\n');
    await chmod(join(from, 'node'), 0o755);
    const pieces = await packFolder(from, to, 'part', 1000, 1);
    expect(pieces.length).toBeGreaterThan(100);
    await writeList(to, pieces);
    await cp(SCRIPT, join(to, 'run-there.sh'));
    const store = join(workplace, 'store of many');
    const { code, stdout } = await run('sh', [join(to, 'run-there.sh')], { GANX_CHECK_STORE: store });
    const digest = createHash('sha256').update(makeNoise(130_000)).digest('hex');
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${digest}  noise\n` });
  });
});

describe('the answer of a job', () => {
  it('keeps numbers that JSON cannot write', () => {
    const result = {
      largest: Number.NaN,
      loss: Number.NEGATIVE_INFINITY,
      list: [1, Number.POSITIVE_INFINITY],
    };
    expect(decodeEnding(encodeEnding({ result }))).toEqual({ result });
  });

  it('is a failure when it threw, and when it breaks off', () => {
    const error = expected('somewhere', 'a device', 'none');
    expect(decodeEnding(encodeEnding(endWithError(error)))).toEqual({
      failure: '[somewhere] Expected a device, got `none`.',
      code: 'BAD_ARGUMENT',
    });
    const cut = encodeEnding({ result: 'whole' }).slice(0, -3);
    expect(decodeEnding(cut)).toEqual({ failure: expect.stringMatching(/broke off/) });
  });
});

describe('the speed of sampling', () => {
  it('is told for every batch size', async () => {
    const path = join(workplace, 'small.onnx');
    await writeFile(path, encodeSmallGenerator(7));
    const rates = await measureThroughput(path, 'cpu', [1, 6], 2);
    expect(rates.map(({ batch }) => batch)).toEqual([1, 6]);
    for (const { imagesPerSecond, most } of rates) {
      expect(imagesPerSecond).toBeGreaterThan(0);
      expect(most).toBeGreaterThanOrEqual(imagesPerSecond);
    }
  });
});

describe.skipIf(!isLinux)('the check, packed', () => {
  const out = join(workplace, 'out');
  const there = join(workplace, 'there');
  const env = { GANX_CHECK_STORE: join(workplace, 'store') };
  const script = join(there, 'run-there.sh');
  let packed: Outcome;
  let pieces: string[];

  beforeAll(async () => {
    const json = join(workplace, 'report.json');
    packed = await run(process.execPath, [
      MAIN,
      ...['--parts', 'webgpu', '--piece-mb', '30', '--level', '1', '--out', out],
      ...['--only', 'devices,sampling,throughput', '--precision', 'float32', '--json', json],
      ...['--subjects', 'mlp', '--batches', '4,1', '--repetitions', '1'],
    ]);
    pieces = (await readdir(out)).filter((name) => name.startsWith('webgpu-'));
  });

  it('runs here on the CPU, and says SKIP and why for the rest', async () => {
    expect(packed).toMatchObject({ code: 0 });
    expect(packed.stdout).toMatch(/PASS \| onnxruntime on cpu +\|/);
    expect(packed.stdout).toMatch(/SKIP \| onnxruntime on webgpu +\|.*No WebGPU adapter/);
    expect(packed.stdout).toMatch(/SKIP \| onnxruntime on cuda +\| - +\| - +\| \w+/);
    expect(packed.stdout).toMatch(/SKIP \| tensorflow on cuda +\| - +\| - +\| \w+/);
    expect(packed.stdout).toMatch(/\| batch 1 +\| batch 4 +\| remark/);
    expect(packed.stdout).toMatch(/TOLD \| onnxruntime on cpu +\| [\d.]+ +\| [\d.]+ +\|/);
    expect(packed.stdout).toMatch(/\b2 passed, 0 failed, 7 skipped\n$/);
  });

  it('writes what it found as JSON', async () => {
    const { reports } = JSON.parse(await readFile(join(workplace, 'report.json'), 'utf8')) as {
      reports: { title: string; numbers: { status: string; what: string }[] }[];
    };
    expect(reports).toHaveLength(3);
    const [devices] = reports;
    expect(devices!.numbers.map(({ status, what }) => `${status} ${what}`)).toEqual([
      'PASS onnxruntime on cpu',
      'SKIP onnxruntime on webgpu',
      'SKIP onnxruntime on cuda',
      'SKIP tensorflow on cuda',
    ]);
  });

  it('refuses a piece that came damaged', async () => {
    await mkdir(there);
    for (const name of ['run-there.sh', LIST]) await cp(join(out, name), join(there, name));
    await writeFile(join(there, pieces[0]!), 'not what was packed');
    const { code, stderr } = await run('sh', [script], env);
    expect(code).toBe(1);
    expect(stderr).toContain(`Expected the piece ${pieces[0]} as it was packed`);
  });

  it('comes piece by piece, keeps each, and runs with the last one', async () => {
    expect(pieces.length).toBeGreaterThan(1);
    for (const [i, name] of pieces.entries()) {
      if (i > 0) await writeFile(join(there, pieces[i - 1]!), 'gone');
      await cp(join(out, name), join(there, name));
      const { code, stdout } = await run('sh', [script, '--only', 'devices'], env);
      expect(code).toBe(0);
      const rest = pieces.slice(i + 1);
      if (rest.length > 0) expect(stdout).toBe(`Kept. Still to come: ${rest.join(' ')}\n`);
      else expect(stdout).toMatch(/1 passed, 0 failed, 3 skipped\n$/);
    }
  });

  it('runs again without any piece, and fails for a device that was required', async () => {
    const { code, stdout } = await run('sh', [script, '--only', 'devices', '--require', 'cuda'], env);
    expect(stdout).toMatch(/FAIL \| onnxruntime on cuda +\|.*Required\. /);
    expect(stdout).toMatch(/1 passed, 1 failed, 2 skipped\n$/);
    expect(code).toBe(1);
  });

  it('refuses options that it does not know', async () => {
    const { code, stderr } = await run('sh', [script, '--only', 'colours'], env);
    expect(code).toBe(1);
    expect(stderr).toContain(
      'Expected --only with some of devices, sampling, throughput, training, speed, got `colours`',
    );
  });
});

const webgpu = await onnxruntimeNode.probe('webgpu');
const isRequired = (process.env.GANX_REQUIRE ?? '').split(',').includes('onnxruntime-node/webgpu');
const title = webgpu.ok ? 'WebGPU' : `WebGPU [cannot be used: ${webgpu.reason}]`;

describe.skipIf(!webgpu.ok && !isRequired)(title, () => {
  it.each(Object.keys(SMALL_SUBJECTS))(
    'trains %s as the CPU does, and leaves no work to it',
    async (name) => {
      // A software adapter is slow: two runs are enough for the state to come through both.
      const found = await compareTraining(name, { engine: 'onnxruntime', device: 'webgpu' }, 7);
      expect(found.largest).toBeLessThanOrEqual(TOLERANCE);
      expect(found.loss).toBeLessThanOrEqual(TOLERANCE);
      expect(found.moved).toBeGreaterThan(10 * TOLERANCE);
      // What is left are the loop's own condition and count.
      expect(Object.keys(found.onCpu).sort()).toEqual(['Gather', 'Identity']);
      expect(found.copies).toBe(0);
    },
  );
});
