/**
 * "Figure 1, alive" in a real Chromium, from the folder that the build makes: it trains there, its numbers are true, its
 * controls do what they say, and what it learned draws the same in Node. Needs a built `dist`.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, type TestContext } from 'vitest';
import { openPage, type Page } from '../src/browser/chromium.js';
import type { FloatTensor } from '../src/core/tensor.js';
import { drawDigit } from '../src/data/draw-digit.js';
import { loadGenerator } from '../src/load-generator.js';
import { type Grid, histogram, jensenShannon, mixtureDensity } from '../src/measure/one-dimension.js';
import { checkGolden, type Generator } from '../src/sample/index.js';
import { keepScreenshot, pressKeys, readFocus, readText, setScreen } from './support/embed-page.js';
import { needChromium } from './support/page-pixels.js';
import { readHeaders, type SiteServer, serveSite } from './support/site-server.js';

const SITE = fileURLToPath(new URL('../dist/figure-1', import.meta.url));
/** The page's own x axis and Gaussian. */
const GRID: Grid = { low: -1.2, high: 1.2, cells: 120 };
const GAUSSIAN = mixtureDensity([{ weight: 1, mean: 0.2, sigma: 0.25 }], GRID);
const SAMPLES = 20_000;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

interface Visit {
  readonly page: Page;
  readonly server: SiteServer;
  readonly downloads: string;
}

/** Serves the folder with its own headers and opens a tab of the page. */
async function visit(context: TestContext, tab: string): Promise<Visit> {
  needChromium(context);
  const server = await serveSite(SITE, readHeaders(SITE));
  open.push(server);
  const page = await openPage(`${server.address}#${tab}`);
  const downloads = mkdtempSync(join(tmpdir(), 'ganx-downloads-'));
  open.push(page, { close: async () => rmSync(downloads, { recursive: true }) });
  await waitUntilReady(page);
  await setScreen(page, 1200, 1400);
  await page.send('Page.setDownloadBehavior', { behavior: 'allow', downloadPath: downloads });
  return { page, server, downloads };
}

const waitUntilReady = (page: Page) => page.waitFor(`document.getElementById('play')?.disabled === false`);

const click = (page: Page, id: string) => page.evaluate(`document.getElementById('${id}').click()`);

/** Sets a control as a person does, events and all. */
async function choose(page: Page, id: string, value: string): Promise<void> {
  await page.evaluate(`(() => {
    const control = document.getElementById('${id}');
    control.value = ${JSON.stringify(value)};
    for (const type of ['input', 'change']) control.dispatchEvent(new Event(type, { bubbles: true }));
  })()`);
}

async function readNumber(page: Page, id: string): Promise<number> {
  return Number((await readText(page, `#${id}`)).replaceAll(',', '').replace('−', '-'));
}

const numberIs = (id: string, condition: string) =>
  `Number(document.getElementById('${id}').textContent.replaceAll(',', '')) ${condition}`;

/** Pauses and waits for the picture that was still on its way. */
async function pause(page: Page): Promise<void> {
  await click(page, 'play');
  await page.waitFor(`document.getElementById('panel').dataset.busy === 'false'`);
}

/** Presses the button and gives the file's generator on Node's CPU. */
async function download({ page, downloads }: Visit): Promise<Generator> {
  await click(page, 'download');
  const path = join(downloads, 'generator.onnx');
  await page.waitFor(`document.getElementById('status').textContent.startsWith('generator.onnx')`);
  for (let i = 0; i < 200 && !existsSync(path); i++) await new Promise((resolve) => setTimeout(resolve, 50));
  const generator = await loadGenerator(path, { device: 'cpu' });
  rmSync(path);
  open.push({ close: () => generator.dispose() });
  return generator;
}

/**
 * Energy distance between samples and the page's digits: 0 for one distribution, and large for images that are all
 * alike or all blurred. https://en.wikipedia.org/wiki/Energy_distance
 */
async function measureDistance(generator: Generator): Promise<number> {
  const size = 14 * 14;
  const { data } = (await generator.sample({ count: 50 })).images as FloatTensor;
  const fakes = Array.from({ length: 50 }, (_, i) => data.subarray(i * size, (i + 1) * size));
  const digits = Array.from({ length: 200 }, (_, i) =>
    Float32Array.from(drawDigit(0, i, 14), (level) => level / 255),
  );
  const between = (a: readonly Float32Array[], b: readonly Float32Array[]): number => {
    const distances = a.flatMap((one) =>
      b.map((other) => Math.sqrt(one.reduce((sum, value, at) => sum + (value - other[at]!) ** 2, 0))),
    );
    return distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
  };
  return 2 * between(fakes, digits) - between(fakes, fakes) - between(digits, digits);
}

/** Chooses image files as a visitor does. */
async function giveImages(page: Page, count: number): Promise<void> {
  await page.evaluate(`(async () => {
    const input = document.getElementById('files');
    const files = new DataTransfer();
    for (let i = 0; i < ${count}; i++) {
      const canvas = Object.assign(document.createElement('canvas'), { width: 40, height: 30 });
      canvas.getContext('2d').fillRect(i, i, 12, 9);
      const blob = await new Promise((resolve) => canvas.toBlob(resolve));
      files.items.add(new File([blob], i + '.png', { type: 'image/png' }));
    }
    input.files = files.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
  })()`);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await page.waitFor(`document.getElementById('panel').dataset.busy === 'false'`);
}

/** Draws through places of the figure, in shares of its width and height. */
async function drawWithMouse(page: Page, places: readonly (readonly [number, number])[]): Promise<void> {
  const { left, top, width, height } = (await page.evaluate(`(() => {
    const { left, top, width, height } = document.getElementById('figure').getBoundingClientRect();
    return { left, top, width, height };
  })()`)) as { left: number; top: number; width: number; height: number };
  const mouse = (type: string, [x, y]: readonly [number, number], buttons: number) =>
    page.send('Input.dispatchMouseEvent', {
      type,
      x: left + x * width,
      y: top + y * height,
      button: 'left',
      buttons,
      clickCount: 1,
    });
  await mouse('mousePressed', places[0]!, 1);
  for (const place of places) await mouse('mouseMoved', place, 1);
  await mouse('mouseReleased', places.at(-1)!, 0);
}

/** Nothing in the console, nothing refused, nothing from elsewhere, nothing missing. */
function expectQuiet({ page, server }: Visit): void {
  expect(page.complaints).toEqual([]);
  const { origin } = new URL(server.address);
  expect(
    page.requests.filter((address) => !address.startsWith(origin) && !address.startsWith('blob:')),
  ).toEqual([]);
  expect(server.requests.filter((name) => name !== '' && !existsSync(join(SITE, name)))).toEqual([]);
}

describe('the folder', () => {
  it('is whole, and knows no address but the paper’s', () => {
    expect(readdirSync(SITE).sort()).toEqual(
      ['_headers', 'app.css', 'app.js', 'favicon.svg', 'index.html', 'ort', 'worker.js'].sort(),
    );
    expect(readdirSync(join(SITE, 'ort'))).toHaveLength(6);
    const html = readFileSync(join(SITE, 'index.html'), 'utf8');
    expect(html.match(/https?:[^"]*/g)).toEqual(['https://arxiv.org/abs/1406.2661']);
    expect(html).toContain("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'");
    expect(html).not.toMatch(/\{\{|<style|\son\w+=|style="/);
  });
});

describe('one dimension', () => {
  it('trains to p_g = p_data, and the file that it gives away says the same', async (context) => {
    const visitor = await visit(context, 'line');
    const { page } = visitor;
    await keepScreenshot(page, 'figure-1-start');
    const before = await readNumber(page, 'divergence');
    expect(before).toBeGreaterThan(0.1);
    await choose(page, 'speed', '5');
    await click(page, 'play');
    await page.waitFor(numberIs('divergence', '< 0.03'));
    await pause(page);
    await keepScreenshot(page, 'figure-1-end');
    const shown = (await readNumber(page, 'divergence')) / 2;
    expect(shown).toBeLessThan(0.02);

    const generator = await download(visitor);
    const { images } = await generator.sample({ count: SAMPLES });
    // By chance alone the samples are (120 − 1) / 8 / 20,000 = 7e-4 away.
    const measured = jensenShannon(GAUSSIAN, histogram((images as FloatTensor).data, GRID), GRID);
    expect(measured).toBeLessThan(0.02);
    expect(Math.abs(measured - shown)).toBeLessThan(0.003);
    const golden = await checkGolden(generator);
    expect(golden.maxDifference).toBeLessThanOrEqual(1e-5);
    expect(generator.metadata).toMatchObject({
      kind: 'points',
      latentSize: 1,
      latentDistribution: 'uniform',
    });
    expectQuiet(visitor);
  });

  it('pauses, goes step by step, and has the same curve for the same seed', async (context) => {
    const visitor = await visit(context, 'line');
    const { page } = visitor;
    const walk = async (steps: number): Promise<string> => {
      for (let i = 0; i < steps; i++) {
        const at = await readNumber(page, 'steps');
        await click(page, 'step');
        await page.waitFor(numberIs('steps', `=== ${at + 1}`));
      }
      return readText(page, '#numbers');
    };
    const first = await walk(3);
    await click(page, 'restart');
    await page.waitFor(numberIs('steps', '=== 0'));
    expect(await walk(3)).toBe(first);
    await choose(page, 'seed', '1');
    await page.waitFor(numberIs('steps', '=== 0'));
    expect(await walk(3)).not.toBe(first);

    await choose(page, 'speed', '3');
    await click(page, 'play');
    await page.waitFor(numberIs('steps', '> 60'));
    await pause(page);
    const paused = await readNumber(page, 'steps');
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await readNumber(page, 'steps')).toBe(paused);

    // Other rules for the same networks: they go on from where they are.
    await choose(page, 'loss', 'minimax');
    await choose(page, 'k', '3');
    await walk(1);
    expect(await readNumber(page, 'steps')).toBe(paused + 1);
    expectQuiet(visitor);
  });

  it('shows the Helvetica scenario, mends it, and learns a density that is drawn with the mouse', async (context) => {
    const visitor = await visit(context, 'line');
    const { page } = visitor;
    await choose(page, 'speed', '3');
    await click(page, 'helvetica');
    await page.waitFor(`document.getElementById('status').textContent.startsWith('Helvetica')`);
    await pause(page);
    await keepScreenshot(page, 'figure-1-helvetica');
    expect(await readNumber(page, 'divergence')).toBeGreaterThan(0.5);

    await choose(page, 'data', 'hand');
    await drawWithMouse(page, [
      [0.1, 0.62],
      [0.3, 0.2],
      [0.6, 0.2],
      [0.8, 0.62],
    ]);
    await page.waitFor(`document.getElementById('panel').dataset.busy === 'false'`);
    await choose(page, 'speed', '5');
    await click(page, 'defaults');
    await page.waitFor(numberIs('divergence', '< 0.1'));
    await pause(page);
    await keepScreenshot(page, 'figure-1-hand');
    expect(await readText(page, '#status')).toBe('');
    expectQuiet(visitor);
  });
});

describe('the other tabs', () => {
  it('by keyboard: two dimensions come closer', async (context) => {
    const visitor = await visit(context, 'line');
    const { page } = visitor;
    await page.evaluate(`document.getElementById('tab-line').focus()`);
    await pressKeys(page, 'ArrowRight');
    expect(await readFocus(page)).toBe('tab-plane');
    await page.waitFor(`document.getElementById('panel').dataset.kind === 'plane'`);
    await page.waitFor(numberIs('divergence', '> 0'));
    await waitUntilReady(page);
    const before = await readNumber(page, 'divergence');
    await choose(page, 'speed', '5');
    await click(page, 'play');
    await page.waitFor(numberIs('divergence', `< ${before / 2}`));
    await pause(page);
    await keepScreenshot(page, 'figure-1-plane');
    const generator = await download(visitor);
    expect((await checkGolden(generator)).maxDifference).toBeLessThanOrEqual(1e-5);
    expectQuiet(visitor);
  });

  it('images: samples come closer to the data, and a visitor’s own images are taken', async (context) => {
    const visitor = await visit(context, 'images');
    const { page } = visitor;
    const before = await measureDistance(await download(visitor));
    await choose(page, 'speed', '4');
    await click(page, 'play');
    await page.waitFor(numberIs('steps', '>= 1000'), 120_000);
    await pause(page);
    await keepScreenshot(page, 'figure-1-images');
    const generator = await download(visitor);
    expect(await measureDistance(generator)).toBeLessThan(0.6 * before);
    expect((await checkGolden(generator)).maxDifference).toBeLessThanOrEqual(1e-5);
    expect(generator.metadata.imageShape).toEqual([14, 14, 1]);

    await choose(page, 'data', 'own');
    await giveImages(page, 3);
    expect(await readText(page, '#problem')).toContain('at least 8 images; 3 of these');
    await giveImages(page, 12);
    const at = await readNumber(page, 'steps');
    await click(page, 'step');
    await page.waitFor(numberIs('steps', `=== ${at + 1}`));
    expect(await page.evaluate(`document.getElementById('problem').hidden`)).toBe(true);
    expectQuiet(visitor);
  });
});
