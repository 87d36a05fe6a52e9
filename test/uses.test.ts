/**
 * The three uses that the README shows, taken out of it and run as they stand: in a shell, in a browser, in a server.
 * Only the training is made small, and fast enough to leave grey behind. Needs a built `dist`, as its readers do.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPage, type Page } from '../src/browser/chromium.js';
import { serveFolder } from '../src/browser/serve-folder.js';
import { loadGenerator, toPng } from '../src/index.js';
import { bundlePage } from './support/bundle-page.js';
import { comparePixels, needChromium } from './support/page-pixels.js';
import { startServer } from './support/start-server.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** The first fenced block below a heading. */
function blockBelow(heading: string, language: string): string {
  const section = README.split(/^#+ /m).find((text) => text.startsWith(`${heading}\n`));
  const block = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(section ?? '');
  if (!block) throw new Error(`README.md has no ${language} block below "${heading}".`);
  return block[1]!;
}

const project = mkdtempSync(join(tmpdir(), 'ganx-uses-'));
const inProject = (...path: string[]) => join(project, ...path);

/** What the shell block printed. */
let printed: string;

/** Runs lines of a shell in the project; gives what they print. */
async function runShell(lines: string): Promise<string> {
  const script = `set -e\nganx() { node node_modules/ganx/dist/src/cli/main.js "$@"; }\n${lines}`;
  return (await promisify(execFile)('sh', ['-c', script], { cwd: project })).stdout;
}

beforeAll(async () => {
  // A project as a reader has one: ganx lies in its node_modules, and its command on the shell's path.
  mkdirSync(inProject('node_modules'));
  symlinkSync(ROOT, inProject('node_modules', 'ganx'), 'dir');
  writeFileSync(inProject('package.json'), '{ "type": "module", "private": true }');
  const lines = blockBelow('Train and export from the command line', 'sh');
  const small = lines
    .replace(/--data \S+/, '--data digits --width 4 --learning-rate 0.02')
    .replace(/--images \d+/, '--images 1280');
  expect(small).not.toBe(lines);
  printed = await runShell(small);
});

afterAll(() => rmSync(project, { recursive: true, force: true }));

/** The PNG that this process draws from the file that the shell block exported. */
async function drawHere(seed: number, count: number): Promise<Uint8Array> {
  const generator = await loadGenerator(inProject('generator.onnx'), { device: 'cpu' });
  const { images } = await generator.sample({ count, seed });
  await generator.dispose();
  return toPng(images, generator.metadata);
}

describe('Train and export from the command line', () => {
  it('trains, exports, samples and proves', () => {
    const png = readFileSync(inProject('samples.png'));
    expect(png.subarray(0, 8)).toEqual(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'));
    expect(readFileSync(inProject('generator.onnx')).length).toBeGreaterThan(1000);
    expect(printed).toMatch(/PASS +onnxruntime-node\/cpu/);
    expect(printed).not.toMatch(/^FAIL/m);
  });
});

/** Serves a folder, opens its page, and runs `check`; nothing may be complained of or asked of anyone else. */
async function visit(folder: string, check: (page: Page) => Promise<void>): Promise<void> {
  const server = await serveFolder(folder);
  const page = await openPage(`${server.origin}/`);
  try {
    await check(page);
    expect(page.complaints).toEqual([]);
    const asked = page.requests.filter((url) => !/^(?:blob|data):/.test(url));
    expect(asked.filter((url) => !url.startsWith(`${server.origin}/`))).toEqual([]);
  } finally {
    await page.close();
    await server.close();
  }
}

describe('In a web page', () => {
  it('draws on the page that embed writes', async (context) => {
    needChromium(context);
    await runShell(blockBelow('In a web page', 'sh'));
    await visit(inProject('site'), async (page) => {
      await page.waitFor("document.querySelectorAll('#samples canvas').length === 16");
    });
  });

  it('draws in an element', async (context) => {
    needChromium(context);
    const block = blockBelow('In a web page', 'html');
    const head = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">';
    writeFileSync(inProject('index.html'), `${head}<body>${block}`);
    await visit(project, async (page) => {
      await page.waitFor("document.querySelector('ganx-samples')?.shadowRoot?.querySelector('canvas')");
      expect(
        await page.evaluate(
          "document.querySelector('ganx-samples').shadowRoot.querySelectorAll('canvas').length",
        ),
      ).toBe(16);
    });
  });

  it('shows the samples that Node draws', async (context) => {
    mkdirSync(inProject('page'));
    writeFileSync(inProject('page', 'main.js'), blockBelow('In a web page', 'js'));
    writeFileSync(
      inProject('page', 'index.html'),
      '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body><script type="module" src="./main.js"></script>',
    );
    mkdirSync(inProject('public'));
    writeFileSync(inProject('public', 'generator.onnx'), readFileSync(inProject('generator.onnx')));
    const bundle = await bundlePage(inProject('page'), inProject('bundle'), inProject('public'));
    expect(Object.keys(bundle.chunks).length).toBeGreaterThan(0);

    needChromium(context);
    await visit(bundle.folder, async (page) => {
      await page.waitFor(
        "document.querySelector('img')?.complete && document.querySelector('img').naturalWidth > 0",
      );
      expect(await comparePixels(page, 'img', await drawHere(7, 16))).toBeLessThanOrEqual(1);
      expect(await comparePixels(page, 'img', await drawHere(8, 16))).toBeGreaterThan(64);
    });
  });
});

describe('In a Node server', () => {
  it('answers with the samples of the seed that is asked for', async () => {
    writeFileSync(inProject('server.js'), blockBelow('In a Node server', 'js'));
    const { origin, stop } = await startServer('server.js', [], project);
    try {
      for (const seed of [7, 8]) {
        const response = await fetch(`${origin}/?seed=${seed}`);
        expect(response.headers.get('content-type')).toBe('image/png');
        const png = Buffer.from(await response.arrayBuffer());
        expect(Buffer.compare(png, await drawHere(seed, 16))).toBe(0);
        expect(Buffer.compare(png, await drawHere(seed + 1, 16))).not.toBe(0);
      }
    } finally {
      await stop();
    }
  });
});
