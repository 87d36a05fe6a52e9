/** `ganx figures`: the figures and the table of "Generative Adversarial Nets", from a run. arXiv:1406.2661 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findModel } from '../../models/index.js';
import type { BuildOptions, Gan } from '../../models/types.js';
import { readWholeFile, writeFileAtomically } from '../checkpoint/index.js';
import {
  drawFigures,
  expectTrainedOn,
  type FigureFacts,
  type FigureSources,
  formatLikelihood,
  measureLikelihood,
  parseTraining,
  type TrainingRecord,
} from '../figures/index.js';
import { openGenerator } from '../load-generator.js';
import type { RunJobs } from '../measure/index.js';
import type { Generator } from '../sample/index.js';
import { readOptions, toNetworkRange } from '../train/index.js';
import { openPool } from '../workers/index.js';
import { exportWithCheck, findSource } from './export.js';
import { measureCurve, readLikelihoods } from './figures-curve.js';
import { type MeasuringItems, openRunData, type RunData } from './figures-data.js';
import { anyText, type FlagValues, MAX_SEED, wholeNumber } from './flags.js';
import { openBar, printLine, printNote } from './print.js';
import { abortOnSignal, EXIT_STOPPED } from './stop.js';
import type { Verb } from './verb.js';

/** As many as the paper draws. */
const SAMPLES = 10_000;

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
    initially: 'those that come with the data, else a tenth of it',
    read: anyText,
  },
  samples: {
    describe: 'samples for the likelihoods of Table 1 and --curve',
    initially: SAMPLES,
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

/** Everything that is open while the verb runs. */
interface Opened extends RunData {
  readonly gan: Gan;
  readonly generator: Generator;
  readonly run: RunJobs;
  readonly signal: AbortSignal;
}

/** Why Table 1 is left to the paper; undefined where it need not be. */
function findReason(values: Values, { kind }: BuildOptions, gan: Gan): string | undefined {
  if (kind === 'points') return 'The table is about images, and this run is about points.';
  if (gan.contrastNorm !== undefined)
    return 'The likelihood is one of pixels, and this run saw images of normalised contrast.';
  return values.parzen === false ? 'Nothing was measured here (--no-parzen).' : undefined;
}

/** Our rows of Table 1. */
async function measure(
  values: Values,
  opened: Opened,
  items: MeasuringItems,
): Promise<FigureSources['measured']> {
  const { generator, run, signal } = opened;
  const { samples = SAMPLES, seed = 0 } = values;
  const drawing = openBar('Drawing samples', 'samples');
  const measuring = openBar('Measuring', 'images');
  try {
    const measured = await measureLikelihood(generator, items, {
      samples,
      seed,
      run,
      signal,
      onDrawn: (done, total) => {
        drawing.update(done, total);
        if (done === total) drawing.stop();
      },
      onProgress: (done, total) => measuring.update(done, total),
    });
    const { testFrom, validationFrom, separate } = items;
    return { ...measured, testFrom, validationFrom, separate };
  } finally {
    drawing.stop();
    measuring.stop();
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

async function draw(values: Values, run: string, opened: Opened, reason: string | undefined): Promise<void> {
  const { data, items, gan, generator, signal } = opened;
  const { out = join(run, 'figures'), seed = 0, samples = SAMPLES, device = 'auto' } = values;
  if (values.curve && items)
    await measureCurve(run, items.validation, { samples, seed, device, run: opened.run, signal });
  const measured = items && reason === undefined ? await measure(values, opened, items) : undefined;
  const sources: FigureSources = {
    generator,
    data,
    seed,
    training: await readTraining(run),
    likelihoods: await readLikelihoods(run),
    measured,
    reason: reason ?? '',
    toNetwork: gan.contrastNorm === undefined ? undefined : (images) => toNetworkRange(gan, images),
  };
  const bar = openBar('Searching for nearest', 'images');
  const onProgress = (done: number, total: number): void => bar.update(done, total);
  const { files, facts } = await drawFigures(sources, { run: opened.run, signal, onProgress }).finally(
    bar.stop,
  );
  for (const { name, bytes } of files) await writeFileAtomically(join(out, name), bytes);
  printFacts(facts, out);
}

async function runFigures(values: Values, run: string): Promise<void> {
  const { signal, release } = abortOnSignal(() => printNote('\nStopping; no figure is half-written.'));
  const closing: (() => Promise<unknown>)[] = [];
  try {
    const options = await readOptions(run);
    const gan = findModel(options.model).build(options.modelOptions);
    const reason = findReason(values, options.modelOptions, gan);
    const isPixels = gan.shape.kind === 'images' && gan.contrastNorm === undefined;
    if (values.curve && !isPixels) printNote(`No curve: ${reason}`);
    const reals = values.quick || reason !== undefined ? 0 : (values.samples ?? SAMPLES);
    const wish = { place: values.data, test: values.test, reals, signal };
    const opened = await openRunData(
      options,
      isPixels && (reason === undefined || values.curve === true),
      wish,
    );
    closing.push(() => opened.data.close());
    const generator = await openRunGenerator(values, run);
    closing.push(() => generator.dispose());
    expectTrainedOn(generator, opened.data);
    const pool = openPool();
    closing.push(() => pool.close());
    await draw(values, run, { ...opened, gan, generator, run: pool.run, signal }, reason);
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
    ['figures runs/mnist-mlp --data ../mnist', 'data that has moved'],
  ],
  run: runFigures,
};
