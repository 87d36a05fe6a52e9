/**
 * What `ganx doctor` says on this machine: without CUDA, with and without a Vulkan driver, with and without the native
 * TensorFlow; and what it would advise on other machines. A case that this machine cannot show is skipped with the
 * reason; `GANX_REQUIRE` makes that a failure.
 */
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { runtimeNames } from '../runtimes/index.js';
import type { Check } from '../src/cli/checks.js';
import { describeMachine, isNodeNewEnough, type Machine } from '../src/cli/machine.js';
import { type Fault, findRemedy } from '../src/cli/remedies.js';
import { ENGINES, engineNames } from '../src/train/engines/table.js';
import { ganx, makeWorkplace, type Outcome } from './support/cli.js';
import { startInferenceServer } from './support/inference-server.js';
import { encodeSmallGenerator } from './support/small-generator.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const folder = makeWorkplace();
const required = (process.env.GANX_REQUIRE ?? '').split(',');
/** The report on this machine without any Vulkan driver. */
let plain: Report;

beforeAll(async () => {
  plain = readReport(await ganx(['doctor', '--json'], folder, { env: NO_VULKAN }));
});

const NO_PROVIDER = {
  installer: 'onnxruntime-node/script/install.js',
  present: false,
  missing: [] as string[],
};

interface Report {
  readonly machine: Machine;
  readonly checks: readonly Check[];
  readonly auto: { readonly train: { engine: string }; readonly sample: { runtime: string } };
}

function readReport({ code, stdout, stderr }: Outcome): Report {
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

/** The check of an engine's device; it must be there. */
function findCheck({ checks }: Report, engine: string): Check {
  return checks.find((check) => check.engine === engine)!;
}

/** Variables under which Vulkan finds no driver. */
const NO_VULKAN = { VK_DRIVER_FILES: join(folder, 'none.json'), VK_ICD_FILENAMES: join(folder, 'none.json') };

/** The software driver that Chromium brings: named by the environment, or where Debian has it. */
function findSoftwareVulkan(): string | undefined {
  const places = existsSync('/usr/lib')
    ? readdirSync('/usr/lib').filter((name) => /^chromium/.test(name))
    : [];
  const files = places.map((name) => join('/usr/lib', name, 'vk_swiftshader_icd.json'));
  return [process.env.VK_DRIVER_FILES ?? '', ...files].find(existsSync);
}

/** A project with this one's build and packages, but without any native TensorFlow. */
function makeProjectWithoutTensorflow(): string {
  const project = join(folder, 'without');
  const link = (name: string): void => symlinkSync(join(ROOT, name), join(project, name));
  mkdirSync(join(project, 'node_modules', '@tensorflow'), { recursive: true });
  for (const name of ['dist', 'package.json']) link(name);
  for (const parent of ['node_modules', 'node_modules/@tensorflow'])
    for (const name of readdirSync(join(ROOT, parent)))
      if (!/^\.|^@tensorflow$|^tfjs-node/.test(name)) link(`${parent}/${name}`);
  return project;
}

describe('ganx doctor', () => {
  it('checks every device of every engine and runtime, and lets no driver talk', () => {
    const report = plain;
    const wanted = engineNames.flatMap((name) => ENGINES[name].devices.map((device) => `${name}/${device}`));
    expect(report.checks.flatMap(({ engine }) => engine ?? []).sort()).toEqual(wanted.sort());
    const runtimes = report.checks.flatMap(({ runtime }) => runtime?.split('/')[0] ?? []);
    // A server is looked for when it is named.
    expect(new Set(runtimes)).toEqual(new Set(runtimeNames.filter((name) => name !== 'open-inference')));
    for (const check of report.checks) if (!check.ok) expect(check.reason).toMatch(/^[^\n]+\.$/);
    expect(report.machine).toEqual(describeMachine());
    expect(report.auto.sample).toEqual({ runtime: 'onnxruntime-node', device: 'cpu' });
  });

  it.skipIf(process.platform !== 'linux')('without Vulkan names the drivers to install', () => {
    expect(findCheck(plain, 'onnxruntime/webgpu')).toMatchObject({
      runtime: 'onnxruntime-node/webgpu',
      ok: false,
      reason: expect.stringContaining('No WebGPU adapter'),
      remedy: { commands: expect.arrayContaining(['apt-get install libvulkan1 mesa-vulkan-drivers']) },
    });
  });

  it('with Vulkan says that WebGPU works', async ({ skip }) => {
    const driver = findSoftwareVulkan();
    if (driver === undefined) {
      expect(required, 'what has to be here').not.toContain('onnxruntime-node/webgpu');
      return skip('No software Vulkan driver here.');
    }
    // Chromium's own loader, for systems without one.
    const env = { VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver, LD_LIBRARY_PATH: dirname(driver) };
    const line = ['doctor', '--json', '--require', 'onnxruntime/webgpu'];
    const report = readReport(await ganx(line, folder, { env }));
    expect(findCheck(report, 'onnxruntime/webgpu')).toMatchObject({ ok: true, version: '1.30.0' });
  });

  it('without CUDA names what to fetch and what to install', ({ skip }) => {
    if (plain.machine.nvidiaDriver) return skip('There is an NVIDIA driver here.');
    expect(findCheck(plain, 'tensorflow/cuda')).toMatchObject({
      ok: false,
      reason: 'No NVIDIA driver was found.',
    });
    const check = findCheck(plain, 'onnxruntime/cuda');
    expect(check).toMatchObject({ runtime: 'onnxruntime-node/cuda', ok: false });
    if (check.ok || process.platform !== 'linux' || process.arch !== 'x64') return;
    const [fetching, installing] = check.remedy!.commands;
    const [, script] = /^node (\S+install\.js) --onnxruntime-node-install=cuda12$/.exec(fetching!)!;
    expect(existsSync(join(folder, script!)), 'as typed in the current folder').toBe(true);
    expect(installing).toMatch(/^apt-get install cuda-libraries-12\S+ libcudnn9/);
  });

  it('without the native TensorFlow says how to set it up, and still knows what to train with', async () => {
    const project = makeProjectWithoutTensorflow();
    const main = join(project, 'dist', 'src', 'cli', 'main.js');
    const env = { ...NO_VULKAN, NODE_OPTIONS: '--preserve-symlinks --preserve-symlinks-main' };
    const report = readReport(await ganx(['doctor', '--json'], project, { env, main }));
    expect(findCheck(report, 'tensorflow/cpu')).toMatchObject({
      runtime: 'tensorflow/tensorflow',
      ok: false,
      reason: expect.stringMatching(
        /tfjs-node-gpu is not installed; @tensorflow\/tfjs-node is not installed\.$/,
      ),
      remedy: { commands: ['npx ganx setup tensorflow'] },
    });
    expect(report.auto.train.engine).toBe('onnxruntime');
  });

  it('with the native TensorFlow tells its version', ({ skip }) => {
    const check = findCheck(plain, 'tensorflow/cpu');
    if (!check.ok && !required.includes('tensorflow')) return skip(check.reason);
    expect(check).toMatchObject({
      ok: true,
      version: expect.stringMatching(/^2\.\d+\.\d+ \(@tensorflow\/tfjs-node/),
    });
  });

  it('finds the browser that is there, and says how to get one where none is', async ({ skip }) => {
    const none = { ...NO_VULKAN, GANX_CHROMIUM: join(folder, 'no-browser') };
    const line = ['doctor', '--json', '--require', 'chromium'];
    const { code, stdout } = await ganx(line, folder, { env: none });
    expect(code).toBe(1);
    const { checks } = JSON.parse(stdout) as Report;
    expect(checks.find(({ browser }) => browser)).toMatchObject({
      browser: 'chromium',
      ok: false,
      reason: 'No Chromium or Chrome was found.',
      remedy: { say: expect.stringContaining('GANX_CHROMIUM') },
    });
    const here = plain.checks.find(({ browser }) => browser)!;
    if (!here.ok && !required.includes('chromium')) return skip(here.reason);
    expect(here).toMatchObject({ ok: true, version: expect.stringMatching(/^\d+\.\d+|unknown/) });
  });

  it('looks for a server when one is named', async () => {
    const server = await startInferenceServer(false);
    const url = server.addressOf(encodeSmallGenerator(7));
    const report = async (address: string): Promise<Check | undefined> => {
      const env = { ...NO_VULKAN, GANX_OPEN_INFERENCE_URL: address };
      const { checks } = readReport(await ganx(['doctor', '--json'], folder, { env }));
      return checks.find(({ runtime }) => runtime === 'open-inference/remote');
    };
    expect(await report(url)).toMatchObject({ ok: true, version: '2.7.1' });
    await server.close();
    expect(await report(url)).toMatchObject({ ok: false, reason: expect.stringContaining('ECONNREFUSED') });
  });

  it('prints a table, what auto takes, and each remedy once', async () => {
    const { code, stdout, stderr } = await ganx(['doctor'], folder, { env: NO_VULKAN });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Node +\d+\.\d+\.\d+$/m);
    expect(stdout).toMatch(/^Chromium +\S+/m);
    expect(stdout).toMatch(/^works +onnxruntime\/cpu +onnxruntime-node\/cpu +1\.30\.0$/m);
    expect(stdout).toMatch(/^--engine auto takes \S+ on \S+, since /m);
    expect(stdout).toMatch(/^sample takes onnxruntime-node on cpu\.$/m);
    const indented = stdout.split('\n').filter((line) => /^ {2}\S/.test(line));
    expect(new Set(indented).size).toBe(indented.length);
  });

  it('fails when something that is required does not work, and prints all the same', async () => {
    const line = ['doctor', '--require', 'tfjs/cpu, onnxruntime/webgpu'];
    const { code, stdout } = await ganx(line, folder, { env: NO_VULKAN });
    expect(code).toBe(process.platform === 'linux' ? 1 : 0);
    expect(stdout).toMatch(/^works +tfjs\/cpu/m);
    expect((await ganx(['doctor', '--require', 'tfjs/cpu'], folder, { env: NO_VULKAN })).code).toBe(0);
  });
});

describe('remedies on other machines', () => {
  const here = describeMachine();
  const linux: Machine = { ...here, platform: 'linux', arch: 'x64', libc: 'glibc 2.36', nvidiaDriver: true };
  const fault = (library: Fault['library'], device: string, reason = 'It does not work.') => ({
    library,
    device,
    reason,
  });
  const adviceOn = (machine: Partial<Machine>, one: Fault, provider = NO_PROVIDER) => {
    const remedy = findRemedy(one, { ...linux, ...machine }, provider);
    return remedy && [remedy.say, ...remedy.commands].join('\n');
  };

  it.each([
    [
      'Alpine',
      { libc: 'musl' },
      fault('onnxruntime-node', 'cpu'),
      /built for glibc.*onnxruntime-web\.\ndocker run .*slim/,
    ],
    ['Alpine, TensorFlow', { libc: 'musl' }, fault('native', 'cpu'), /glibc.*--engine tfjs/],
    ['macOS', { platform: 'darwin' }, fault('native', 'cuda'), /no CUDA on macOS/],
    ['macOS, ONNX Runtime', { platform: 'darwin' }, fault('onnxruntime-node', 'cuda'), /Linux x64 only/],
    ['Windows', { platform: 'win32' }, fault('onnxruntime-node', 'webgpu'), /Update the graphics driver/],
    ['Linux on ARM', { arch: 'arm64' }, fault('onnxruntime-node', 'webgpu'), /no WebGPU on Linux arm64/],
    ['a GPU, no provider', {}, fault('onnxruntime-node', 'cuda'), /apart from its package, and needs CUDA/],
    ['a GPU, no build for it', {}, fault('native', 'cuda'), /setup tensorflow --gpu\napt-get install cuda-/],
    [
      'macOS, Core ML',
      { platform: 'darwin' },
      fault('onnxruntime-node', 'coreml'),
      /update it, or use --device/,
    ],
    ['Windows, DirectML', { platform: 'win32' }, fault('onnxruntime-node', 'dml'), /needs Direct3D 12/],
    ['no browser', {}, fault('chromium', 'any'), /GANX_CHROMIUM.*\napt-get install chromium$/],
    ['no browser on macOS', { platform: 'darwin' }, fault('chromium', 'any'), /install one;.*GANX_CHROMIUM/],
    ['no GPU', { nvidiaDriver: false }, fault('native', 'cuda'), /needs an NVIDIA GPU with its driver/],
    ['a broken package', {}, fault('onnxruntime-node', 'cpu'), /npm install onnxruntime-node@1\.30\.0$/],
    [
      'a package that is left out',
      {},
      fault('tfjs', 'wasm', 'Not installed: @tensorflow/tfjs-backend-wasm.'),
      /npm install @tensorflow\/tfjs-backend-wasm@4\.22\.0$/,
    ],
  ] as const)('%s', (_, machine, one, wanted) => {
    expect(adviceOn(machine, one)).toMatch(wanted);
  });

  it('names the libraries that a CUDA provider misses, and installs those of its CUDA', () => {
    const missing = ['libcublasLt.so.13', 'libcublas.so.13'];
    const provider = { ...NO_PROVIDER, present: true, missing };
    const advice = adviceOn({}, fault('onnxruntime-node', 'cuda'), provider);
    expect(advice).toMatch(
      /misses libcublasLt\.so\.13, libcublas\.so\.13:.*\napt-get install cuda-libraries-13/,
    );
  });

  it('tells a Node that is too old', () => {
    const need = (node: string): boolean => isNodeNewEnough({ ...here, node, nodeNeeded: '20.19' });
    expect(['18.20.8', '20.18.3', '20.19.0', '22.1.0'].map(need)).toEqual([false, false, true, true]);
  });
});
