/**
 * A page with `ganx/web` in a real Chromium, for a test: opened, asked, and closed when the test has ended.
 */
import { afterEach, type TestContext } from 'vitest';
import { openPage, type Page, type PageOptions } from '../../src/browser/chromium.js';
import { loadGenerator } from '../../src/load-generator.js';
import type { LatentDescription, SampleOptions } from '../../src/sample/index.js';
import { needChromium } from './page-pixels.js';
import { type Site, type SiteOptions, serveSite } from './web-site.js';

/** Where the model lies on the site. */
export const ADDRESS = '/models/generator.onnx';

/** Opens a page that has `ganx/web` as `globalThis.ganx`, on a site of its own; both are closed after the test. */
export type OpenSite = (
  context: TestContext,
  file: Uint8Array,
  options?: SiteOptions & PageOptions,
) => Promise<{ site: Site; page: Page }>;

/** To be called once in a test file. */
export function makeSites(): OpenSite {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  return async (context, file, options) => {
    needChromium(context);
    const site = await serveSite(options);
    open.push(site);
    site.files.set(ADDRESS, file);
    const page = await openPage(`${site.origin}/`, options);
    open.push(page);
    await page.waitFor('globalThis.ganx !== undefined');
    return { site, page };
  };
}

/** Runs the body of an async function in the page. */
export function runInPage<T>(page: Page, body: string): Promise<T> {
  return page.evaluate(`(async () => { ${body} })()`) as Promise<T>;
}

/** What onnxruntime-node draws. */
export async function drawInNode(
  bytes: Uint8Array,
  options: SampleOptions,
  describe?: LatentDescription,
): Promise<number[]> {
  const generator = await loadGenerator(bytes, { device: 'cpu', ...(describe ? { describe } : {}) });
  const { images } = await generator.sample(options);
  await generator.dispose();
  return [...images.data];
}

/** The largest difference of two lists of numbers; Infinity for other lengths, and what is no number. */
export function differ(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (got.length !== wanted.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < got.length; i++) {
    const difference = Math.abs(got[i]! - wanted[i]!);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    largest = Math.max(largest, difference);
  }
  return largest;
}

/** What a `<ganx-samples>` of the page shows: RGB levels of one sample after the other. */
export async function readElement(page: Page): Promise<number[]> {
  const levels = await page.evaluate(`(() => {
    const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const canvases = document.querySelector('ganx-samples').shadowRoot.querySelectorAll('canvas');
    return [...canvases].flatMap((canvas) => {
      Object.assign(context.canvas, { width: canvas.width, height: canvas.height });
      context.drawImage(canvas, 0, 0);
      return [...context.getImageData(0, 0, canvas.width, canvas.height).data].filter((_, i) => i % 4 < 3);
    });
  })()`);
  return levels as number[];
}
