/** `ganx figures`: the figures and the table of "Generative Adversarial Nets", from a run. arXiv:1406.2661 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readWholeFile, writeFileAtomically } from '../checkpoint/index.js';
import type { Dataset } from '../core/types.js';
import {
  drawFigures,
  expectTrainedOn,
  type FigureFacts,
  formatLikelihood,
  isMnist,
  type Measured,
  measureLikelihood,
  parseTraining,
  type TrainingRecord,
} from '../figures/index.js';
import { openGenerator } from '../load-generator.js';
import type { RunJobs } from '../measure/index.js';
import type { Generator } from '../sample/index.js';
import { readOptions, type TrainOptions } from '../train/index.js';
import { openPool } from '../workers/index.js';
import { exportWithCheck, findSource } from './export.js';
import { measureCurve, readLikelihoods } from './figures-curve.js';
import { openTestData, openTrainingData } from './figures-data.js';
import { anyText, type FlagValues, MAX_SEED, wholeNumber } from './flags.js';
import { openBar, printLine, printNote } from './print.js';
import { abortOnSignal, EXIT_STOPPED } from './stop.js';
import type { Verb } from './verb.js';

const flags = {
  out: { alias: 'o', describe: 'folder to write', initially: 'RUN/figures', read: anyText },
  seed: { describe: 'seed of the samples, drawn in order', initially: 0, read: wholeNumber(0, MAX_SEED) },
  snapshot: {
    describe: 'snapshot to draw from, a path or a name in RUN',
    initially: 'the newest',
    read: anyText,
  },
  generator: { describe: 'a generator.onnx to draw from instead', read: anyText },
  data: { describe: 'where the training data lies now', initially: 'where it lay', read: anyText },
  test: {
    describe: 'images that the run has not seen, for Table 1',
    initially: 'those that come with the data',
    read: anyText,
  },
  samples: {
    describe: 'samples for the likelihoods of Table 1 and --curve',
    initially: 10_000,
    read: wholeNumber(1, 1_000_000),
  },
  quick: { describe: 'Table 1 without the yardstick, real images in place of samples' },
  parzen: { describe: 'measure our row of Table 1; --no-parzen leaves it out', initially: 'yes' },
  curve: {
    describe: 'measure every snapshot too, for the likelihood over epochs (kept in RUN/parzen.jsonl)',
  },
  device: { describe: 'cpu, webgpu, cuda, wasm, … or auto', initially: 'auto', read: anyText },
};

type Values = FlagValues<typeof flags>;

async function openRunGenerator(values: Values, run: string): Promise<Generator> {
  const { device = 'auto', generator: file, snapshot } = values;
  if (file !== undefined) return await openGenerator(await readWholeFile(file), { device }, file);
  const named = snapshot === undefined || existsSync(snapshot) ? snapshot : join(run, snapshot);
  const { path, source } = await findSource(named ?? run);
  printNote(`Drawing from ${path}`);
  const { bytes } = await exportWithCheck(source);
  return await openGenerator(bytes, { device });
}

async function readTraining(run: string): Promise<TrainingRecord[]> {
  const file = join(run, 'stats.jsonl');
  return existsSync(file) ? parseTraining(new TextDecoder().decode(await readWholeFile(file)), file) : [];
}

/** Everything that is open while a verb runs. */
interface Opened {
  readonly options: TrainOptions;
  readonly data: Dataset;
  readonly generator: Generator;
  readonly run: RunJobs;
  readonly signal: AbortSignal;
}

/** Our rows of Table 1, or why there are none. */
async function measure(values: Values, opened: Opened): Promise<{ measured?: Measured; reason: string }> {
  const { options, data, generator, run, signal } = opened;
  const { samples = 10_000, seed = 0, quick = false } = values;
  if (data.kind === 'points') return { reason: 'The table is about images, and this run is about points.' };
  if (values.parzen === false) return { reason: 'Nothing was measured here (--no-parzen).' };
  const test = await openTestData(options, values.data, values.test, signal);
  if (!test) {
    return { reason: `Nothing was measured here: no test images are known beside ${data.name} (--test).` };
  }
  const drawing = openBar('Drawing samples', 'samples');
  const measuring = openBar('Measuring', 'images');
  try {
    const items = await test.read(Uint32Array.from({ length: test.count }, (_, i) => i));
    const measured = await measureLikelihood(generator, data, items, await isMnist(data), {
      samples,
      seed,
      quick,
      run,
      signal,
      onDrawn: (done, total) => {
        drawing.update(done, total);
        if (done === total) drawing.stop();
      },
      onProgress: (done, total) => measuring.update(done, total),
    });
    return { measured, reason: '' };
  } finally {
    drawing.stop();
    measuring.stop();
    await test.close();
  }
}

function printFacts(facts: FigureFacts, folder: string): void {
  for (const name of facts.files) printLine(join(folder, name));
  printLine(join(folder, 'figures.json'));
  for (const { model, source, ...likelihoods } of facts.table) {
    if (source === 'paper') continue;
    const likelihood = likelihoods.mnist ?? likelihoods.other;
    printLine(`${model}: Parzen log-likelihood ${formatLikelihood(likelihood, source)} nats`);
  }
}

async function draw(values: Values, run: string, opened: Opened): Promise<void> {
  const { data, generator, signal } = opened;
  const { out = join(run, 'figures'), seed = 0, samples = 10_000, device = 'auto' } = values;
  if (values.curve && data.kind === 'points') printNote('No curve: the likelihood is about images.');
  else if (values.curve) await measureCurve(run, data, { samples, seed, device, run: opened.run, signal });
  const { measured, reason } = await measure(values, opened);
  const bar = openBar('Searching for nearest', 'images');
  const sources = {
    generator,
    data,
    seed,
    training: await readTraining(run),
    likelihoods: await readLikelihoods(run),
    measured,
    reason,
  };
  const { files, facts } = await drawFigures(sources, {
    run: opened.run,
    signal,
    onProgress: (done, total) => bar.update(done, total),
  }).finally(() => bar.stop());
  for (const { name, bytes } of files) await writeFileAtomically(join(out, name), bytes);
  printFacts(facts, out);
}

async function runFigures(values: Values, run: string): Promise<void> {
  const { signal, release } = abortOnSignal(() => printNote('\nStopping; no figure is half-written.'));
  const closing: (() => Promise<unknown>)[] = [];
  try {
    const options = await readOptions(run);
    const data = await openTrainingData(options, values.data, signal);
    closing.push(() => data.close());
    const generator = await openRunGenerator(values, run);
    closing.push(() => generator.dispose());
    expectTrainedOn(generator, data);
    const pool = openPool();
    closing.push(() => pool.close());
    await draw(values, run, { options, data, generator, run: pool.run, signal });
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
    process.exitCode = EXIT_STOPPED;
  } finally {
    for (const close of closing.reverse()) await close();
    release();
  }
}

export const figuresVerb: Verb<typeof flags> = {
  name: 'figures',
  describe: 'draw the figures and Table 1 of the 2014 paper from a run',
  path: { name: 'run', describe: 'run folder that `ganx train` has written' },
  flags,
  examples: [
    ['figures runs/mnist-mlp', 'PNG files, and index.html with all of them'],
    ['figures runs/mnist-mlp --curve', 'and the likelihood of every snapshot'],
    ['figures runs/mnist-mlp --no-parzen --seed 3 --out seed-3', 'pictures and curves only, in seconds'],
    ['figures runs/mnist-mlp --data /mnt/mnist', 'data that has moved'],
  ],
  run: runFigures,
};
