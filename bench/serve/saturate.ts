/**
 * A server under as many requests as its clients can send: how near it comes to the model alone, whether it still
 * tells that it lives, whether every request is answered, and what batching brings.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatNumber, type Report } from '../report.js';
import type { LoadOptions, LoadResult } from './load.js';
import type { OfflineResult } from './offline.js';
import { runProgram, type Served, startServer } from './run-program.js';
import { findBestWay, makeSubject, measureOffline, type Subject, type SubjectName } from './subjects.js';

const CLIENTS = 64;
/** Images of a request that asks for more than one. */
const SEVERAL = 4;
/** Questions a second whether the server lives, by another process. */
const HEALTH_RATE = 50;
/** Before anything counts, so that code and caches are warm. */
const WARMING_SECONDS = 3;

const load = (options: LoadOptions): Promise<LoadResult> => runProgram<LoadResult>('load.js', options);
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function inferOf(url: string, { name, shape }: Subject, seconds: number, count: number): LoadOptions {
  const { latentSize, latentDistribution, latentRange, imageShape } = shape;
  const latents = { latentSize, latentDistribution, ...(latentRange ? { latentRange } : {}) };
  const infer = { count, shape: latents, image: imageShape };
  return { url, clients: CLIENTS, seconds, requests: [{ path: `/v2/models/${name}/infer`, infer }] };
}

const perSecond = ({ statuses, seconds }: LoadResult): number => (statuses['200'] ?? 0) / seconds;

async function withServer<T>(line: readonly string[], use: (served: Served) => Promise<T>): Promise<T> {
  const served = await startServer(line);
  try {
    return await use(served);
  } finally {
    await served.stop();
  }
}

async function saturate(subject: Subject, seconds: number, count: number) {
  return await withServer([subject.file], async ({ url, cpuMs }) => {
    await load(inferOf(url, subject, WARMING_SECONDS, count));
    const before = cpuMs();
    const health = { url, clients: 1, seconds, rate: HEALTH_RATE, requests: [{ path: '/v2/health/live' }] };
    const [result, live] = await Promise.all([load(inferOf(url, subject, seconds, count)), load(health)]);
    const images = (result.statuses['200'] ?? 0) * count;
    return { result, live, cpuMsPerImage: (cpuMs() - before) / images };
  });
}

function toRow(
  { title }: Subject,
  offline: OfflineResult,
  { result, live, cpuMsPerImage }: Awaited<ReturnType<typeof saturate>>,
  count: number,
): string[] {
  const images = perSecond(result) * count;
  return [
    title,
    String(count),
    formatNumber(offline.perSecond),
    formatNumber(images),
    percent(images / offline.perSecond),
    `${formatNumber(offline.cpuMsPerImage)}, ${formatNumber(cpuMsPerImage)}`,
    Object.entries(result.statuses)
      .map(([status, times]) => `${times} x ${status}`)
      .join(', '),
    String(result.lost + result.silentRefusals),
    formatNumber(result.latency.p99),
    formatNumber(live.latency.p99),
    formatNumber(live.latency.max),
  ];
}

const meanOf = (a: OfflineResult, b: OfflineResult): OfflineResult => ({
  perSecond: (a.perSecond + b.perSecond) / 2,
  cpuMsPerImage: (a.cpuMsPerImage + b.cpuMsPerImage) / 2,
});

const SHARED =
  'Server, clients and the asker after health share the cores; the model alone has them for itself.';

async function benchSaturation(folder: string, seconds: number, tell: (what: string) => void) {
  const rows: string[][] = [];
  const results: unknown[] = [];
  for (const name of ['wider', 'wide', 'mlp'] satisfies SubjectName[]) {
    tell(`${name}: making the file`);
    const subject = await makeSubject(folder, name);
    tell(`${name}: the best way without a server`);
    const way = await findBestWay(subject);
    const drawAlone = (): Promise<OfflineResult> => {
      tell(`${name}: without a server`);
      return measureOffline(subject, way, seconds / 3);
    };
    let before = await drawAlone();
    for (const count of [1, SEVERAL]) {
      tell(`${name}: ${CLIENTS} clients, ${count} images a request, ${seconds} s`);
      const saturated = await saturate(subject, seconds, count);
      const after = await drawAlone();
      const alone = meanOf(before, after);
      before = after;
      rows.push(toRow(subject, alone, saturated, count));
      results.push({ name, count, way, alone, ...saturated });
    }
  }
  const head = ['generator', 'a request', 'alone img/s', 'served img/s', 'of alone', 'CPU ms', 'answers'];
  const report: Report = {
    title: `A server with ${CLIENTS} clients that never pause, ${seconds} s`,
    head: [...head, 'lost', 'p99 ms', 'live p99 ms', 'live max ms'],
    rows,
    notes: [
      'Binary tensors over `/v2/models/{name}/infer`, by autocannon in a process of its own. _Alone_: the best of one ' +
        'session with all cores and one for each core, at batches of 16, 64 and 128, latents ready; the mean of what it ' +
        'reaches right before and right after, since a machine is not always equally fast.',
      '_CPU ms_: what all cores together work for an image, alone and in the server, clients left out.',
      `_Live_: /v2/health/live, asked ${HEALTH_RATE} times a second by another process meanwhile.`,
      '_Lost_: requests without an answer, and 503 without Retry-After. What was under way when the clients left is not counted.',
      SHARED,
    ],
    numbers: { results },
  };
  return report;
}

async function benchBatching(folder: string, seconds: number, tell: (what: string) => void) {
  const rows: string[][] = [];
  const results: unknown[] = [];
  for (const name of ['mlp', 'dcgan'] satisfies SubjectName[]) {
    const subject = await makeSubject(folder, name);
    const measure = (line: readonly string[]): Promise<LoadResult> =>
      withServer([subject.file, ...line], async ({ url }) => {
        await load(inferOf(url, subject, WARMING_SECONDS, 1));
        return await load(inferOf(url, subject, seconds, 1));
      });
    tell(`${name}: one image a run`);
    const off = await measure(['--max-batch', '1']);
    tell(`${name}: batches`);
    const on = await measure([]);
    rows.push([
      subject.title,
      formatNumber(perSecond(off)),
      formatNumber(perSecond(on)),
      formatNumber(perSecond(on) / perSecond(off)),
      formatNumber(off.latency.p50),
      formatNumber(on.latency.p50),
      String(off.lost + on.lost),
    ]);
    results.push({ name, off, on });
  }
  const report: Report = {
    title: `What batching brings: ${CLIENTS} clients, an image a request, ${seconds} s`,
    head: ['generator', 'off img/s', 'on img/s', 'times', 'off p50 ms', 'on p50 ms', 'lost'],
    rows,
    notes: ['_Off_: `--max-batch 1`. Everything else alike.', SHARED],
    numbers: { results },
  };
  return report;
}

/** Both tables, each as soon as it is there. @param seconds of each load */
export async function* benchServe(
  seconds: number,
  tell: (what: string) => void,
): AsyncGenerator<Report, void, void> {
  const folder = await mkdtemp(join(tmpdir(), 'ganx-bench-serve-'));
  try {
    yield await benchSaturation(folder, seconds, tell);
    yield await benchBatching(folder, Math.min(seconds, 20), tell);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
