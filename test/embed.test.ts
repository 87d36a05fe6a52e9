/**
 * `ganx embed` from the command line to the pixels: the folder that it writes, and the page in a real Chromium, by a
 * plain web server below a path of its own. Needs a built `dist`.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { afterEach, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { openPage, type Page, type PageOptions } from '../src/browser/chromium.js';
import { plainTensor } from '../src/core/tensor.js';
import { loadGenerator } from '../src/load-generator.js';
import { type Generator, type SampleOptions, toBytes, toPng, walkLatents } from '../src/sample/index.js';
import { expectRefusal, ganx, ganxOk, makeWorkplace } from './support/cli.js';
import {
  dragMouse,
  keepScreenshot,
  pressKeys,
  readCanvases,
  readFocus,
  readText,
  setScreen,
  waitForSamples,
} from './support/embed-page.js';
import { encodeLabelledGenerator } from './support/labelled-generator.js';
import { needChromium } from './support/page-pixels.js';
import { encodeTinyGenerator } from './support/sample-model.js';
import { readHeaders, type SiteServer, serveSite } from './support/site-server.js';

const TILES = '#samples .grid canvas';
const folder = makeWorkplace();
const site = join(folder, 'site');
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  const tiny = 'train --data digits --model dcgan --width 8 --batch 16 --images 1600 --snapshot-every 1600';
  await ganxOk([...tiny.split(' '), '--out', 'run'], folder);
  await ganxOk(['export', 'run'], folder);
  writeFileSync(join(folder, 'labelled.onnx'), await encodeLabelledGenerator(1));
  await ganxOk(
    ['embed', 'generator.onnx', '--out', 'site', '--title', 'Digits <b>&', '--count', '12'],
    folder,
  );
  await ganxOk(['embed', 'generator.onnx', '--out', 'threads', '--threads', '2'], folder);
});

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** Serves a site and opens its page. */
async function visit(
  context: TestContext,
  fragment: string,
  options: PageOptions & { from?: string; headers?: Readonly<Record<string, string>> } = {},
): Promise<{ page: Page; server: SiteServer }> {
  needChromium(context);
  const { from = site, headers, ...rest } = options;
  const server = await serveSite(from, headers);
  open.push(server);
  const page = await openPage(`${server.address}${fragment}`, rest);
  open.push(page);
  return { page, server };
}

/** Uses the generator in Node, on its CPU. */
async function inNode<T>(use: (generator: Generator) => Promise<T>, file = 'generator.onnx'): Promise<T> {
  const generator = await loadGenerator(join(folder, file), { device: 'cpu' });
  try {
    return await use(generator);
  } finally {
    await generator.dispose();
  }
}

/** RGB of each sample as Node draws it. */
function drawInNode(options: SampleOptions, file?: string): Promise<number[][]> {
  return inNode(async (generator) => toTiles(generator, (await generator.sample(options)).images), file);
}

function toTiles({ metadata }: Generator, images: Parameters<typeof toBytes>[0]): number[][] {
  const [height, width, channels] = metadata.imageShape;
  const size = height * width * channels;
  const { data } = toBytes(images, metadata.imageRange);
  return Array.from({ length: data.length / size }, (_, i) =>
    [...data.subarray(i * size, (i + 1) * size)].flatMap((level) =>
      channels === 1 ? [level, level, level] : level,
    ),
  );
}

/** The largest difference in levels; Infinity for other sizes. */
function differ(got: readonly number[][], wanted: readonly number[][]): number {
  const [a, b] = [got.flat(), wanted.flat()];
  if (got.length !== wanted.length || a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((most, level, i) => Math.max(most, Math.abs(level - b[i]!)), 0);
}

/** Opens the panel and reads its rows. */
async function readFacts(page: Page): Promise<Record<string, string>> {
  const rows = await page.evaluate(`(() => {
    document.getElementById('about').open = true;
    return [...document.querySelectorAll('#facts dt')].map((dt) => [dt.innerText, dt.nextElementSibling.innerText]);
  })()`);
  return Object.fromEntries(rows as [string, string][]);
}

describe('the folder', () => {
  it('holds the page, the model and the runtime, and nothing from elsewhere', () => {
    const scripts = ['app.js', 'ganx-worker.js', 'ganx.js'];
    const ours = ['_headers', 'app.css', 'favicon.svg', 'generator.onnx', 'index.html', 'ort', ...scripts];
    expect(readdirSync(site).sort()).toEqual(ours.sort());
    expect(readdirSync(join(site, 'ort'))).toHaveLength(6);
    const page = readFileSync(join(site, 'index.html'), 'utf8');
    expect(page).toContain('<title>Digits &#60;b&#62;&#38;</title>');
    expect(page).not.toMatch(/\{\{|https?:|<style|\son\w+=|="\//);
    for (const name of ['app.css', 'app.js', 'ganx-worker.js']) {
      expect(readFileSync(join(site, name), 'utf8')).not.toMatch(/\bimport\(["']https?:|url\(/);
    }
  });

  it('says what it weighs, how to serve it, and under which policy', async () => {
    const said = await ganxOk(['embed', 'generator.onnx', '--out', 'told', '--device', 'wasm'], folder);
    expect(said).toContain("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'");
    expect(said).toContain('Cross-Origin-Embedder-Policy: require-corp');
    expect(said).toMatch(/generator\.onnx +\d/);
    expect(readdirSync(join(folder, 'told', 'ort')).filter((name) => /webgpu|asyncify/.test(name))).toEqual(
      [],
    );
  });

  it('does not touch a folder that is not empty, unless it is forced, and then only its own files', async () => {
    const full = join(folder, 'full');
    mkdirSync(full);
    writeFileSync(join(full, 'index.html'), 'mine');
    writeFileSync(join(full, 'CNAME'), 'mine');
    const line = ['embed', 'generator.onnx', '--out', 'full'];
    expectRefusal(await ganx(line, folder), 'a folder that is empty or new', 'full', '--force');
    expect(readFileSync(join(full, 'index.html'), 'utf8')).toBe('mine');
    await ganxOk([...line, '--force'], folder);
    expect(readFileSync(join(full, 'index.html'), 'utf8')).toContain('<!doctype html>');
    expect(readFileSync(join(full, 'CNAME'), 'utf8')).toBe('mine');
    expect(readdirSync(folder).filter((name) => name.startsWith('.full'))).toEqual([]);
  });

  it('is not written for a file that does not draw', async () => {
    const bytes = readFileSync(join(folder, 'generator.onnx'));
    writeFileSync(join(folder, 'cut.onnx'), bytes.subarray(0, bytes.length / 2));
    expectRefusal(await ganx(['embed', 'cut.onnx', '--out', 'none'], folder), 'a whole ONNX file');
    expectRefusal(await ganx(['embed', 'absent.onnx', '--out', 'none'], folder), 'absent.onnx');
    const many = ['embed', 'generator.onnx', '--out', 'none', '--count', '5000'];
    expectRefusal(await ganx(many, folder), 'at most 1024 images');
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });
});

describe('the page', () => {
  it('draws on wasm with one thread from a server that sends no headers', async (context) => {
    const { page, server } = await visit(context, '#device=wasm&seed=7&count=12');
    await waitForSamples(page);
    expect(
      differ(await readCanvases(page, TILES), await drawInNode({ count: 12, seed: 7 })),
    ).toBeLessThanOrEqual(1);
    const facts = await readFacts(page);
    expect(facts).toMatchObject({
      Runtime: `ganx kernels ${packageJson.version}`,
      Device: expect.stringContaining('SIMD'),
    });
    expect(page.complaints).toEqual([]);
    // Nothing of ONNX Runtime.
    const needed = ['', 'app.css', 'app.js', 'ganx-worker.js', 'generator.onnx'];
    expect(new Set(server.requests.filter((path) => path !== 'favicon.svg'))).toEqual(new Set(needed));
    expect(page.requests.filter((address) => !address.startsWith(server.address))).toEqual([]);
  });

  it('draws with threads where it is isolated, and asks nobody else, workers neither', async (context) => {
    const headers = readHeaders(site);
    headers['content-security-policy'] += '; report-uri /reports';
    for (const [from, engine] of [
      [site, /SIMD/],
      [join(folder, 'threads'), /wasm, 2 threads/],
    ] as const) {
      const { page, server } = await visit(context, '#device=wasm&seed=7&count=12', { headers, from });
      await waitForSamples(page);
      expect(
        differ(await readCanvases(page, TILES), await drawInNode({ count: 12, seed: 7 })),
      ).toBeLessThanOrEqual(1);
      const { Device, Threads } = await readFacts(page);
      expect(Device).toMatch(engine);
      expect(Threads).toBeUndefined();
      expect({ complaints: page.complaints, reports: server.reports }).toEqual({
        complaints: [],
        reports: [],
      });
    }
  });

  it('says why it has but one thread where it is not isolated', async (context) => {
    const { page } = await visit(context, '#device=wasm', { from: join(folder, 'threads') });
    await waitForSamples(page);
    expect(await readFacts(page)).toMatchObject({
      Device: 'WebAssembly (wasm, 1 thread)',
      Threads: expect.stringContaining('COOP'),
    });
  });

  it('draws on webgpu', async (context) => {
    const { page } = await visit(context, '#device=webgpu&seed=7&count=12', { webgpu: true });
    if (page.webgpu === 'none') {
      const reason = 'This Chromium has no WebGPU adapter.';
      if (process.env.GANX_REQUIRE?.split(',').includes('chromium')) throw new Error(reason);
      return context.skip(reason);
    }
    await waitForSamples(page);
    expect(
      differ(await readCanvases(page, TILES), await drawInNode({ count: 12, seed: 7 })),
    ).toBeLessThanOrEqual(1);
    expect((await readFacts(page)).Device).toContain('webgpu');
    expect(page.complaints).toEqual([]);
  });

  it('takes another device by itself where there is no webgpu, and says why', async (context) => {
    const { page } = await visit(context, '');
    await waitForSamples(page);
    const facts = await readFacts(page);
    expect(facts.Device).toContain('wasm');
    expect(facts['Not WebGPU']).toMatch(/WebGPU/);
  });

  it('keeps its state in the address', async (context) => {
    const { page } = await visit(context, '#seed=7&count=4&truncation=0.5&device=wasm');
    const begun = '#seed=7&count=4&truncation=0.5&device=wasm';
    await waitForSamples(page, begun);
    const half = await drawInNode({ count: 4, seed: 7, truncation: 0.5 });
    expect(differ(await readCanvases(page, TILES), half)).toBeLessThanOrEqual(1);
    await page.evaluate("document.getElementById('next').click()");
    await page.waitFor(`!document.getElementById('samples').dataset.drawn.startsWith('#seed=7&')`);
    expect(differ(await readCanvases(page, TILES), half)).toBeGreaterThan(1);
    const fragment = String(await page.evaluate('location.hash'));
    expect(fragment).toMatch(/^#seed=\d+&count=4&truncation=0\.5&device=wasm$/);
    expect(await readText(page, '#status')).toContain(`4 samples of seed ${/\d+/.exec(fragment)}`);
    await page.evaluate('history.back()');
    await waitForSamples(page, begun);
    expect(differ(await readCanvases(page, TILES), half)).toBeLessThanOrEqual(1);
    await page.evaluate("location.hash = '#seed=no&count=-1&truncation=7&device=wasm'");
    await waitForSamples(page, '#seed=0&count=12&device=wasm');
  });

  it('is used with the keyboard alone', async (context) => {
    const { page } = await visit(context, '#device=wasm');
    await setScreen(page, 1100, 900);
    await waitForSamples(page);
    const order = [];
    for (let i = 0; i < 7; i++) {
      await pressKeys(page, 'Tab');
      order.push(await readFocus(page));
    }
    expect(order).toEqual([
      'next',
      'seed',
      'count',
      'truncation',
      'device',
      'download',
      'Sample 0 of seed 0',
    ]);
    await pressKeys(page, 'ArrowRight', 'Enter');
    await page.waitFor("document.getElementById('enlarged').open");
    await pressKeys(page, 'ArrowRight');
    expect(await readText(page, '#enlarged-title')).toBe('Sample 2 of seed 0');
    const tiles = await readCanvases(page, TILES);
    expect(await readCanvases(page, '#enlarged-image')).toEqual([tiles[2]]);
    await keepScreenshot(page, 'enlarged');
    await pressKeys(page, 'Escape');
    await page.waitFor("!document.getElementById('enlarged').open");
    expect(await readFocus(page)).toBe('Sample 2 of seed 0');

    await pressKeys(page, 'w', 'End', 'w');
    await page.waitFor("document.getElementById('walk').dataset.steps === '33'");
    expect(await readText(page, '#walk-title')).toBe('Walk from sample 2 to sample 11');
    expect(await readCanvases(page, '#walk-image')).toEqual([tiles[2]]);
    await pressKeys(page, 'Tab', 'Tab', 'ArrowRight', 'ArrowRight', 'ArrowRight');
    expect(await readFocus(page)).toBe('walk-step');
    const wanted = await inNode(async (generator) => {
      const { metadata } = generator;
      const { latents } = await generator.sample({ count: 12 });
      const row = (i: number) =>
        plainTensor(latents.data.slice(i * metadata.latentSize, (i + 1) * metadata.latentSize), [
          1,
          metadata.latentSize,
        ]);
      const way = walkLatents(metadata, row(2), row(11), 33);
      return toTiles(generator, await generator.run(way));
    });
    expect(differ(await readCanvases(page, '#walk-image'), [wanted[3]!])).toBeLessThanOrEqual(1);
    const stages = wanted.filter((_, step) => step % 4 === 0);
    expect(differ(await readCanvases(page, '#walk-strip canvas'), stages)).toBeLessThanOrEqual(1);
    await keepScreenshot(page, 'walk');
    expect(page.complaints).toEqual([]);
  });

  it('walks from a sample that is dragged onto another, and takes a short drag for a click', async (context) => {
    const { page } = await visit(context, '#device=wasm');
    await setScreen(page, 1100, 900);
    await waitForSamples(page);
    const tile = (i: number) => `#samples .grid button:nth-child(${i + 1})`;
    await dragMouse(page, tile(1), tile(4));
    await page.waitFor("document.getElementById('walk').dataset.steps === '33'");
    expect(await readText(page, '#walk-title')).toBe('Walk from sample 1 to sample 4');
    expect(await page.evaluate("document.getElementById('enlarged').open")).toBe(false);
    expect(await page.evaluate("document.getElementById('ghost')")).toBe(null);
    await dragMouse(page, tile(1), tile(1));
    await page.waitFor("document.getElementById('enlarged').open");
  });

  it('hands out what is on view as a PNG', async (context) => {
    const { page } = await visit(context, '#device=wasm&seed=7&count=12');
    await page.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: folder });
    await waitForSamples(page);
    await page.evaluate("document.getElementById('download').click()");
    const path = join(folder, 'dcgan-seed-7.png');
    while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 50));
    const sheet = await inNode(async (generator) =>
      toPng((await generator.sample({ count: 12, seed: 7 })).images, generator.metadata),
    );
    const [got, wanted] = [decode(readFileSync(path)), decode(sheet)];
    expect([got.width, got.height]).toEqual([wanted.width, wanted.height]);
    const levels = [...got.data].filter((_, i) => i % got.channels === 0);
    expect(differ([levels], [[...wanted.data]])).toBeLessThanOrEqual(1);
  });

  it('fits a phone and a desk, in light and dark', async (context) => {
    const { page } = await visit(context, '#device=wasm');
    await waitForSamples(page);
    for (const scheme of ['light', 'dark'] as const) {
      await setScreen(page, 1100, 900, scheme);
      await keepScreenshot(page, `desk-${scheme}`);
      await setScreen(page, 360, 740, scheme);
      await keepScreenshot(page, `phone-${scheme}`);
    }
    await dragMouse(page, '#samples .grid button:nth-child(1)', '#samples .grid button:nth-child(3)');
    await page.waitFor("document.getElementById('walk').dataset.steps === '33'");
    await readFacts(page);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    const colour = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const dark = await colour();
    await setScreen(page, 360, 740);
    expect(await colour()).not.toBe(dark);
    await page.evaluate("document.querySelector('#samples .grid button').click()");
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    await keepScreenshot(page, 'phone-enlarged');
  });

  it('lets a class be picked', async (context) => {
    await ganxOk(['embed', 'labelled.onnx', '--out', 'classes', '--device', 'wasm', '--count', '6'], folder);
    const { page } = await visit(context, '#seed=3', { from: join(folder, 'classes') });
    await waitForSamples(page);
    const mixed = await drawInNode({ count: 6, seed: 3 }, 'labelled.onnx');
    expect(differ(await readCanvases(page, TILES), mixed)).toBeLessThanOrEqual(1);
    await page.evaluate(`(() => {
      const field = document.getElementById('class');
      field.value = [...field.options].find(({ text }) => text === 'owl').value;
      field.dispatchEvent(new Event('change'));
    })()`);
    await waitForSamples(page, '#seed=3&count=6&class=2');
    const owls = await drawInNode({ count: 6, seed: 3, label: 2 }, 'labelled.onnx');
    expect(differ(await readCanvases(page, TILES), owls)).toBeLessThanOrEqual(1);
    const focused = `document.querySelector('#samples .grid button').ariaLabel`;
    expect(await page.evaluate(focused)).toBe('Sample 0 of seed 3, owl');
    expect(await page.evaluate("document.getElementById('device-field').hidden")).toBe(true);
  });

  it('draws from a file of another tool, as it is described', async (context) => {
    writeFileSync(join(folder, 'foreign.onnx'), encodeTinyGenerator({ properties: {} }));
    expectRefusal(await ganx(['embed', 'foreign.onnx', '--out', 'foreign'], folder), 'metadata');
    const line =
      'embed foreign.onnx --out foreign --device wasm --latent 1x7 --distribution uniform --range 0,1';
    await ganxOk(line.split(' '), folder);
    const { page } = await visit(context, '#seed=2&count=5', { from: join(folder, 'foreign') });
    await waitForSamples(page, '#seed=2&count=5');
    const describe = { latent: '1x7', distribution: 'uniform', range: '0,1' };
    const generator = await loadGenerator(join(folder, 'foreign.onnx'), { device: 'cpu', describe });
    const wanted = toTiles(generator, (await generator.sample({ count: 5, seed: 2 })).images);
    await generator.dispose();
    expect(differ(await readCanvases(page, TILES), wanted)).toBeLessThanOrEqual(1);
  });

  it('plots points', async (context) => {
    const tiny =
      'train --data ring --model mlp --width 8 --batch 8 --images 80 --snapshot-every 80 --out points';
    await ganxOk(tiny.split(' '), folder);
    await ganxOk(['export', 'points', '-o', 'points.onnx'], folder);
    await ganxOk(['embed', 'points.onnx', '--out', 'plot', '--device', 'wasm'], folder);
    const { page } = await visit(context, '', { from: join(folder, 'plot') });
    await waitForSamples(page, '#seed=0&count=2000');
    expect(await page.evaluate("document.querySelector('#samples canvas').ariaLabel")).toBe(
      '2000 points of seed 0, plotted',
    );
    const plot = await inNode(
      async (generator) =>
        decode(toPng((await generator.sample({ count: 2000 })).images, generator.metadata)),
      'points.onnx',
    );
    const [drawn] = await readCanvases(page, '#samples canvas');
    // A point at the edge of a pixel may fall to either side by its last bit.
    const off = drawn!.filter((level, i) => Math.abs(level - plot.data[i]!) > 1).length;
    expect(off / drawn!.length).toBeLessThan(1e-3);
    await keepScreenshot(page, 'points');
  });
});

describe('what goes wrong', () => {
  it.for<[string, (bytes: Buffer) => Buffer | undefined, RegExp]>([
    ['is missing', () => undefined, /HTTP 404/],
    ['is cut off', (bytes) => bytes.subarray(0, bytes.length / 2), /cut off/],
    ['is no model', () => Buffer.from('<html>'), /Expected an ONNX file/],
  ])('is said when the model %s, and mended by trying again', async ([name, damage, message], context) => {
    const copy = join(folder, `broken ${name}`);
    await ganxOk(['embed', 'generator.onnx', '--out', copy, '--device', 'wasm', '--count', '4'], folder);
    const path = join(copy, 'generator.onnx');
    const bytes = readFileSync(path);
    const bad = damage(bytes);
    if (bad) writeFileSync(path, bad);
    else rmSync(path);
    const { page } = await visit(context, '', { from: copy });
    await page.waitFor("document.getElementById('problem')?.hidden === false");
    expect(await readText(page, '#problem-text')).toMatch(message);
    writeFileSync(path, bytes);
    await page.evaluate("document.getElementById('retry').click()");
    await waitForSamples(page);
    expect(await page.evaluate("document.getElementById('problem').hidden")).toBe(true);
    expect(await readCanvases(page, TILES)).toHaveLength(4);
  });

  it('is said when a policy forbids the worker', async (context) => {
    const { page } = await visit(context, '', {
      headers: { 'content-security-policy': "worker-src 'none'" },
    });
    await page.waitFor("document.getElementById('problem')?.hidden === false");
    expect(await readText(page, '#problem-text')).toMatch(/worker-src 'self'/);
    await keepScreenshot(page, 'problem');
  });
});
