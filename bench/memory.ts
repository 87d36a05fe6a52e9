/**
 * Does memory stay flat? Long runs in fresh processes (memory-run.ts), their resident memory over time as numbers and
 * as a picture. An engine that is not installed is named with the reason.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { GanError, messageOf } from '../src/core/errors.js';
import { Canvas } from '../src/sample/canvas.js';
import { encodePng } from '../src/sample/index.js';
import { findHome } from '../src/tensorflow/places.js';
import { proveTensorflow } from '../src/tensorflow/prove.js';
import type { Look } from './memory-run.js';
import { drawSparkline, median, type Report } from './report.js';

/** A long run: engine and network as memory-run.ts knows them, or neither for sampling. */
interface Run {
  readonly title: string;
  readonly line: readonly string[];
}

const COMPILED: readonly Run[] = [
  { title: 'steps of an MLP, onnxruntime cpu', line: ['ganx onnxruntime', 'mlp'] },
  { title: 'steps of a DCGAN, onnxruntime cpu', line: ['ganx onnxruntime', 'dcgan'] },
];
const NATIVE: readonly Run[] = [
  { title: 'steps of an MLP, tensorflow cpu', line: ['ganx tensorflow', 'mlp'] },
  { title: 'steps of a DCGAN, tensorflow cpu', line: ['ganx tensorflow', 'dcgan'] },
];
const SAMPLING: Run = { title: 'samples of a DCGAN, onnxruntime cpu', line: [] };

async function watch({ title, line }: Run, count: number): Promise<Look[]> {
  const script = fileURLToPath(new URL('./memory-run.js', import.meta.url));
  const child = spawn(process.execPath, ['--expose-gc', script, String(count), ...line], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const looks: Look[] = [];
  for await (const text of createInterface({ input: child.stdout })) looks.push(JSON.parse(text) as Look);
  const code = await ended;
  if (code !== 0 || looks.length < 10) {
    throw new GanError('IO', 'bench', `Expected the run of ${title} to end well, got exit code \`${code}\`.`);
  }
  return looks;
}

/** Growth of the median from the second tenth of the run to its last, in all and for each step or sample between. */
function measureGrowth(looks: readonly Look[]) {
  const tenth = Math.floor(looks.length / 10);
  const medianOf = (part: readonly Look[], of: keyof Look) => median(part.map((look) => look[of]));
  const [early, late] = [looks.slice(tenth, 2 * tenth), looks.slice(-tenth)];
  const from = medianOf(early, 'rssBytes');
  const to = medianOf(late, 'rssBytes');
  const each = (to - from) / (medianOf(late, 'done') - medianOf(early, 'done'));
  return { from, to, growth: to / from - 1, bytesEach: each };
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

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

/** Why TensorFlow cannot take part, if it cannot. */
async function findAbsence(): Promise<string | undefined> {
  return await proveTensorflow(findHome()).then(() => undefined, messageOf);
}

/** Runs everything that can run here and reports the growth of each. */
export async function benchMemory(
  steps: number,
  samples: number,
): Promise<{ report: Report; picture: Uint8Array }> {
  const absence = await findAbsence();
  const plan = [...COMPILED, ...(absence ? [] : NATIVE), SAMPLING];
  const results: { title: string; count: number; looks: Look[] }[] = [];
  for (const run of plan) {
    const count = run === SAMPLING ? samples : steps;
    results.push({ title: run.title, count, looks: await watch(run, count) });
  }
  const rows = results.map(({ title, count, looks }) => {
    const { from, to, growth, bytesEach } = measureGrowth(looks);
    const every = Math.ceil(looks.length / 20);
    return [
      `${count} ${title}`,
      mebibytes(from),
      mebibytes(to),
      `${(growth * 100).toFixed(1)} %`,
      bytesEach.toFixed(0),
      drawSparkline(looks.filter((_, at) => at % every === 0).map(({ rssBytes }) => rssBytes)),
    ];
  });
  const report: Report = {
    title: 'Resident memory',
    head: ['run', 'second tenth, MiB', 'end, MiB', 'growth', 'bytes each', 'over time, from 0'],
    rows,
    notes: [
      'Medians of resident memory after garbage collection, each run in a process of its own.',
      'MLP: 28x28, width 32, batch 16. DCGAN: 28x28, width 4, batch 8; for samples width 16.',
      ...(absence ? [`SKIP tensorflow: ${absence}`] : []),
    ],
    numbers: results.map(({ looks, ...run }) => ({ ...run, ...measureGrowth(looks), looks })),
  };
  return { report, picture: drawPicture(results.map(({ looks }) => looks)) };
}
