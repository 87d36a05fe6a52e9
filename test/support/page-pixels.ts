/**
 * What a page shows against what Node draws, pixel by pixel, and the skipping of both where there is no browser.
 * It knows neither page nor generator.
 */
import { decode } from 'fast-png';
import type { TestContext } from 'vitest';
import type { Page } from '../../src/browser/chromium.js';
import { chromiumPath } from '../../src/browser/find-chromium.js';

/** Skips a test that needs a browser, or fails it where `GANX_REQUIRE` names `chromium`. */
export function needChromium(context: TestContext): void {
  if (chromiumPath !== undefined) return;
  const reason = 'There is no Chromium on this machine; GANX_CHROMIUM can name one.';
  if (process.env.GANX_REQUIRE?.split(',').includes('chromium')) throw new Error(reason);
  context.skip(reason);
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** RGBA, row by row. */
  readonly data: readonly number[];
}

/** Reads an image of the page as the browser decoded it. */
async function readImage(page: Page, selector: string): Promise<Pixels> {
  const pixels = await page.evaluate(`(() => {
    const image = document.querySelector(${JSON.stringify(selector)});
    const { naturalWidth: width, naturalHeight: height } = image;
    const context = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d');
    context.drawImage(image, 0, 0);
    return { width, height, data: [...context.getImageData(0, 0, width, height).data] };
  })()`);
  return pixels as Pixels;
}

/**
 * The largest difference in levels (0 to 255) between an image of the page and a PNG without alpha.
 *
 * @throws when their sizes differ
 */
export async function comparePixels(page: Page, selector: string, png: Uint8Array): Promise<number> {
  const shown = await readImage(page, selector);
  const drawn = decode(png);
  if (shown.width !== drawn.width || shown.height !== drawn.height) {
    throw new Error(
      `${shown.width} x ${shown.height} in the page, ${drawn.width} x ${drawn.height} in Node.`,
    );
  }
  let largest = 0;
  for (let at = 0; at < drawn.width * drawn.height; at++) {
    for (let c = 0; c < 3; c++) {
      const wanted = drawn.data[at * drawn.channels + Math.min(c, drawn.channels - 1)]!;
      largest = Math.max(largest, Math.abs(shown.data[at * 4 + c]! - wanted));
    }
  }
  return largest;
}
