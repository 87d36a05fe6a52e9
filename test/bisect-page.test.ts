/** The page of a reproduction in a real browser: it shows what is wrong, and acquits what is right. */
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import {
  bisectDivergence,
  type Divergence,
  type Side,
  writeReproduction,
} from '../exporters/bisect/index.js';
import { openPage } from '../src/browser/chromium.js';
import { serveFolder } from '../src/browser/serve-folder.js';
import { needChromium } from './support/page-pixels.js';
import {
  alterWeight,
  brokenDevice,
  feeds,
  GOOD,
  MASKED,
  MASKED_INPUT,
  openHere,
  openReference,
} from './support/planted-faults.js';

describe('the page of a reproduction', () => {
  const library = fileURLToPath(new URL('../node_modules/onnxruntime-web/dist/', import.meta.url));
  const folders: string[] = [];
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

  /** Shows a divergence in Chromium, and hands the page's own words out. */
  async function show(
    found: Divergence,
    screenshot?: string,
  ): Promise<{ rows: string[][]; report: string; hasWebgpu: boolean }> {
    const folder = mkdtempSync(join(tmpdir(), 'ganx-bisect-'));
    folders.push(folder);
    for (const [name, bytes] of Object.entries(writeReproduction(found)))
      writeFileSync(join(folder, name), bytes);
    for (const name of [
      'ort.wasm.min.mjs',
      'ort-wasm-simd-threaded.mjs',
      'ort-wasm-simd-threaded.wasm',
      'ort.webgpu.min.mjs',
      'ort-wasm-simd-threaded.asyncify.mjs',
      'ort-wasm-simd-threaded.asyncify.wasm',
    ]) {
      symlinkSync(join(library, name), join(folder, name));
    }
    const server = await serveFolder(folder, { isolated: false });
    const page = await openPage(`${server.origin}/`, { webgpu: true });
    try {
      await page.waitFor('document.documentElement?.dataset.done !== undefined', 120_000);
      const rows = (await page.evaluate(
        "[...document.querySelectorAll('#results tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))",
      )) as string[][];
      const report = (await page.evaluate("document.querySelector('#report').textContent")) as string;
      if (screenshot) writeFileSync(screenshot, await page.screenshot());
      expect(page.complaints).toEqual([]);
      expect(page.requests.filter((url) => !/^data:/.test(url) && !url.startsWith(server.origin))).toEqual(
        [],
      );
      return { rows, report, hasWebgpu: page.webgpu !== 'none' };
    } finally {
      await page.close();
      await server.close();
    }
  }

  it('shows an altered weight on every device of the browser', async (context) => {
    needChromium(context);
    const candidate: Side = { bytes: alterWeight(), open: openHere };
    const found = (await bisectDivergence({ bytes: GOOD, open: openReference }, candidate, feeds))!;
    const { rows, report, hasWebgpu } = await show(found, process.env.GANX_SCREENSHOT);
    expect(rows.map(([device]) => device)).toEqual(['wasm', 'webgpu']);
    for (const [, verdict, difference, at, , got] of hasWebgpu ? rows : rows.slice(0, 1)) {
      expect({ verdict, at }).toEqual({ verdict: 'differs', at: `[${found.at.join(', ')}]` });
      expect(Number(difference)).toBeCloseTo(found.maxDifference, 4);
      expect(Number(got)).toBeCloseTo(found.got, 4);
    }
    expect(report).toMatch(/^ConvTranspose computes something else than it should$/m);
    expect(report).toMatch(/^- Node: wide \(ConvTranspose\)$/m);
    expect(report).toMatch(/^- wasm in a page: differs, largest difference [\d.]+ at \[\d/m);
    expect(report).toMatch(/^- Browser: .*Chrom/m);
  });

  it('acquits the browser of what another device does wrong', async (context) => {
    needChromium(context);
    const open = brokenDevice(({ node }) => {
      for (const one of node!) if (one.opType === 'Greater') one.opType = 'Less';
    });
    const bytes = MASKED;
    const found = (await bisectDivergence({ bytes, open: openHere }, { bytes, open }, { x: MASKED_INPUT }))!;
    const { rows, hasWebgpu } = await show(found);
    expect(rows.map(([device, verdict]) => `${device} ${verdict}`)).toEqual([
      'wasm agrees',
      hasWebgpu ? 'webgpu agrees' : 'webgpu could not run',
    ]);
  });
});
