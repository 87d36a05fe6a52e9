/**
 * "Figure 1, alive" in a real Chromium, from the folder that the build makes: its first tab trains there, its numbers are
 * true, its controls do what they say, and what it learned draws the same in Node. Needs a built `dist`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Page } from '../src/browser/chromium.js';
import type { FloatTensor } from '../src/core/tensor.js';
import { type Grid, histogram, jensenShannon, mixtureDensity } from '../src/measure/one-dimension.js';
import { checkGolden } from '../src/sample/index.js';
import { keepScreenshot, readText } from './support/embed-page.js';
import {
  choose,
  click,
  closeAll,
  download,
  expectQuiet,
  numberIs,
  pause,
  readNumber,
  SITE,
  visit,
} from './support/figure-1-page.js';

/** The page's own x axis and Gaussian. */
const GRID: Grid = { low: -1.2, high: 1.2, cells: 120 };
const GAUSSIAN = mixtureDensity([{ weight: 1, mean: 0.2, sigma: 0.25 }], GRID);
const SAMPLES = 20_000;

afterEach(closeAll);

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
    await page.waitFor(`${numberIs('steps', '> 2500')} && ${numberIs('divergence', '< 0.03')}`, 120_000);
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
