/**
 * A parity matrix as tables, Markdown and HTML: every number and reason is there, nothing in a reason can break a page,
 * and a browser shows the page as it is meant, without asking for anything else.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onnxruntimeNode } from '../runtimes/onnxruntime-node.js';
import { openPage } from '../src/browser/chromium.js';
import {
  type Candidate,
  countStatuses,
  measureParity,
  type ParityMatrix,
  type ParityReport,
  tabulateMaxima,
  tabulateReport,
  titleOf,
  writeHtmlReport,
  writeMarkdownReport,
} from '../src/measure/index.js';
import { needChromium } from './support/page-pixels.js';
import { encodeTinyGenerator, METADATA, openSession } from './support/sample-model.js';

const GOOD = encodeTinyGenerator();
/** What would open a tag, a cell and a line, if nobody took care. */
const REASON = 'no <b>driver</b> | "none"\nat all';

const right: Candidate = {
  runtime: 'onnxruntime-node',
  device: 'cpu',
  probe: () => onnxruntimeNode.probe('cpu'),
  open: openSession,
};
const wrong: Candidate = {
  ...right,
  device: 'cpu, damaged',
  open: async () => ({
    ...(await openSession(encodeTinyGenerator({ damage: 0.1 }))),
    device: 'cpu, damaged',
  }),
};
const absent: Candidate = {
  ...right,
  device: 'npu',
  probe: () => Promise.resolve({ ok: false, reason: REASON }),
};

let matrix: ParityMatrix;
let reports: ParityReport[];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ganx-report-'));
  const reference = await openSession(GOOD);
  try {
    reports = [];
    for (const dtype of ['float32', 'float16'] as const) {
      const options = { latents: 6, batches: [1, 3] };
      const candidates = [right, wrong, absent];
      reports.push(await measureParity(GOOD, { ...METADATA, dtype }, reference, candidates, options));
    }
  } finally {
    await reference.dispose();
  }
  matrix = {
    measuredAt: '2026-01-02T03:04:05.678Z',
    machine: 'Linux <x64>',
    durationMs: 1234,
    reports,
    ok: false,
  };
});
afterAll(() => rm(folder, { recursive: true }));

describe('the tables', () => {
  it('say of each row what was found, at each batch size', () => {
    const { head, rows } = tabulateReport(reports[0]!);
    expect(head.slice(0, 6)).toEqual(['', 'runtime/device', 'version, engine', 'batch 1', 'batch 3', 'mean']);
    expect(rows.map((row) => row.slice(0, 2))).toEqual([
      ['PASS', 'onnxruntime-node/cpu'],
      ['FAIL', 'onnxruntime-node/cpu, damaged'],
      ['SKIP', 'onnxruntime-node/npu'],
    ]);
    for (const row of rows) expect(row).toHaveLength(head.length);
    const largest = Math.max(Number(rows[1]![3]), Number(rows[1]![4]));
    expect(largest).toBeCloseTo(reports[0]!.rows[1]!.maxDifference!, 2);
    expect(rows[0]![head.indexOf('allowed')]).toBe('1.0e-5');
    // What did not run has nothing to show but why.
    expect(rows[2]!.slice(2)).toEqual([...head.slice(3).map(() => ''), REASON]);
  });

  it('count and name', () => {
    expect(countStatuses(reports)).toBe('2 PASS, 2 FAIL, 2 SKIP');
    expect(reports.map(titleOf)).toEqual(['tiny 6×5×3, float32', 'tiny 6×5×3, float16']);
  });

  it('put all files next to each other: values for float32, levels for float16', () => {
    const { head, rows } = tabulateMaxima(reports);
    expect(head).toEqual(['runtime/device', 'tiny 6×5×3, float32', 'tiny 6×5×3, float16']);
    expect(rows[0]![1]).toMatch(/^(0|\d\.\de-\d+)$/);
    expect(rows[0]![2]).toMatch(/^[01] of 255, mean 0\.\d{3}$/);
    expect(rows[1]!.slice(1)).toEqual([
      expect.stringMatching(/^FAIL \d\.\de-\d$/),
      expect.stringMatching(/^FAIL \d+ of/),
    ]);
    expect(rows[2]).toEqual(['onnxruntime-node/npu', 'SKIP', 'SKIP']);
  });
});

describe('the Markdown report', () => {
  it('has every row of every table whole, on a line of its own', () => {
    const lines = writeMarkdownReport(matrix).split('\n');
    const tables = lines.filter((line) => line.startsWith('|'));
    // Three tables of three rows, each with its head and the line below it.
    expect(tables).toHaveLength(3 * 5);
    const cellsOf = (line: string): number => line.replaceAll('\\|', '').split('|').length - 2;
    expect(tables.map(cellsOf)).toEqual([...Array(5).fill(3), ...Array(10).fill(10)]);
    expect(tables.filter((line) => line.includes('no <b>driver</b> \\| "none" at all |'))).toHaveLength(2);
    expect(lines).toContain('2 PASS, 2 FAIL, 2 SKIP. Measured on 2026-01-02, Linux <x64>.');
    expect(
      lines.filter((line) => /^- allowed (1\.0e-5|2 levels, 0\.5 on average): /.test(line)),
    ).toHaveLength(2);
  });
});

describe('the HTML report', () => {
  it('shows in a browser what was measured, and asks for nothing else', async (context) => {
    needChromium(context);
    const file = join(folder, 'report.html');
    await writeFile(file, writeHtmlReport(matrix));
    const page = await openPage(pathToFileURL(file).href);
    try {
      await page.waitFor(`document.readyState === 'complete' && document.querySelector('h1') !== null`);
      const shown = await page.evaluate(`(() => {
        const texts = (selector) => [...document.querySelectorAll(selector)].map((one) => one.textContent);
        const color = (selector) => getComputedStyle(document.querySelector(selector)).color;
        return {
          tables: document.querySelectorAll('table').length,
          summary: texts('h1 + p')[0],
          pass: texts('td.pass'),
          fail: texts('td.fail').filter((text) => text === 'FAIL').length,
          why: texts('td.why').filter((text) => text.startsWith('no ')),
          bold: document.querySelectorAll('b').length,
          colors: new Set([color('td.pass'), color('td.fail'), color('td.skip'), color('body')]).size,
          sideways: document.documentElement.scrollWidth > innerWidth,
        };
      })()`);
      expect(shown).toEqual({
        tables: 3,
        summary: '2 PASS, 2 FAIL, 2 SKIP. Measured on 2026-01-02, Linux <x64>.',
        pass: ['PASS', 'PASS'],
        fail: 2,
        why: [REASON, REASON],
        bold: 0,
        colors: 4,
        sideways: false,
      });
      expect(page.complaints).toEqual([]);
      expect(page.requests).toEqual([pathToFileURL(file).href]);
    } finally {
      await page.close();
    }
  });
});
