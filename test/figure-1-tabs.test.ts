/**
 * The other tabs of "Figure 1, alive" in a real Chromium: points of the plane and small images, which become more like
 * the data, and a visitor's own images. Needs a built `dist`.
 */
import { afterEach, expect, it } from 'vitest';
import { DATA_SETS } from '../examples/figure-1/data-sets.js';
import { comparePoints } from '../examples/figure-1/figure-plane.js';
import { type Data, PLANE_POINTS } from '../examples/figure-1/messages.js';
import type { Page } from '../src/browser/chromium.js';
import type { FloatTensor } from '../src/core/tensor.js';
import { drawDigit } from '../src/data/draw-digit.js';
import { checkGolden, type Generator } from '../src/sample/index.js';
import { keepScreenshot, pressKeys, readFocus, readText } from './support/embed-page.js';
import {
  choose,
  click,
  closeAll,
  download,
  expectQuiet,
  numberIs,
  pause,
  readNumber,
  visit,
  waitUntilReady,
} from './support/figure-1-page.js';

afterEach(closeAll);

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
  const shown = await readNumber(page, 'divergence');
  const generator = await download(visitor);
  expect((await checkGolden(generator)).maxDifference).toBeLessThanOrEqual(1e-5);
  // The page shows the very points of seed 0: the same ones lie in the same cells here, but for some on an edge.
  const { images } = await generator.sample({ count: PLANE_POINTS });
  const data = DATA_SETS.plane.ring!.make!() as Extract<Data, { kind: 'plane' }>;
  const drawn = 2 * comparePoints(data.points, (images as FloatTensor).data);
  expect(Math.abs(drawn - shown)).toBeLessThan(1e-3);
  expectQuiet(visitor);
});

it('images: samples come closer to the data, and a visitor’s own images are taken', async (context) => {
  const visitor = await visit(context, 'images');
  const { page } = visitor;
  const before = await measureDistance(await download(visitor));
  await choose(page, 'speed', '4');
  await click(page, 'play');
  await page.waitFor(numberIs('steps', '>= 1000'), 240_000);
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
