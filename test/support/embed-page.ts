/**
 * The page that `ganx embed` writes, in a browser: what it shows as pixels, and a person's keys and mouse. It knows no
 * test and starts no browser.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '../../src/browser/chromium.js';

/** Waits until samples are on view that `fragment` asks for (all of it, as the page writes it). */
export async function waitForSamples(page: Page, fragment?: string): Promise<void> {
  const wanted = fragment === undefined ? '!== undefined' : `=== ${JSON.stringify(fragment)}`;
  await page.waitFor(`document.getElementById('samples')?.dataset.drawn ${wanted}`);
}

/** RGB of canvases by their selector, one after the other, row by row. */
export async function readCanvases(page: Page, selector: string): Promise<number[][]> {
  // By a copy: the page's own canvases are made to be seen, not to be read.
  const pixels =
    await page.evaluate(`[...document.querySelectorAll(${JSON.stringify(selector)})].map((canvas) => {
    const { width, height } = canvas;
    const copy = Object.assign(document.createElement('canvas'), { width, height });
    const context = copy.getContext('2d', { willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    return [...context.getImageData(0, 0, width, height).data].filter((_, i) => i % 4 < 3);
  })`);
  return pixels as number[][];
}

/** The text of an element, as it is seen. */
export async function readText(page: Page, selector: string): Promise<string> {
  return String(await page.evaluate(`document.querySelector(${JSON.stringify(selector)}).innerText`));
}

/** The name of the element that has the focus: its id, or its label. */
export async function readFocus(page: Page): Promise<string> {
  return String(await page.evaluate('document.activeElement.id || document.activeElement.ariaLabel'));
}

const KEY_CODES: Readonly<Record<string, number>> = {
  Tab: 9,
  Enter: 13,
  Escape: 27,
  End: 35,
  Home: 36,
  ArrowLeft: 37,
  ArrowRight: 39,
};

/** Presses keys one after the other, as a keyboard does. */
export async function pressKeys(page: Page, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const text = key === 'Enter' ? '\r' : key.length === 1 ? key : undefined;
    const windowsVirtualKeyCode = KEY_CODES[key] ?? key.toUpperCase().charCodeAt(0);
    const event = { key, code: key, windowsVirtualKeyCode, ...(text === undefined ? {} : { text }) };
    await page.send('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
    await page.send('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }
}

/** Drags from the middle of one element to that of another, with the mouse. */
export async function dragMouse(page: Page, from: string, to: string): Promise<void> {
  const middleOf = async (selector: string) =>
    (await page.evaluate(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      const { left, top, width, height } = element.getBoundingClientRect();
      return { x: left + width / 2, y: top + height / 2 };
    })()`)) as { x: number; y: number };
  const [start, end] = [await middleOf(from), await middleOf(to)];
  const between = { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 };
  const mouse = (type: string, place: typeof start, buttons: number) =>
    page.send('Input.dispatchMouseEvent', { type, ...place, button: 'left', buttons, clickCount: 1 });
  await mouse('mousePressed', start, 1);
  await mouse('mouseMoved', between, 1);
  await mouse('mouseMoved', end, 1);
  await mouse('mouseReleased', end, 0);
}

/** Gives the window a size in CSS pixels and a colour scheme. */
export async function setScreen(
  page: Page,
  width: number,
  height: number,
  scheme: 'light' | 'dark' = 'light',
): Promise<void> {
  const mobile = width < 500;
  await page.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile });
  const features = [
    { name: 'prefers-color-scheme', value: scheme },
    { name: 'prefers-reduced-motion', value: 'reduce' },
  ];
  await page.send('Emulation.setEmulatedMedia', { features });
}

/** Keeps a picture of the page where `GANX_SCREENSHOT_DIR` says, for a person to look at. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  const folder = process.env.GANX_SCREENSHOT_DIR;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.png`), await page.screenshot());
}
