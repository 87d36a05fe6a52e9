/** What the command line says of itself: help, version, info; and that results never mix with remarks. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { ganx, ganxOk, makeWorkplace } from './support/cli.js';

const folder = makeWorkplace();
const MAIN = new URL('../dist/src/cli/main.js', import.meta.url).pathname;
const VERBS = [
  'train',
  'export',
  'sample',
  'merge',
  'serve',
  'measure',
  'figures',
  'parity',
  'lint',
  'info',
  'doctor',
  'setup',
  'demo',
];

beforeAll(async () => {
  const tiny = '--data ring --model mlp --width 8 --batch 8 --images 80 --snapshot-every 80';
  await ganxOk(['train', ...tiny.split(' '), '--out', 'run'], folder);
  await ganxOk(['export', 'run'], folder);
});

describe('help', () => {
  it.each(VERBS)('of %s shows at least two examples, and no flag without words', async (verb) => {
    const help = await ganxOk([verb, '--help'], folder);
    const examples = help.slice(help.indexOf('Examples:'));
    expect(examples.match(new RegExp(`^  ganx ${verb}\\b`, 'gm'))!.length).toBeGreaterThanOrEqual(2);
    for (const line of help.match(/^ {2,6}(?:-\w, )?--[a-z-]+.*$/gm) ?? [])
      expect(line).toMatch(/--[a-z-]+ +\w+/);
  });

  it('lists every verb, and is the same for -h', async () => {
    const help = await ganxOk(['--help'], folder);
    for (const verb of VERBS) expect(help).toMatch(new RegExp(`^  ganx ${verb}\\b`, 'm'));
    expect(await ganxOk(['-h'], folder)).toBe(help);
  });

  it('shows what holds when a flag is absent', async () => {
    const help = await ganxOk(['sample', '--help'], folder);
    expect(help).toMatch(/--count +how many +\[default: 64\]/);
    expect(help).toMatch(/--seed .*\[default: 0\]/);
  });

  it('tells the version of package.json', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    expect(await ganxOk(['--version'], folder)).toBe(`${version}\n`);
  });
});

describe('ganx info', () => {
  it('prints JSON and nothing else', async () => {
    const { code, stdout, stderr } = await ganx(['info', 'generator.onnx', '--json'], folder);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      file: 'generator.onnx',
      opset: 17,
      inputs: [{ name: 'latents', dtype: 'float32', shape: ['batch', 8] }],
      outputs: [{ name: 'images', shape: ['batch', 1, 1, 2] }],
      metadata: { model: 'mlp', kind: 'points', imagesSeen: 80, seed: 0 },
    });
  });

  it('prints a table for people', async () => {
    const stdout = await ganxOk(['info', 'generator.onnx'], folder);
    expect(stdout).toMatch(/^model +mlp, after 80 images with seed 0$/m);
    expect(stdout).toMatch(/^inputs +latents float32 \[batch, 8\]$/m);
  });

  it('is at ease with a reader that has seen enough', async () => {
    const reader = spawn(
      'sh',
      ['-c', `"$0" "$1" info generator.onnx --json | head -c 1`, process.execPath, MAIN],
      {
        cwd: folder,
      },
    );
    let stderr = '';
    reader.stderr.on('data', (text) => {
      stderr += text;
    });
    await new Promise((resolve) => reader.once('close', resolve));
    expect(stderr).toBe('');
  });
});

describe('--verbose', () => {
  it('shows where an error comes from, which is hidden otherwise', async () => {
    const line = ['export', 'nothing-there'];
    const quiet = await ganx(line, folder);
    const verbose = await ganx([...line, '--verbose'], folder);
    expect([quiet.code, verbose.code]).toEqual([1, 1]);
    expect(quiet.stderr).not.toMatch(/^\s+at /m);
    expect(verbose.stderr).toMatch(/^\s+at /m);
    expect(verbose.stderr.startsWith(quiet.stderr)).toBe(true);
  });
});
