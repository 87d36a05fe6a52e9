/**
 * `ganx parity` through the built command line: the matrix of a small run in Node and in Chromium, files with one weight
 * or one pad altered that are found and pinned down to their node, reports, exit codes, and what it refuses.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import { beforeAll, describe, expect, it } from 'vitest';
import { openPage } from '../src/browser/chromium.js';
import { serveFolder } from '../src/browser/serve-folder.js';
import { loadCheckpoint, saveCheckpoint } from '../src/checkpoint/index.js';
import type { ParityMatrix, ParityReport, ParityRow } from '../src/measure/index.js';
import { expectRefusal, ganx, ganxOk, makeWorkplace, type Outcome } from './support/cli.js';
import { needChromium } from './support/page-pixels.js';

const { ModelProto } = onnxProto.onnx;
type Model = InstanceType<typeof ModelProto>;

const folder = makeWorkplace();
const run = (line: string): Promise<Outcome> => ganx(line.split(' '), folder);

/** A copy of the exported file in which something is not as it was. */
async function alter(name: string, change: (model: Model) => void): Promise<void> {
  const model = ModelProto.decode(await readFile(join(folder, 'generator.onnx')));
  change(model);
  await writeFile(join(folder, name), ModelProto.encode(model).finish());
}

const rowOf = ({ rows }: ParityReport, name: string): ParityRow | undefined =>
  rows.find(({ runtime, device }) => `${runtime}/${device}` === name);

beforeAll(async () => {
  const tiny = '--data digits --model dcgan --width 4 --batch 8 --images 160 --snapshot-every 160';
  await ganxOk(['train', ...tiny.split(' '), '--out', 'run'], folder);
  await ganxOk(['export', 'run'], folder);
  await alter('weight.onnx', ({ graph }) => {
    const kernel = graph!.initializer!.find((one) => one.name === 'generator/deconv_1/kernel')!;
    const raw = Buffer.from(kernel.rawData!);
    raw.writeFloatLE(raw.readFloatLE(400) + 0.5, 400);
    kernel.rawData = raw;
  });
  await alter('pad.onnx', ({ graph }) => {
    const node = graph!.node!.find(({ name }) => name === 'generator/image/ConvTranspose')!;
    const pads = node.attribute!.find(({ name }) => name === 'pads')!;
    expect(pads.ints!.map(Number)).toEqual([1, 1, 1, 1]);
    // Of the same sum, so that no size changes: everything moves by a pixel.
    const { INTS } = onnxProto.onnx.AttributeProto.AttributeType;
    Object.assign(pads, { name: 'pads', type: INTS, ints: [0, 0, 2, 2] });
  });
});

describe('ganx parity --all', () => {
  it('measures both dtypes of a run at every batch size, in Node and in Chromium', async (context) => {
    needChromium(context);
    const devices = ['onnxruntime-node/cpu', 'onnxruntime-web/wasm', 'tensorflow/wasm'];
    const inChromium = 'onnxruntime-web/wasm in Chromium';
    const only = [...devices, inChromium].join(',');
    const line = ['parity', 'run', '--all', '--latents', '16', '--only', only, '--require', only, '--json'];
    const { code, stdout, stderr } = await ganx([...line, '--out', 'all.md'], folder);
    const matrix: ParityMatrix = JSON.parse(stdout);
    expect({ code, ok: matrix.ok, note: stderr.endsWith('Report: all.md\n') }).toEqual({
      code: 0,
      ok: true,
      note: true,
    });
    expect(matrix.reports.map(({ model, dtype }) => [model, dtype])).toEqual([
      ['dcgan', 'float32'],
      ['dcgan', 'float16'],
    ]);
    for (const report of matrix.reports) {
      expect(report.rows).toHaveLength(4);
      expect(report.reference.runtime).toBe('tfjs-live');
      for (const row of report.rows)
        expect(row).toMatchObject({ status: 'PASS', latents: 16, batches: [1, 5, 16] });
      // Which engine ran, with its version.
      expect(rowOf(report, inChromium)).toMatchObject({
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        engine: expect.stringMatching(/^wasm, \d+ thread/),
      });
    }
    const [float32, float16] = matrix.reports.map((report) => rowOf(report, 'onnxruntime-node/cpu')!);
    expect(float32).toMatchObject({ unit: 'value', tolerance: 1e-5 });
    expect(float16).toMatchObject({ unit: 'level', tolerance: 2, meanTolerance: 0.5 });
    // It is another file: half precision shows.
    expect(float16!.maxDifference).toBeGreaterThan(float32!.maxDifference!);
    const markdown = await readFile(join(folder, 'all.md'), 'utf8');
    expect(markdown).toContain('8 PASS, 0 FAIL, 0 SKIP.');
    expect(markdown.match(/^\| PASS \|/gm)).toHaveLength(8);
    expect(markdown).toContain('| runtime/device | dcgan 28×28×1, float32 | dcgan 28×28×1, float16 |');
  });

  it('has networks of its own where no source is named', async () => {
    const { code, stdout } = await run('parity --all --only onnxruntime-node/cpu --latents 3 --out own.html');
    expect(code).toBe(0);
    const titles = ['mlp 28×28×1', 'dcgan 28×28×1', 'dcgan 64×64×3'];
    for (const title of titles) {
      for (const dtype of ['float32', 'float16'])
        expect(stdout).toContain(`${title}, ${dtype}: 3 latents against tfjs-live`);
    }
    expect(stdout).toMatch(/^6 PASS, 0 FAIL, 0 SKIP in /m);
    expect(stdout).toMatch(/^Largest differences\nruntime\/device +mlp /m);
    const page = await readFile(join(folder, 'own.html'), 'utf8');
    expect(page.match(/<td class="pass">PASS<\/td>/g)).toHaveLength(6);
  });

  it('fails where there is no right file in half precision, and names the layer', async () => {
    const source = await loadCheckpoint(join(folder, 'run', 'snapshot-000000160.safetensors'));
    const { data, ...kernel } = source.tensors['generator/project/kernel']!;
    const large = { ...kernel, data: data.map((weight) => weight * 1e9) };
    await saveCheckpoint(join(folder, 'large.safetensors'), {
      ...source,
      tensors: { ...source.tensors, 'generator/project/kernel': large },
    });
    const { code, stdout } = await run('parity large.safetensors --dtype fp16 --only onnxruntime-node/cpu');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^dcgan 28×28×1, float16: there is no file$/m);
    expect(stdout).toMatch(
      /^FAIL +export\/float16 .*\[generator\/project\/\w+\] Expected .* half precision/m,
    );
    expect(stdout).toMatch(/^0 PASS, 1 FAIL, 0 SKIP/m);
  });

  it('skips with the reason, which --require makes a FAIL', async (context) => {
    const { stdout } = await run('parity run --all --dtype fp32 --latents 2 --only onnxruntime-node --json');
    const matrix: ParityMatrix = JSON.parse(stdout);
    const skipped = matrix.reports[0]!.rows.find(({ status }) => status === 'SKIP');
    if (!skipped) return context.skip('Every device of onnxruntime-node works here.');
    expect(skipped.reason).toMatch(/\w/);
    const name = `${skipped.runtime}/${skipped.device}`;
    const strict = await run(`parity run --latents 2 --only onnxruntime-node --require ${name} --bisect`);
    expect(strict.code).toBe(1);
    expect(strict.stdout).toMatch(new RegExp(`^FAIL +${name} .*Required by ${name}, but not usable`, 'm'));
    // What cannot run has no node to blame.
    expect(existsSync(join(folder, 'bisect'))).toBe(false);
  });
});

describe('ganx parity --file', () => {
  it('passes the export of the run', async () => {
    const { code, stdout } = await run(
      'parity run --file generator.onnx --only onnxruntime-node/cpu --bisect',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^PASS +onnxruntime-node\/cpu/m);
    expect(existsSync(join(folder, 'bisect'))).toBe(false);
  });

  it('holds a device to the tolerance that is given', async () => {
    const line = 'parity run --file weight.onnx --only onnxruntime-node/cpu --latents 8';
    expect((await run(`${line} --tolerance cpu=1`)).code).toBe(0);
    expect((await run(`${line} --tolerance cpu=1,onnxruntime-node/cpu=1e-6`)).code).toBe(1);
  });

  it('finds the node of a pad that is wrong, on every device', async () => {
    const only = 'onnxruntime-node/cpu,onnxruntime-web/wasm';
    const { code, stdout } = await run(
      `parity run --file pad.onnx --bisect --bisect-out pad --only ${only} --json`,
    );
    const report = JSON.parse(stdout);
    expect({ code, ok: report.ok }).toEqual({ code: 1, ok: false });
    expect(report.rows.map(({ status }: ParityRow) => status)).toEqual(['FAIL', 'FAIL']);
    // All fail alike, so that one search is enough.
    expect(report.faults).toEqual([
      expect.objectContaining({
        node: 'generator/image/ConvTranspose',
        operator: 'ConvTranspose',
        runtime: 'onnxruntime-node',
        device: 'cpu',
        folder: 'pad',
      }),
    ]);
    expect(report.faults[0].maxDifference).toBeGreaterThan(1e-3);
    expect(report.faults[0].at).toHaveLength(4);
    expect(await readdir(join(folder, 'pad'))).toEqual(expect.arrayContaining(['index.html', 'node.onnx']));
  });

  it('finds the node of one altered weight, and its page shows it in a browser', async (context) => {
    const { code, stdout } = await run('parity run --file weight.onnx --bisect --only onnxruntime-node/cpu');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^FAIL +onnxruntime-node\/cpu .*The largest difference is 0\.\d+, above 0\.00001/m,
    );
    expect(stdout).toMatch(
      /first node that diverges is generator\/deconv_1\/ConvTranspose \(ConvTranspose\), by \d\.\de[-+]\d at \[/,
    );
    expect(stdout).toContain('Reproduction: bisect.');
    needChromium(context);
    const server = await serveFolder(join(folder, 'bisect'));
    const page = await openPage(`${server.origin}/index.html`);
    try {
      await page.waitFor(`/\\bwasm\\b[^]*\\bdiffers\\b/.test(document.body?.innerText ?? '')`, 60_000);
      expect(await page.evaluate('document.body.innerText')).toContain('generator/deconv_1/ConvTranspose');
    } finally {
      await page.close();
      await server.close();
    }
  });
});

describe('ganx parity refuses', () => {
  it.each([
    ['parity', ['Expected a run folder, a snapshot or a file, got `none`', '--all']],
    ['parity --all --file generator.onnx', ['[--file] Expected a source', 'got `none`']],
    ['parity generator.onnx --file generator.onnx', ['[--file] Expected a run or snapshot']],
    [
      'parity generator.onnx --dtype fp16',
      ['[--dtype] Expected a run or snapshot', 'A file has its own type'],
    ],
    ['parity run --dtype int8', ['[--dtype]', 'got `int8`']],
    ['parity run --batches 1,x', ['[--batches] Expected a whole number', 'got `x`']],
    ['parity run --latents 4 --batches 5', ['batches of at most the 4 latents, got `5`']],
    ['parity run --tolerance cpu=small', ['[--tolerance] Expected a number from 0 to 255', 'got `small`']],
    ['parity run --out report.pdf', ['[--out] Expected a file name that ends in .md or .html', 'report.pdf']],
    ['parity run --only abacus', ['[--only]', 'got `abacus`', 'Known: onnxruntime-node, ']],
    [
      'parity run --only tensorflow --require onnxruntime-node',
      ['got `onnxruntime-node`', 'Known: tensorflow'],
    ],
  ])('%s', async (line, parts) => {
    expectRefusal(await run(line), ...parts);
  });

  it('a file of another network', async () => {
    const other = '--data digits --model mlp --width 8 --batch 8 --images 80 --snapshot-every 80';
    await ganxOk(['train', ...other.split(' '), '--latent-size', '7', '--out', 'other'], folder);
    expectRefusal(
      await run('parity other --file generator.onnx'),
      '[--file] Expected an export of this network: 7 latents to images of 28×28×1',
      'got `100 latents to images of 28×28×1`',
    );
  });
});
