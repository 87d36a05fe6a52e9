/**
 * Does memory stay flat? Long runs in fresh processes (memory-run.ts), their resident memory over time as numbers and
 * as a picture.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { GanError } from '../src/core/errors.js';
import { Canvas } from '../src/sample/canvas.js';
import { encodePng } from '../src/sample/index.js';
import type { Look } from './memory-run.js';
import { drawSparkline, median, type Report } from './report.js';

/** Runs by the names that memory-run.ts knows. */
const TITLES = {
  mlp: 'steps of the MLP',
  dcgan: 'steps of the DCGAN 28x28, width 16',
  sample: 'samples of the DCGAN 28x28, width 16',
} as const;

type RunName = keyof typeof TITLES;

async function watch(name: RunName, count: number): Promise<Look[]> {
  const script = fileURLToPath(new URL('./memory-run.js', import.meta.url));
  const child = spawn(process.execPath, ['--expose-gc', script, name, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const looks: Look[] = [];
  for await (const line of createInterface({ input: child.stdout })) looks.push(JSON.parse(line) as Look);
  const code = await ended;
  if (code !== 0 || looks.length < 10) {
    throw new GanError('IO', 'bench', `Expected the run ${name} to end well, got exit code \`${code}\`.`);
  }
  return looks;
}

/** Growth of the median from the second tenth of the run to its last. */
function measureGrowth(looks: readonly Look[]): { from: number; to: number; growth: number } {
  const tenth = Math.floor(looks.length / 10);
  const medianOf = (part: readonly Look[]) => median(part.map(({ rssBytes }) => rssBytes));
  const from = medianOf(looks.slice(tenth, 2 * tenth));
  const to = medianOf(looks.slice(-tenth));
  return { from, to, growth: to / from - 1 };
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

/** Resident memory from 0, a strip for each run, time from left to right. */
function drawPicture(runs: readonly (readonly Look[])[]): Uint8Array {
  const canvas = new Canvas(640);
  const strip = canvas.size / runs.length;
  const margin = 12;
  runs.forEach((looks, k) => {
    const floor = strip * (k + 1) - margin;
    const height = strip - 2 * margin;
    const largest = Math.max(...looks.map(({ rssBytes }) => rssBytes));
    const width = (canvas.size - 2 * margin) / looks.length;
    looks.forEach(({ rssBytes }, i) => {
      const x = margin + i * width;
      canvas.fillRectangle(
        x,
        floor - (height * rssBytes) / largest,
        x + width * 0.85,
        floor,
        [0.1, 0.3, 0.68],
      );
    });
    canvas.fillRectangle(margin, floor, canvas.size - margin, floor + 1, [0.3, 0.3, 0.3]);
  });
  return encodePng(canvas.toPixels());
}

/** Runs all three and reports their growth. */
export async function benchMemory(
  steps: number,
  samples: number,
): Promise<{ report: Report; picture: Uint8Array }> {
  const counts: Record<RunName, number> = { mlp: steps, dcgan: steps, sample: samples };
  const names = Object.keys(TITLES) as RunName[];
  const runs: Look[][] = [];
  for (const name of names) runs.push(await watch(name, counts[name]));
  const results = names.map((name, i) => ({ name, count: counts[name], ...measureGrowth(runs[i]!) }));
  const report: Report = {
    title: 'Resident memory',
    head: ['run', 'second tenth, MiB', 'end, MiB', 'growth', 'over time, from 0'],
    rows: results.map(({ name, count, from, to, growth }, i) => [
      `${count} ${TITLES[name]}`,
      mebibytes(from),
      mebibytes(to),
      `${(growth * 100).toFixed(1)} %`,
      drawSparkline(
        runs[i]!.filter((_, at) => at % Math.ceil(runs[i]!.length / 20) === 0).map(
          ({ rssBytes }) => rssBytes,
        ),
      ),
    ]),
    notes: ['Medians of resident memory after garbage collection, each run in a process of its own.'],
    numbers: { results, runs: Object.fromEntries(names.map((name, i) => [name, runs[i]])) },
  };
  return { report, picture: drawPicture(runs) };
}
