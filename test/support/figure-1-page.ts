/**
 * "Figure 1, alive" in a browser, for its tests: opening a tab, choosing and pressing as a person does, reading numbers,
 * and taking the file that the page gives away. It starts no training and judges nothing but silence.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, type TestContext } from 'vitest';
import { openPage, type Page } from '../../src/browser/chromium.js';
import { loadGenerator } from '../../src/load-generator.js';
import type { Generator } from '../../src/sample/index.js';
import { readText, setScreen } from './embed-page.js';
import { needChromium } from './page-pixels.js';
import { readHeaders, type SiteServer, serveSite } from './site-server.js';

export const SITE = fileURLToPath(new URL('../../dist/figure-1', import.meta.url));
const open: { close(): Promise<void> }[] = [];
/** Closes everything that a test has opened; for `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const one of open.splice(0).reverse()) await one.close();
}

export interface Visit {
  readonly page: Page;
  readonly server: SiteServer;
  readonly downloads: string;
}

/** Serves the folder with its own headers and opens a tab of the page. */
export async function visit(context: TestContext, tab: string): Promise<Visit> {
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

export const waitUntilReady = (page: Page) =>
  page.waitFor(`document.getElementById('play')?.disabled === false`);

export const click = (page: Page, id: string) => page.evaluate(`document.getElementById('${id}').click()`);

/** Sets a control as a person does, events and all. */
export async function choose(page: Page, id: string, value: string): Promise<void> {
  await page.evaluate(`(() => {
    const control = document.getElementById('${id}');
    control.value = ${JSON.stringify(value)};
    for (const type of ['input', 'change']) control.dispatchEvent(new Event(type, { bubbles: true }));
  })()`);
}

export async function readNumber(page: Page, id: string): Promise<number> {
  return Number((await readText(page, `#${id}`)).replaceAll(',', '').replace('−', '-'));
}

export const numberIs = (id: string, condition: string) =>
  `Number(document.getElementById('${id}').textContent.replaceAll(',', '')) ${condition}`;

/** Pauses and waits for the picture that was still on its way. */
export async function pause(page: Page): Promise<void> {
  await click(page, 'play');
  await page.waitFor(`document.getElementById('panel').dataset.busy === 'false'`);
}

/** Presses the button and gives the file's generator on Node's CPU. */
export async function download({ page, downloads }: Visit): Promise<Generator> {
  await click(page, 'download');
  const path = join(downloads, 'generator.onnx');
  await page.waitFor(`document.getElementById('status').textContent.startsWith('generator.onnx')`);
  for (let i = 0; i < 200 && !existsSync(path); i++) await new Promise((resolve) => setTimeout(resolve, 50));
  const generator = await loadGenerator(path, { device: 'cpu' });
  rmSync(path);
  open.push({ close: () => generator.dispose() });
  return generator;
}

/** Nothing in the console, nothing refused, nothing from elsewhere, nothing missing. */
export function expectQuiet({ page, server }: Visit): void {
  expect(page.complaints).toEqual([]);
  const { origin } = new URL(server.address);
  expect(
    page.requests.filter((address) => !address.startsWith(origin) && !address.startsWith('blob:')),
  ).toEqual([]);
  expect(server.requests.filter((name) => name !== '' && !existsSync(join(SITE, name)))).toEqual([]);
}
