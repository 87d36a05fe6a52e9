/**
 * The examples as a reader runs them: the package is packed, npm really installs it into a project of its own, and a
 * script, a server, a page without a bundler and a Vite app draw the samples that this checkout draws. Needs a built
 * `dist`.
 */
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { saveUntrained } from '../bench/untrained-snapshot.js';
import { exportGenerator } from '../exporters/export-generator.js';
import { findModel } from '../models/index.js';
import { onnxruntimeNode } from '../runtimes/onnxruntime-node.js';
import { openPage, type Page } from '../src/browser/chromium.js';
import { serveFolder } from '../src/browser/serve-folder.js';
import { loadCheckpoint } from '../src/checkpoint/index.js';
import type { FloatTensor } from '../src/core/tensor.js';
import { loadGenerator } from '../src/load-generator.js';
import { type Generator, toBytes, toPng, walkLatents } from '../src/sample/index.js';
import { readCanvases, waitForSamples } from './support/embed-page.js';
import { encodeLabelledGenerator } from './support/labelled-generator.js';
import { comparePixels, needChromium } from './support/page-pixels.js';
import { startServer } from './support/start-server.js';
import { differ, readElement } from './support/web-page.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const project = mkdtempSync(join(tmpdir(), 'ganx-examples-'));
/** Longer than any install with a registry at hand takes. */
const MOST_MS = 280_000;
const UNREACHABLE =
  /E(?:NOTFOUND|CONNREFUSED|CONNRESET|TIMEDOUT|AI_AGAIN|NETUNREACH)|ERR_SOCKET_TIMEOUT|network/;

/** Why npm could not install, if it could not. */
let reason: string | undefined;
let generator: Generator;

beforeAll(async () => {
  const packing = ['pack', '--json', '--ignore-scripts', '--pack-destination', project];
  const output = execFileSync('npm', packing, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] });
  const [{ filename }] = JSON.parse(output.toString());
  for (const name of ['vite-app', 'plain-page', 'node-script', 'server']) {
    cpSync(join(ROOT, 'examples', name), name === 'vite-app' ? project : join(project, name), {
      recursive: true,
    });
  }
  const file = await encodeLabelledGenerator(1);
  mkdirSync(join(project, 'public'));
  for (const folder of ['public', 'plain-page', 'node-script', 'server']) {
    writeFileSync(join(project, folder, 'generator.onnx'), file);
  }
  writeFileSync(join(project, 'public/plain.onnx'), await exportUntrained(project));
  generator = await loadGenerator(file, { device: 'cpu' });
  // The CUDA provider of onnxruntime-node would be downloaded from elsewhere.
  writeFileSync(join(project, '.npmrc'), 'onnxruntime-node-install=skip\n');
  const { dependencies } = JSON.parse(readFileSync(join(project, 'server', 'package.json'), 'utf8'));
  const install = [
    'install',
    `./${filename}`,
    `fastify@${dependencies.fastify}`,
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
  ];
  await promisify(execFile)('npm', install, { cwd: project, timeout: MOST_MS }).catch((error) => {
    const said = String(error.stderr);
    if (!error.killed && !UNREACHABLE.test(said)) throw error;
    reason = error.killed ? 'npm took too long.' : 'npm does not reach its registry.';
  });
}, MOST_MS + 60_000);

afterAll(async () => {
  await generator?.dispose();
  rmSync(project, { recursive: true, force: true });
});

/** A generator.onnx that nobody trained. */
async function exportUntrained(folder: string): Promise<Uint8Array> {
  const options = { kind: 'images', imageShape: [28, 28, 1], width: 8 } as const;
  const path = join(folder, 'snapshot.safetensors');
  await saveUntrained(path, 'dcgan', options);
  const weights = (await loadCheckpoint(path)).tensors as Record<string, FloatTensor>;
  const gan = findModel('dcgan').build(options);
  const source = { model: 'dcgan', gan, weights, imagesSeen: 0, seed: 0, dataDigest: '' };
  const openSession = (bytes: Uint8Array) => onnxruntimeNode.open(bytes, { device: 'cpu' });
  return (await exportGenerator(source, { openSession })).bytes;
}

/** Skips a test where npm could not install, or fails it where `GANX_REQUIRE` names `npm`. */
function needInstall(context: TestContext): void {
  if (reason === undefined) return;
  if (process.env.GANX_REQUIRE?.split(',').includes('npm')) throw new Error(reason);
  context.skip(reason);
}

/** The largest difference in levels between what the element shows and samples that are drawn here. */
async function compareElement(page: Page, seed: number): Promise<number> {
  await page.waitFor(
    `document.querySelector('ganx-samples')?.shadowRoot?.querySelector('[aria-label="16 samples of seed ${seed}"]') != null`,
  );
  const shown = await readElement(page);
  const { images } = await generator.sample({ count: 16, seed });
  const { data } = toBytes(images, generator.metadata.imageRange);
  return differ(shown, data);
}

/** Nothing in the console, but what Chromium itself says to a page that asks for WebGPU where there is no GPU. */
function expectQuiet(page: Page, origin: string): void {
  expect(page.complaints.filter((line) => !line.startsWith('No available adapters.'))).toEqual([]);
  const elsewhere = page.requests.filter((url) => !/^(?:blob|data):/.test(url) && !url.startsWith(origin));
  expect(elsewhere).toEqual([]);
}

describe('an installed ganx', () => {
  it('draws a PNG file from a script', async (context) => {
    needInstall(context);
    const cwd = join(project, 'node-script');
    const parameters = ['draw.mjs', 'generator.onnx', 'drawn.png', '9'];
    const { stdout } = await promisify(execFile)(process.execPath, parameters, { cwd });
    expect(stdout).toMatch(/^drawn\.png: 16 samples of seed 9, by onnxruntime-\w+ on \w+\n$/);
    const { images } = await generator.sample({ count: 16, seed: 9 });
    const wanted = decode(toPng(images, generator.metadata));
    const drawn = decode(readFileSync(join(cwd, 'drawn.png')));
    expect([drawn.width, drawn.height, drawn.channels]).toEqual([
      wanted.width,
      wanted.height,
      wanted.channels,
    ]);
    expect(differ(drawn.data, wanted.data)).toBeLessThanOrEqual(1);
  });

  it('answers from an app with a framework, which refuses what is out of bounds and lives on', async (context) => {
    needInstall(context);
    const { origin, stop } = await startServer('server.mjs', ['generator.onnx'], join(project, 'server'));
    const ask = async (query: string, init: RequestInit = {}) => {
      const response = await fetch(`${origin}/samples.png?${query}`, init);
      return { status: response.status, response, body: new Uint8Array(await response.arrayBuffer()) };
    };
    const { images } = await generator.sample({ count: 9, seed: 3 });
    const wanted = Buffer.from(toPng(images, generator.metadata));
    const isWanted = ({ body }: { body: Uint8Array }) => wanted.equals(body);
    const bad = ['count=0', 'count=257', 'count=', 'count=1.5', 'seed=-1', 'seed=9007199254740992', 'seed=x'];
    for (const query of [...bad, 'seed=1&seed=2'])
      expect([query, (await ask(query)).status]).toEqual([query, 400]);
    expect((await fetch(`${origin}/`)).status).toBe(404);
    const gone = new AbortController();
    const lost = ask('count=256', { signal: gone.signal });
    const all = Promise.all(Array.from({ length: 20 }, () => ask('count=9&seed=3&batch=7')));
    gone.abort();
    await expect(lost).rejects.toThrow(/abort/);
    const answers = await all;
    expect(answers.map(({ status }) => status)).toEqual(new Array(20).fill(200));
    expect(answers.every(isWanted)).toBe(true);
    expect(answers[0]!.response.headers.get('content-type')).toBe('image/png');
    expect(answers[0]!.response.headers.get('cache-control')).toMatch(/immutable/);
    expect(await stop()).toBe(0);
  });

  it('draws in a page without a bundler', async (context) => {
    needInstall(context);
    needChromium(context);
    const mounts = { '/node_modules/': join(project, 'node_modules') };
    const server = await serveFolder(join(project, 'plain-page'), { mounts, isolated: false });
    const page = await openPage(`${server.origin}/`);
    try {
      expect(await compareElement(page, 7)).toBeLessThanOrEqual(1);
      await page.evaluate("document.querySelector('button').click()");
      expect(await compareElement(page, 8)).toBeLessThanOrEqual(1);
      expectQuiet(page, server.origin);
    } finally {
      await page.close();
      await server.close();
    }
  });

  it.for([
    { name: "wasm with ganx's own kernels", file: 'plain', device: 'wasm', engine: /SIMD/ },
    {
      name: 'wasm with one thread of ONNX Runtime',
      file: 'generator',
      device: 'wasm',
      engine: /wasm, 1 thread/,
    },
    {
      name: 'wasm with threads where it is isolated',
      file: 'plain',
      device: 'wasm',
      threads: 2,
      engine: /2 threads/,
    },
    { name: 'webgpu', file: 'plain', device: 'webgpu', engine: /webgpu/ },
  ])('embeds a page that draws on $name', async ({ file, device, threads, engine }, context) => {
    needInstall(context);
    needChromium(context);
    const program = join(project, 'node_modules/ganx/dist/src/cli/main.js');
    const site = `site-${file}-${device}-${threads ?? 1}`;
    const line = [program, 'embed', `public/${file}.onnx`, '--out', site];
    const wish = threads === undefined ? [] : ['--threads', String(threads)];
    await promisify(execFile)(process.execPath, [...line, ...wish], { cwd: project });
    const server = await serveFolder(join(project, site), { isolated: threads !== undefined });
    const address = `${server.origin}/#device=${device}&seed=7&count=12`;
    const page = await openPage(address, { webgpu: device === 'webgpu' });
    try {
      if (device === 'webgpu' && page.webgpu === 'none') {
        return context.skip('This Chromium has no WebGPU adapter.');
      }
      await waitForSamples(page);
      const inNode = await loadGenerator(join(project, `public/${file}.onnx`), { device: 'cpu' });
      const { images } = await inNode.sample({ count: 12, seed: 7 });
      await inNode.dispose();
      const { data } = toBytes(images, inNode.metadata.imageRange);
      // A canvas shows grey as three equal channels.
      const wanted = images.shape[3] === 1 ? [...data].flatMap((level) => [level, level, level]) : data;
      const shown = await readCanvases(page, '#samples .grid canvas');
      expect(differ(shown.flat(), wanted)).toBeLessThanOrEqual(1);
      await page.evaluate("document.getElementById('about').open = true");
      expect(await page.evaluate("document.getElementById('facts').innerText")).toMatch(engine);
      expect(page.complaints).toEqual([]);
      expectQuiet(page, server.origin);
    } finally {
      await page.close();
      await server.close();
    }
  });

  it('draws in a Vite app', async (context) => {
    needInstall(context);
    const vite = [join(project, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn'];
    await promisify(execFile)(process.execPath, vite, { cwd: project });
    needChromium(context);
    const server = await serveFolder(join(project, 'dist'));
    const page = await openPage(`${server.origin}/`);
    try {
      expect(await compareElement(page, 7)).toBeLessThanOrEqual(1);
      await page.evaluate(
        "document.querySelector('ganx-samples').shadowRoot.querySelectorAll('button')[5].click()",
      );
      await page.waitFor("document.querySelector('#walk').alt === '8 steps from sample 0 to sample 5'");
      await page.evaluate("document.querySelector('#walk').decode()");
      const { latents } = await generator.sample({ count: 6, seed: 7 });
      const [from, to] = [0, 5].map((row) => ({
        ...latents,
        shape: [1, 6],
        data: latents.data.slice(6 * row, 6 * row + 6),
      }));
      const walk = await generator.run(
        walkLatents(generator.metadata, from!, to!, 8),
        new Int32Array(8).fill(5 % 3),
      );
      const sheet = toPng(walk, generator.metadata, { columns: 8 });
      expect(await comparePixels(page, '#walk', sheet)).toBeLessThanOrEqual(1);
      expect(await page.evaluate("document.querySelector('#about').textContent")).toMatch(
        /^labelled, seed 7: \d+ ms by onnxruntime-web \d+\.\d+\.\d+ \(wasm, \d threads?\)\.$/,
      );
      expectQuiet(page, server.origin);
    } finally {
      await page.close();
      await server.close();
    }
  });
});
