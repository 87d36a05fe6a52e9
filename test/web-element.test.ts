/**
 * `<ganx-samples>` in a real Chromium under a strict policy: what it shows, how attributes and properties follow each
 * other, keyboard and screen reader, its events, and what it says when something is wrong. Needs a built `dist`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Page } from '../src/browser/chromium.js';
import { loadGenerator } from '../src/load-generator.js';
import { toBytes, toPng } from '../src/sample/index.js';
import { encodeLabelledGenerator } from './support/labelled-generator.js';
import { encodeTinyGenerator, METADATA } from './support/sample-model.js';
import { ADDRESS, differ, makeSites, readElement, runInPage } from './support/web-page.js';

const openSite = makeSites();
const BODY =
  '<ganx-samples src="models/generator.onnx" count="6" seed="7" device="wasm" columns="3"></ganx-samples>';
let file: Uint8Array;

beforeAll(async () => {
  file = await encodeLabelledGenerator(1);
});

const SETUP = `const element = document.querySelector('ganx-samples');
  const once = (type) => new Promise((resolve) => element.addEventListener(type, resolve, { once: true }));
  const settled = (count, seed) => new Promise((resolve) => {
    const look = () => {
      const label = element.shadowRoot.querySelector('[part=grid]').getAttribute('aria-label');
      if (label === count + ' samples of seed ' + seed) resolve();
      else setTimeout(look, 10);
    };
    look();
  });
  const tiles = () => [...element.shadowRoot.querySelectorAll('button')];
  const press = (key) => element.shadowRoot.activeElement.dispatchEvent(
    new KeyboardEvent('keydown', { key, bubbles: true, composed: true, cancelable: true }));
  const status = () => element.shadowRoot.querySelector('[role=status]').textContent;`;

const ask = <T>(page: Page, body: string) => runInPage<T>(page, `${SETUP}\n${body}`);

/** The levels of Node's samples. */
async function drawLevels(options: { count: number; seed: number; label?: number }): Promise<Uint8Array> {
  const generator = await loadGenerator(file, { device: 'cpu' });
  const { images } = await generator.sample(options);
  await generator.dispose();
  return toBytes(images, generator.metadata.imageRange).data;
}

describe('<ganx-samples>', () => {
  it('shows the samples that Node draws, with a name for each', async (context) => {
    const { page } = await openSite(context, file, { body: BODY });
    const shown = await ask<{
      names: string[];
      columns: string;
      status: string;
      stops: number[];
    }>(
      page,
      `await settled(6, 7);
      return {
        names: tiles().map((tile) => tile.getAttribute('aria-label')),
        stops: tiles().map((tile) => tile.tabIndex),
        columns: getComputedStyle(element.shadowRoot.querySelector('[part=grid]')).gridTemplateColumns,
        status: status(),
      };`,
    );
    const levels = await readElement(page);
    expect(differ(levels, await drawLevels({ count: 6, seed: 7 }))).toBeLessThanOrEqual(1);
    expect(differ(levels, await drawLevels({ count: 6, seed: 8 }))).toBeGreaterThan(64);
    const classes = ['cat', 'dog', 'owl'];
    expect(shown.names).toEqual(
      Array.from({ length: 6 }, (_, i) => `Sample ${i} of seed 7, ${classes[i % 3]}`),
    );
    expect(shown.stops).toEqual([0, -1, -1, -1, -1, -1]);
    expect(shown.columns.split(' ')).toHaveLength(3);
    expect(shown.status).toBe('6 samples of seed 7');
    const folder = process.env.GANX_SCREENSHOT_DIR;
    if (folder) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'element.png'), await page.screenshot());
    }
    expect(page.complaints).toEqual([]);
  });

  it('follows attributes and properties, and draws once for all that are set together', async (context) => {
    const { page } = await openSite(context, file, { body: BODY });
    const first = await ask<number[]>(
      page,
      `await settled(6, 7);
      const draws = [];
      element.addEventListener('ganx-draw', ({ detail }) => draws.push(detail.seed));
      element.count = 2;
      element.setAttribute('seed', '9');
      element.label = 'owl';
      await settled(2, 9);
      return draws;`,
    );
    expect(
      differ(await readElement(page), await drawLevels({ count: 2, seed: 9, label: 2 })),
    ).toBeLessThanOrEqual(1);
    const result = await ask<{ draws: number[]; properties: unknown[] }>(
      page,
      `const draws = [];
      element.addEventListener('ganx-draw', ({ detail }) => draws.push(detail.seed));
      await element.next();
      const properties = [element.count, element.seed, element.label, element.columns, element.threads,
        element.truncation, element.getAttribute('count'), element.samples.images.shape];
      element.label = null;
      element.removeAttribute('count');
      await settled(16, 10);
      properties.push(element.getAttribute('label'), element.count);
      return { draws, properties };`,
    );
    expect(first).toEqual([9]);
    expect(result.draws).toEqual([10, 10]);
    expect(result.properties).toEqual([2, 10, 'owl', 3, null, 1, '2', [2, 10, 8, 3], null, 16]);
    expect(page.complaints).toEqual([]);
  });

  it('is walked with arrow keys, and says what was chosen', async (context) => {
    const { page } = await openSite(context, file, { body: BODY });
    const result = await ask<{ walk: number[]; chosen: unknown; stops: number[] }>(
      page,
      `await settled(6, 7);
      tiles()[0].focus();
      const walk = [];
      for (const key of ['ArrowRight', 'ArrowDown', 'ArrowDown', 'ArrowLeft', 'ArrowUp', 'ArrowLeft', 'End', 'Home', 'a']) {
        press(key);
        walk.push(tiles().indexOf(element.shadowRoot.activeElement));
      }
      press('End');
      const event = once('ganx-select');
      element.shadowRoot.activeElement.click();
      const { detail, bubbles, composed } = await event;
      await element.next();
      return {
        walk, chosen: { ...detail, bubbles, composed }, stops: tiles().map((tile) => tile.tabIndex),
        focus: tiles().indexOf(element.shadowRoot.activeElement),
      };`,
    );
    expect(result.walk).toEqual([1, 4, 4, 3, 0, 0, 5, 0, 0]);
    expect(result.chosen).toEqual({ index: 5, number: 5, seed: 7, bubbles: true, composed: true });
    expect(result.stops).toEqual([-1, -1, -1, -1, -1, 0]);
    expect(result).toMatchObject({ focus: 5 });
  });

  it('saves one sheet, as Node draws it', async (context) => {
    const { page } = await openSite(context, file, { body: BODY });
    const result = await ask<{ name: string; bytes: number[] }>(
      page,
      `await settled(6, 7);
      let blob;
      let name;
      const createAddress = URL.createObjectURL;
      URL.createObjectURL = (given) => createAddress((blob = given));
      HTMLAnchorElement.prototype.click = function () { name = this.download; };
      await element.download();
      return { name, bytes: [...new Uint8Array(await blob.arrayBuffer())] };`,
    );
    expect(result.name).toBe('samples-7.png');
    const generator = await loadGenerator(file, { device: 'cpu' });
    const { images } = await generator.sample({ count: 6, seed: 7 });
    await generator.dispose();
    const wanted = decode(toPng(images, generator.metadata, { columns: 3 }));
    const got = decode(Uint8Array.from(result.bytes));
    expect([got.width, got.height]).toEqual([wanted.width, wanted.height]);
    const step = got.channels;
    const levels = [...got.data].filter((_, i) => i % step < 3);
    expect(differ(levels, [...wanted.data])).toBeLessThanOrEqual(1);
  });

  it('shows points as a plot', async (context) => {
    const points = encodeTinyGenerator({
      metadata: { ...withoutGolden(), kind: 'points', imageShape: [1, 1, 2] },
    });
    const { page } = await openSite(context, points, { body: BODY });
    const result = await ask<{ label: string; tiles: number }>(
      page,
      `await settled(6, 7);
      const canvas = element.shadowRoot.querySelector('canvas');
      return { label: canvas.getAttribute('aria-label'), role: canvas.getAttribute('role'), tiles: tiles().length };`,
    );
    expect(result).toEqual({ label: '6 points of seed 7, plotted', role: 'img', tiles: 0 });
  });
});

/** The metadata of a file that does not say what it should draw. */
function withoutGolden() {
  const { golden: _, ...rest } = METADATA;
  return rest;
}

describe('what <ganx-samples> says', () => {
  it('is how far loading is, and then that samples are there', async (context) => {
    const { page, site } = await openSite(context, file);
    site.stuck.add(ADDRESS);
    const result = await ask<{ phases: string[]; bar: number; text: string }>(
      page,
      `document.body.insertAdjacentHTML('beforeend', ${JSON.stringify(BODY)});
      const made = document.querySelector('ganx-samples');
      let bar;
      await new Promise((resolve) => made.addEventListener('ganx-progress', ({ detail }) => {
        if (detail.loadedBytes === ${Math.floor(file.length / 2)}) resolve(detail);
      }));
      const line = made.shadowRoot.querySelector('[part=loading]');
      const busy = made.shadowRoot.querySelector('[part=grid]').getAttribute('aria-busy');
      return { bar: line.querySelector('progress').value, text: line.textContent, hidden: line.hidden, busy };`,
    );
    expect(result).toEqual({
      bar: Math.floor(file.length / 2) / file.length,
      text: `Loading, ${(Math.floor(file.length / 2) / 1e3).toFixed(0)} of ${(file.length / 1e3).toFixed(0)} kB`,
      hidden: false,
      busy: 'true',
    });
    // Taking it away ends the download.
    await page.evaluate("document.querySelector('ganx-samples').remove()");
    await expect.poll(() => site.cutOff).toEqual([ADDRESS]);
  });

  it('is what is wrong, in its own slot and as an event, and it recovers', async (context) => {
    const { page } = await openSite(context, file, {
      body: BODY.replace('models/generator.onnx', 'missing.onnx'),
    });
    const result = await ask<{ text: string; second: string; third: string; last: string }>(
      page,
      `const errorLine = () => element.shadowRoot.querySelector('[part=error]');
      while (errorLine().hidden) await new Promise((resolve) => setTimeout(resolve, 10));
      const text = errorLine().textContent;
      const saysSo = status() === text;
      element.src = 'models/generator.onnx';
      await settled(6, 7);
      const isGone = errorLine().hidden;
      const { generator } = element;
      let error = once('ganx-error');
      element.count = 0;
      const second = (await error).detail.error.message;
      error = once('ganx-error');
      element.setAttribute('count', 'many');
      element.label = 'bat';
      const third = (await error).detail.error.message;
      const isSame = element.generator === generator;
      element.count = 3;
      element.label = null;
      await settled(3, 7);
      return { text, saysSo, isGone, isSame, second, third, last: status() };`,
    );
    expect(result).toMatchObject({ saysSo: true, isGone: true, isSame: true, last: '3 samples of seed 7' });
    expect(result.text).toMatch(/missing\.onnx\] Expected .*HTTP 404/);
    expect(result.second).toMatch(/^\[sample\] Expected a count.*`0`/);
    expect(result.third).toMatch(/Expected a class by name or number, got `bat`\. Known: cat, dog, owl\./);
  });

  it('lives on when it is moved, and gives everything back when it is taken away', async (context) => {
    const { page } = await openSite(context, file, { body: `${BODY}<main></main>` });
    const result = await ask<Record<string, unknown>>(
      page,
      `await settled(6, 7);
      const { generator } = element;
      document.querySelector('main').append(element);
      await new Promise((resolve) => setTimeout(resolve));
      const moved = element.generator === generator;
      element.remove();
      await new Promise((resolve) => setTimeout(resolve));
      const left = await generator.sample().catch((error) => error.message);
      document.body.append(element);
      await once('ganx-draw');
      return { moved, left, again: element.generator !== generator, count: tiles().length };`,
    );
    expect(result).toEqual({ moved: true, left: expect.stringContaining('disposed'), again: true, count: 6 });
  });
});
