/**
 * The first picture in a page, and those after it: ganx next to TensorFlow.js drawing from the same weights, in one
 * headless Chromium, from a server on this machine. Each measurement is a visit of its own; all take turns.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPage, type Page } from '../src/browser/chromium.js';
import { chromiumPath } from '../src/browser/find-chromium.js';
import { serveFolder } from '../src/browser/serve-folder.js';
import { messageOf } from '../src/core/errors.js';
import { makePageSite } from './page-site.js';
import type { PageTimes } from './page-types.js';
import { formatNumber, median, type Report } from './report.js';
import { dcganOf, MLP, type Subject } from './workload.js';

const SUBJECTS: Readonly<Record<string, Subject>> = { mlp: MLP, dcgan28: dcganOf(64) };

const THREADS = Math.min(4, availableParallelism());

/** Who draws how; `isolated` pages may have threads. */
interface Way {
  readonly name: string;
  readonly query: string;
  readonly isolated: boolean;
}

const WAYS: readonly Way[] = [
  { name: 'ganx wasm, 1 thread', query: 'way=ganx&device=wasm&threads=1', isolated: false },
  { name: 'ganx wasm, threads', query: `way=ganx&device=wasm&threads=${THREADS}`, isolated: true },
  { name: 'ganx webgpu', query: 'way=ganx&device=webgpu', isolated: false },
  { name: 'tfjs wasm, 1 thread', query: 'way=tfjs&device=wasm', isolated: false },
  { name: 'tfjs wasm, threads', query: `way=tfjs&device=wasm&threads=${THREADS}`, isolated: true },
  { name: 'tfjs webgpu', query: 'way=tfjs&device=webgpu', isolated: false },
];

/** A way that takes longer than this for one visit makes no second one. */
const SLOW_VISIT_MS = 30_000;

/** A way that is not done after this hangs, and is named with what the page complained of. */
const LONGEST_VISIT_MS = 180_000;

type Visit = PageTimes | { readonly failure: string };

/** Goes to an address in the open tab and waits for what is measured there. */
async function visit(page: Page, address: string): Promise<Visit> {
  await page.send('Page.navigate', { url: 'about:blank' });
  await page.send('Page.navigate', { url: address });
  try {
    await page.waitFor('globalThis.measured !== undefined', LONGEST_VISIT_MS);
  } catch (error) {
    return { failure: messageOf(error) };
  }
  return (await page.evaluate('globalThis.measured')) as Visit;
}

/** Lets every way make its visits, each round in another order. */
async function visitAll(
  page: Page,
  origins: { readonly plain: string; readonly isolated: string },
  subject: string,
  rounds: number,
  tell: (what: string) => void,
): Promise<Map<string, Visit[]>> {
  const visits = new Map<string, Visit[]>(WAYS.map(({ name }) => [name, []]));
  const slow = new Set<string>();
  // Round -1 warms the server and the browser.
  for (let round = -1; round < rounds; round++) {
    for (let turn = 0; turn < WAYS.length; turn++) {
      const { name, query, isolated } = WAYS[(turn + round + 1) % WAYS.length]!;
      if (slow.has(name)) continue;
      tell(`${subject}, visit ${round + 1} of ${rounds}: ${name}`);
      const origin = isolated ? origins.isolated : origins.plain;
      const began = performance.now();
      const result = await visit(page, `${origin}/?${query}&folder=/${subject}/`);
      const isSlow = 'failure' in result || performance.now() - began > SLOW_VISIT_MS;
      if (isSlow) slow.add(name);
      if (round >= 0 || isSlow) visits.get(name)!.push(result);
    }
  }
  return visits;
}

function isTimes(visit: Visit): visit is PageTimes {
  return !('failure' in visit);
}

const MEASURES = ['loadMs', 'firstMs', 'singleMs', 'batchMs'] as const;

/** The table of one generator. */
function reportVisits(subject: Subject, visits: Map<string, Visit[]>, adapter: string): Report {
  const good = new Map([...visits].map(([name, all]) => [name, all.filter(isTimes)]));
  const [, reference = []] = [...good].find(([, all]) => all.length > 0) ?? [];
  const results = [...good].map(([name, times]) => ({
    name,
    engine: times[0]?.engine,
    ...Object.fromEntries(MEASURES.map((measure) => [measure, times.map((one) => one[measure])])),
    // Visit by visit, since a machine differs from itself.
    timesReference: Object.fromEntries(
      MEASURES.map((measure) => [
        measure,
        times.length === 0
          ? undefined
          : median(times.map((one, i) => one[measure] / (reference[i] ?? reference[0]!)[measure])),
      ]),
    ),
    offBy:
      times.length === 0
        ? undefined
        : Math.max(...times[0]!.image.map((value, i) => Math.abs(value - reference[0]!.image[i]!))),
    failure: visits.get(name)!.find((one) => !isTimes(one)),
  }));
  const rows = results.map(({ name, engine = 'SKIP', timesReference, offBy, failure }) => {
    const times = good.get(name)!;
    if (times.length === 0) {
      const reason = failure && 'failure' in failure ? failure.failure : 'no visit';
      return [name, `SKIP: ${reason}`, ...MEASURES.map(() => ''), '', ''];
    }
    const ms = MEASURES.map((measure) => formatNumber(median(times.map((one) => one[measure]))));
    const ratio = (measure: (typeof MEASURES)[number]) => formatNumber(timesReference[measure]!);
    return [
      name,
      engine,
      ...ms,
      `${ratio('firstMs')} / ${ratio('singleMs')} / ${ratio('batchMs')}`,
      offBy!.toExponential(1),
    ];
  });
  const title = subject.title.replace(/, batch.*/, '').replace(/, D .*/, '');
  return {
    title: `In a page: ${title} generator`,
    head: [
      'way',
      'engine',
      'load ms',
      'first ms',
      'ms/sample',
      'ms/sample of 16',
      'first / sample / of 16, times ganx wasm',
      'off by',
    ],
    rows,
    notes: [
      'load: from the start of a visit until the generator is ready; first: until the first image is there.',
      `Medians of ${reference.length} visits; above 1 the first row is faster. WebGPU: ${adapter}.`,
    ],
    numbers: { results },
  };
}

/**
 * Measures both generators.
 *
 * @param rounds visits of each way
 * @returns a table for each, or one that says SKIP where there is no Chromium
 */
export async function benchPage(rounds: number, tell: (what: string) => void): Promise<Report[]> {
  if (chromiumPath === undefined) {
    const row = ['all', 'SKIP: no Chromium on this machine; GANX_CHROMIUM can name one'];
    return [{ title: 'In a page', head: ['way', 'engine'], rows: [row], notes: [], numbers: {} }];
  }
  const folder = await mkdtemp(join(tmpdir(), 'ganx-bench-page-'));
  const closers: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    tell('making the generators and the page');
    await makePageSite(folder, SUBJECTS);
    // TensorFlow.js starts its threads from a blob, which a policy would have to allow: here is none.
    const headers = { 'content-security-policy': '' };
    const plain = await serveFolder(folder, { isolated: false, headers });
    closers.push(() => plain.close());
    const isolated = await serveFolder(folder, { isolated: true, headers });
    closers.push(() => isolated.close());
    // Not about:blank, which is no secure context and so has no WebGPU.
    const page = await openPage(`${plain.origin}/blank.html`, { webgpu: true });
    closers.push(() => page.close());
    const reports: Report[] = [];
    const adapters = {
      hardware: 'graphics hardware',
      software: 'SwiftShader, in software',
      none: 'no adapter',
    };
    for (const [name, subject] of Object.entries(SUBJECTS)) {
      const origins = { plain: plain.origin, isolated: isolated.origin };
      const visits = await visitAll(page, origins, name, rounds, tell);
      reports.push(reportVisits(subject, visits, adapters[page.webgpu]));
    }
    return reports;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}
