/**
 * What exporting a large generator takes: `ganx export` itself in a process of its own, seconds by phase and memory as
 * a multiple of the weights, next to a process that only loads the same snapshot.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Measured, measureCommand } from './measure-command.js';
import { formatNumber, type Report } from './report.js';
import { saveUntrained } from './untrained-snapshot.js';

/** Some 50 million weights each: 64 x 64 RGB. */
const SUBJECTS = [
  { model: 'dcgan', width: 264 },
  { model: 'mlp', width: 3200 },
] as const;
const IMAGE_SHAPE = [64, 64, 3] as const;
const DIST = new URL('../', import.meta.url);

/** What `ganx export` says when a phase begins, in order, and the columns for the time until the next. */
const PHASES = ['start, load', 'trace', 'write, open', 'run', 'live network'];

const toMebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

/** Seconds of each phase: the notes on stderr divide the time. */
function splitTime({ notes, seconds }: Measured): number[] {
  const bounds = [0, ...notes.map(({ atSeconds }) => atSeconds), seconds];
  return bounds.slice(1).map((bound, i) => bound - bounds[i]!);
}

async function measureExport(folder: string, model: string, width: number) {
  const snapshot = join(folder, `${model}.safetensors`);
  const file = join(folder, `${model}.onnx`);
  const exportTo = () => measureCommand(DIST, 'src/cli/main.js', ['export', snapshot, '-o', file]);
  // The same way for hardly any weights: what the programs and libraries take.
  await saveUntrained(snapshot, model, { imageShape: IMAGE_SHAPE, width: 1 });
  const { peakBytes: emptyBytes } = await exportTo();
  const parameters = await saveUntrained(snapshot, model, { imageShape: IMAGE_SHAPE, width });
  const loaded = await measureCommand(DIST, 'bench/load-snapshot.js', [snapshot]);
  const exported = await exportTo();
  const weightBytes = 4 * parameters;
  return {
    model,
    width,
    parameters,
    weightBytes,
    emptyBytes,
    loadedBytes: loaded.peakBytes,
    peakBytes: exported.peakBytes,
    timesWeights: (exported.peakBytes - emptyBytes) / weightBytes,
    seconds: exported.seconds,
    phases: splitTime(exported),
    said: exported.stdout,
  };
}

/** Exports a DCGAN and an MLP of some 50 million weights. */
export async function benchExport(): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'ganx-bench-'));
  try {
    const results: Awaited<ReturnType<typeof measureExport>>[] = [];
    for (const { model, width } of SUBJECTS) results.push(await measureExport(folder, model, width));
    return {
      title: 'Exporting large generators: 64x64 RGB',
      head: ['generator', 'weights', 's', ...PHASES, 'peak MiB', 'loading', 'width 1', 'times'],
      rows: results.map((result) => [
        `${result.model}, width ${result.width}`,
        `${formatNumber(result.parameters / 1e6)} M, ${toMebibytes(result.weightBytes)} MiB`,
        formatNumber(result.seconds),
        ...PHASES.map((_, i) => formatNumber(result.phases[i] ?? 0)),
        toMebibytes(result.peakBytes),
        toMebibytes(result.loadedBytes),
        toMebibytes(result.emptyBytes),
        formatNumber(result.timesWeights),
      ]),
      notes: [
        'Seconds of `ganx export` from its start to its end, then of each phase.',
        'Most resident memory: of the export, of a process that only loads the snapshot, and of an export of width 1. ' +
          '_times_: the first less the last, in sizes of the weights.',
        // The line of `ganx export` that tells how well the file agrees.
        ...results.map(({ model, said }) => `${model}: ${said.split('\n')[1]}`),
      ],
      numbers: { results },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
