/**
 * A server under mixed traffic for minutes: what it holds in memory and how many descriptors it has open, and whether
 * one seed stays one picture. Both are read from /proc, so Linux only.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { drawSparkline, formatNumber, median, type Report } from '../report.js';
import type { LoadOptions, LoadRequest, LoadResult } from './load.js';
import { runProgram, startServer } from './run-program.js';
import { makeSubject, type Subject } from './subjects.js';

const CLIENTS = 16;
const ROWS = 10;
const SAME_SEED = 1000;
const ASKERS = 4;
/** Longer than idle connections are kept. */
const IDLE_SECONDS = 10;
const WARMING_SECONDS = 10;

interface Look {
  readonly atSeconds: number;
  readonly residentMiB: number;
  readonly descriptors: number;
}

function look(pid: number, atSeconds: number): Look {
  const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return {
    atSeconds,
    residentMiB: kilobytes / 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** Pictures and tensors of changing seeds, questions, and what is refused. */
function mixTraffic(name: string, { shape }: Subject): LoadRequest[] {
  const { latentSize, latentDistribution, imageShape } = shape;
  const infer = (count: number) => ({
    path: `/v2/models/${name}/infer`,
    infer: { count, shape: { latentSize, latentDistribution }, image: imageShape },
  });
  return [
    { path: '/samples/{seed}.png' },
    infer(1),
    { path: '/samples.png?count=16&seed={seed}' },
    infer(8),
    { path: '/samples.png?count=9&seed={seed}&truncation=0.7' },
    { path: '/v2' },
    { path: `/v2/models/${name}` },
    { path: '/v2/health/ready' },
    { path: '/metrics' },
    { path: '/samples.png?count=many' },
    { path: '/nothing/{seed}' },
  ];
}

/** Asks for one seed again and again, evenly over the time, while the others ask for anything. */
async function askOneSeed(url: string, seconds: number): Promise<Map<string, number>> {
  const pictures = new Map<string, number>();
  const start = performance.now();
  // A few at a time: one after the other, a slow server would make it last longer than the others' traffic.
  const askInTurn = async (_: unknown, asker: number): Promise<void> => {
    for (let i = asker; i < SAME_SEED; i += ASKERS) {
      const dueMs = (i * seconds * 1000) / SAME_SEED;
      await sleep(Math.max(0, start + dueMs - performance.now()));
      const answer = await fetch(`${url}/samples/7.png`);
      const bytes = new Uint8Array(await answer.arrayBuffer());
      const key = answer.ok ? createHash('sha256').update(bytes).digest('hex') : `status ${answer.status}`;
      pictures.set(key, (pictures.get(key) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: ASKERS }, askInTurn));
  return pictures;
}

/** How much more lay there at the end than half-way: medians of the last tenth and of the tenth after the middle. */
export function measureGrowth(looks: readonly Look[], pick: (look: Look) => number): number {
  const tenth = Math.max(1, Math.floor(looks.length / 10));
  const half = Math.floor(looks.length / 2);
  const values = looks.map(pick);
  return median(values.slice(-tenth)) - median(values.slice(half, half + tenth));
}

async function soak(minutes: number, tell: (what: string) => void) {
  const folder = await mkdtemp(join(tmpdir(), 'ganx-bench-soak-'));
  try {
    const subject = await makeSubject(folder, 'dcgan');
    const { url, pid, stop } = await startServer([subject.file]);
    const seconds = Math.round(minutes * 60);
    const traffic: LoadOptions = { url, clients: CLIENTS, seconds, requests: mixTraffic('dcgan', subject) };
    const load = (options: LoadOptions): Promise<LoadResult> => runProgram<LoadResult>('load.js', options);
    await load({ ...traffic, seconds: WARMING_SECONDS });
    tell(`${minutes} minutes of mixed traffic`);
    const looks: Look[] = [];
    const start = performance.now();
    const watch = setInterval(() => looks.push(look(pid, (performance.now() - start) / 1000)), 1000);
    const mixed = load(traffic).finally(() => clearInterval(watch));
    const [result, pictures] = await Promise.all([mixed, askOneSeed(url, seconds)]);
    await sleep(IDLE_SECONDS * 1000);
    const idle = look(pid, (performance.now() - start) / 1000);
    return { looks, result, pictures, idle, exitCode: await stop() };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs it. @returns a table, or one that says SKIP where there is no /proc */
export async function benchSoak(minutes: number, tell: (what: string) => void): Promise<Report> {
  const title = `A server under mixed traffic for ${minutes} minutes: DCGAN 28x28, width 64`;
  if (!existsSync('/proc/self/fd'))
    return { title, head: ['all'], rows: [['SKIP: no /proc on this system']], notes: [], numbers: {} };
  const { looks, result, pictures, idle, exitCode } = await soak(minutes, tell);
  const shown = Array.from(
    { length: ROWS + 1 },
    (_, i) => looks[Math.round((i * (looks.length - 1)) / ROWS)]!,
  );
  const answers = Object.entries(result.statuses).map(([status, count]) => `${count} x ${status}`);
  const same = [...pictures].map(([picture, count]) => `${count} x ${picture.slice(0, 12)}`);
  return {
    title,
    head: ['s', 'resident MiB', 'descriptors'],
    rows: shown.map((one) => [
      one.atSeconds.toFixed(0),
      formatNumber(one.residentMiB),
      String(one.descriptors),
    ]),
    notes: [
      `In the second half it grew by ${formatNumber(measureGrowth(looks, (one) => one.residentMiB))} MiB and ` +
        `${measureGrowth(looks, (one) => one.descriptors)} descriptors (medians of its first and last fifth). ` +
        `Resident, a look a second: ${drawSparkline(shown.map((one) => one.residentMiB))}`,
      `${IDLE_SECONDS} seconds after the last request: ${formatNumber(idle.residentMiB)} MiB, ${idle.descriptors} descriptors. Exit code after SIGTERM: ${exitCode}.`,
      `${CLIENTS} clients by autocannon: ${answers.join(', ')}; ${result.lost} lost, ${result.silentRefusals} times 503 without Retry-After. ` +
        'Every fifth or so is a bad request on purpose.',
      `One seed asked ${SAME_SEED} times meanwhile, SHA-256 of its PNG: ${same.join(', ')}.`,
    ],
    numbers: { looks, idle, result, pictures: Object.fromEntries(pictures) },
  };
}
