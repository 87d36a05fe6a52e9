/**
 * `ganx` in a page: what a bundle of it holds, how it refuses, and that a real Chromium draws the very samples that
 * Node draws, with nothing asked of anyone else.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportGenerator } from '../exporters/index.js';
import { openPage } from '../src/browser/chromium.js';
import { serveFolder } from '../src/browser/serve-folder.js';
import * as browserDoor from '../src/index.browser.js';
import * as nodeDoor from '../src/index.js';
import { type Bundle, bundlePage } from './support/bundle-page.js';
import { comparePixels, needChromium } from './support/page-pixels.js';
import { openOnCpu, trainSmall } from './support/small-training.js';

tf.enableProdMode();

const PAGE = fileURLToPath(new URL('./support/door-page', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ganx-browser-'));
const publicFolder = join(folder, 'public');
let file: Uint8Array;
let bundle: Bundle;

beforeAll(async () => {
  const build = { imageShape: [28, 28, 1], width: 4, latentSize: 10 } as const;
  const { gan, weights } = await trainSmall({ model: 'dcgan', build, learningRate: 0.02 }, 3);
  // Three steps leave the images grey, and grey would agree with grey: the last layer is made to speak up.
  const last = `generator/${gan.generator.weights.findLast(({ name }) => name.endsWith('/kernel'))!.name}`;
  const loud = { ...weights[last]!, data: weights[last]!.data.map((value) => value * 100) };
  const source = {
    model: 'dcgan',
    gan,
    weights: { ...weights, [last]: loud },
    imagesSeen: 18,
    seed: 3,
    dataDigest: 'ab'.repeat(32),
  };
  file = (await exportGenerator(source, { openSession: openOnCpu })).bytes;
  mkdirSync(publicFolder);
  writeFileSync(join(publicFolder, 'generator.onnx'), file);
  bundle = await bundlePage(PAGE, join(folder, 'page'), publicFolder);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The PNG that Node makes of the page's samples. */
async function drawInNode(seed: number, count: number): Promise<Uint8Array> {
  const generator = await nodeDoor.loadGenerator(file, { device: 'cpu' });
  const { images } = await generator.sample({ seed, count });
  await generator.dispose();
  return nodeDoor.toPng(images, generator.metadata);
}

describe('the bundle of a page', () => {
  it('holds the sampling rooms, the runtimes of pages and a PNG encoder, and nothing for Node or for training', () => {
    const packages = bundle.modules.map((id) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id)?.[1]);
    const known = ['fast-png', 'fflate', 'iobuffer', 'onnxruntime-web'];
    expect(known).toEqual(
      expect.arrayContaining([...new Set(packages)].filter((name) => name !== undefined)),
    );
    expect(packages).toContain('onnxruntime-web');
    const own = bundle.modules.map((id) => /\/dist\/((?:src|runtimes|models|exporters)\/.*)/.exec(id)?.[1]);
    const rooms = own.filter((path) => path !== undefined);
    expect(rooms).toContain('src/index.browser.js');
    const open =
      /^(?:src\/(?:core|sample)\/|src\/[\w-]+\.browser\.js$|runtimes\/(?:ganx-wasm|onnxruntime-web-|contract|probe-model))/;
    expect(rooms.filter((path) => !open.test(path) && path !== 'src/index.browser.js')).toEqual([]);
    // What Vite puts in the place of a module of Node's.
    expect(bundle.modules.filter((id) => /^node:|browser-external/.test(id))).toEqual([]);
  });

  it('ships a .wasm for each device, of which a page loads one', () => {
    const wasm = readdirSync(join(bundle.folder, 'assets')).filter((name) => name.endsWith('.wasm'));
    expect(wasm.sort()).toEqual([
      expect.stringMatching(/^ort-wasm-simd-threaded-[\w-]+\.wasm$/),
      expect.stringMatching(/^ort-wasm-simd-threaded\.asyncify-[\w-]+\.wasm$/),
    ]);
  });

  it('is small beside the runtime', async () => {
    const runtime = ['onnxruntime-web/wasm', 'onnxruntime-web/webgpu'];
    const own = await bundlePage(PAGE, join(folder, 'own'), publicFolder, runtime);
    const sizeBytes = gzipSync(Object.values(own.chunks).join('')).length;
    // Measured: 31.4 kB, the example page's own 1.5 kB and the PNG encoder included.
    expect(sizeBytes).toBeLessThan(34_000);
  });
});

describe('the door', () => {
  it('offers what the one of Node offers, less the list of runtimes', () => {
    const onlyInNode = ['loadRuntime', 'probeAll', 'runtimeNames'];
    expect(Object.keys(browserDoor).sort()).toEqual(
      Object.keys(nodeDoor)
        .filter((name) => !onlyInNode.includes(name))
        .sort(),
    );
  });

  it('says why a file could not be fetched', async () => {
    const server = await serveFolder(publicFolder);
    const { origin } = server;
    await expect(browserDoor.loadGenerator(`${origin}/missing.onnx`)).rejects.toMatchObject({
      code: 'IO',
      where: `${origin}/missing.onnx`,
      message: expect.stringContaining('got `HTTP 404 Not Found`'),
    });
    await server.close();
    await expect(browserDoor.loadGenerator(new URL('/generator.onnx', origin))).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringContaining('can be fetched'),
    });
  });

  it('refuses runtimes and devices that pages do not have, and files that are no generator', async () => {
    const load = browserDoor.loadGenerator;
    await expect(load(file, { runtime: 'tensorflow' })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    await expect(load(file, { device: 'cuda' })).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringMatching(/`cuda`.*wasm/),
    });
    const html = new TextEncoder().encode('<!doctype html>');
    await expect(load(html)).rejects.toMatchObject({ code: 'BAD_MODEL_FILE' });
  });
});

describe('the example page in Chromium', () => {
  const drawn = (count: number, seed: number): string =>
    `document.querySelector('#status')?.textContent.startsWith('${count} samples of seed ${seed} from dcgan')`;

  it('draws the samples that Node draws, and asks nobody else for anything', async (context) => {
    needChromium(context);
    const server = await serveFolder(bundle.folder);
    const page = await openPage(`${server.origin}/`);
    try {
      await page.waitFor(drawn(16, 7));
      expect(await comparePixels(page, '#sheet', await drawInNode(7, 16))).toBeLessThanOrEqual(1);
      expect(await comparePixels(page, '#sheet', await drawInNode(8, 16))).toBeGreaterThan(64);
      // Beyond 32 bits, so that both halves of the key are in use.
      await page.evaluate(`{
        const form = document.querySelector('form');
        form.seed.value = ${2 ** 32 + 5};
        form.count.value = 5;
        form.requestSubmit();
      }`);
      await page.waitFor(drawn(5, 2 ** 32 + 5));
      expect(await comparePixels(page, '#sheet', await drawInNode(2 ** 32 + 5, 5))).toBeLessThanOrEqual(1);
      expect(await page.evaluate("document.querySelector('#status').textContent")).toMatch(
        /by ganx-wasm \d+\.\d+\.\d+ on wasm\.$/,
      );
      if (process.env.GANX_SCREENSHOT) writeFileSync(process.env.GANX_SCREENSHOT, await page.screenshot());
      expect(page.complaints).toEqual([]);
      const elsewhere = page.requests.filter((url) => !/^(?:blob|data):/.test(url));
      // ganx's own kernels are in the bundle.
      expect(elsewhere.filter((url) => url.endsWith('.wasm'))).toEqual([]);
      expect(elsewhere.filter((url) => !url.startsWith(`${server.origin}/`))).toEqual([]);
      expect(elsewhere).toContain(`${server.origin}/generator.onnx`);
    } finally {
      await page.close();
      await server.close();
    }
  });

  it('tells what is wrong, and then draws from a file that is opened by hand', async (context) => {
    needChromium(context);
    rmSync(join(bundle.folder, 'generator.onnx'));
    const server = await serveFolder(bundle.folder);
    const page = await openPage(`${server.origin}/`);
    try {
      await page.waitFor("document.querySelector('#status.error') !== null");
      const status = await page.evaluate("document.querySelector('#status').textContent");
      expect(status).toMatch(/^\[generator\.onnx\] Expected .*`HTTP 404 Not Found`/);
      expect(await page.evaluate("document.querySelector('#again').disabled")).toBe(true);
      const content = Buffer.from(file).toString('base64');
      await page.evaluate(`{
        const bytes = Uint8Array.from(atob('${content}'), (letter) => letter.charCodeAt(0));
        const files = new DataTransfer();
        files.items.add(new File([bytes], 'other.onnx'));
        const { file } = document.querySelector('form');
        file.files = files.files;
        file.dispatchEvent(new Event('change'));
      }`);
      await page.waitFor(drawn(16, 7));
      expect(await comparePixels(page, '#sheet', await drawInNode(7, 16))).toBeLessThanOrEqual(1);
    } finally {
      await page.close();
      await server.close();
    }
  });
});

it('runs on two threads in an isolated page, within the tolerance', async (context) => {
  needChromium(context);
  const root = join(folder, 'threads');
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  symlinkSync(fileURLToPath(new URL('..', import.meta.url)), join(root, 'node_modules', 'ganx'), 'dir');
  writeFileSync(
    join(root, 'index.html'),
    '<!doctype html><link rel="icon" href="data:,"><script type="module" src="./main.js"></script>',
  );
  writeFileSync(
    join(root, 'main.js'),
    `import { loadGenerator } from 'ganx';
    const generator = await loadGenerator('generator.onnx', { threads: 2 });
    window.images = [...(await generator.sample({ count: 3, seed: 7 })).images.data];`,
  );
  const { folder: served } = await bundlePage(root, join(folder, 'threads-page'), publicFolder);
  const server = await serveFolder(served);
  const page = await openPage(`${server.origin}/`);
  try {
    await page.waitFor('window.images !== undefined');
    const generator = await nodeDoor.loadGenerator(file, { device: 'cpu' });
    const { images } = await generator.sample({ count: 3, seed: 7 });
    await generator.dispose();
    const drawn = (await page.evaluate('window.images')) as number[];
    expect(drawn.length).toBe(images.data.length);
    // The tolerance of wasm in the README.
    const differences = drawn.map((value, i) => Math.abs(value - images.data[i]!));
    expect(differences.filter((difference) => !(difference < 1e-5))).toEqual([]);
    expect(page.complaints).toEqual([]);
  } finally {
    await page.close();
    await server.close();
  }
});
