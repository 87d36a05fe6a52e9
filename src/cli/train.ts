/** `ganx train`: from a data set to a run folder. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findModel, modelNames } from '../../models/index.js';
import { loadRuntime } from '../../runtimes/index.js';
import { expected } from '../core/errors.js';
import type { Dataset } from '../core/types.js';
import {
  createRun,
  type EngineChoice,
  type EngineName,
  expectDevice,
  expectNewFolder,
  findPretrained,
  findRecipe,
  planTraining,
  type RunFolder,
  readOptions,
  reopenRun,
  type TrainResult,
  train,
} from '../train/index.js';
import { openDataWithBar } from './data.js';
import { chooseHere, explainChoice, LIBRARY_OF_ENGINE } from './engines.js';
import { type FlagValues, toKebabCase } from './flags.js';
import { formatDuration, openBar, paint, printLine, printNote } from './print.js';
import { abortOnSignal, EXIT_STOPPED } from './stop.js';
import { trainFlags } from './train-flags.js';
import type { Verb } from './verb.js';

type Values = FlagValues<typeof trainFlags>;

/** `runs/digits-dcgan`, or the first of `-2`, `-3`, … that is free. */
function freeFolder(data: string, model: string): string {
  const base = join('runs', `${data}-${model}`);
  for (let i = 1; ; i++) {
    const path = i === 1 ? base : `${base}-${i}`;
    if (!existsSync(path)) return path;
  }
}

/** What was wished for; a wish that nothing can meet is refused before any data is read. */
interface Wish {
  readonly engine: EngineName | undefined;
  readonly device: string | undefined;
}

function readWish(engine: Values['engine'], device: string | undefined): Wish {
  const wish = { engine: engine === 'auto' ? undefined : engine, device };
  if (device !== undefined) expectDevice(wish.engine, device);
  return wish;
}

async function choose(wish: Wish): Promise<Pick<EngineChoice, 'engine' | 'device'>> {
  const choice = await chooseHere(wish);
  const text = explainChoice(choice);
  if (text) printNote(text);
  return { engine: choice.engine, device: choice.device };
}

interface Opened {
  readonly run: RunFolder;
  readonly data: Dataset;
}

/** Closes the data when the run folder cannot be made or opened. */
async function openWith(data: Dataset, open: () => Promise<RunFolder>): Promise<Opened> {
  try {
    return { run: await open(), data };
  } catch (error) {
    await data.close();
    throw error;
  }
}

async function begin(values: Values, signal: AbortSignal): Promise<Opened> {
  const {
    data: source,
    model: name,
    recipe: wanted,
    from,
    out,
    engine,
    device,
    strict = false,
    ...rest
  } = values;
  if (!source) throw expected('train', '--data', 'none', 'Or --resume RUN. See `ganx train --help`.');
  const recipe = wanted === undefined ? undefined : findRecipe(wanted);
  if (recipe && name) throw expected('train', '--recipe or --model', `both ${wanted} and ${name}`);
  const chosen = recipe?.model ?? name;
  if (!chosen) throw expected('train', `--model (${modelNames.join(', ')}) or --recipe`, 'none');
  const model = findModel(chosen);
  const wish = readWish(engine, device);
  if (out) await expectNewFolder(out);
  const pretrained = from === undefined ? undefined : await findPretrained(from);
  const { size = recipe?.size, channels = recipe?.channels, rows = recipe?.rows } = values;
  const reading = { size, channels, rows, strict };
  const sizes = model.sizes ? { sizes: model.sizes } : {};
  const data = await openDataWithBar(source, { ...reading, ...sizes, signal });
  return await openWith(data, async () => {
    const shown = data.kind === 'images' ? { size: data.shape[0] } : {};
    const choices = { ...rest, ...(pretrained ? { pretrained } : {}), model: model.name };
    const plan = planTraining({ ...choices, data: { source, ...reading, ...shown } }, data);
    const options = { ...plan, ...(await choose(wish)) };
    return await createRun(out ?? freeFolder(data.name, model.name), options);
  });
}

/** What may change when a run goes on; `--data` only says where the same data lies now. */
const CHANGEABLE: readonly string[] = ['resume', 'images', 'engine', 'device', 'data'];

async function goOn(values: Values, path: string, signal: AbortSignal): Promise<Opened> {
  const fixed = Object.keys(values).find((key) => !CHANGEABLE.includes(key));
  if (fixed) {
    const remedy = 'A run keeps the options that it began with.';
    const names = CHANGEABLE.slice(1).map((key) => `--${key}`);
    throw expected('train', `only ${names.join(', ')} beside --resume`, `--${toKebabCase(fixed)}`, remedy);
  }
  const stored = await readOptions(path);
  const { images = stored.images } = values;
  // A run goes on where it was, unless another engine or device is named; a new engine may choose its device.
  const { engine = stored.engine, device = values.engine ? undefined : stored.device } = values;
  const wish = readWish(engine, device);
  const { source, digest, ...reading } = stored.data;
  const data = await openDataWithBar(values.data ?? source, { ...reading, signal });
  return await openWith(data, async () => {
    if (data.digest !== digest) {
      const short = (text: string): string => text.slice(0, 12);
      throw expected(
        'train',
        `the data that the run began with (SHA-256 ${short(digest)}…) in ${values.data ?? source}`,
        `${short(data.digest)}…`,
        'Restore it, name its place with --data, or begin a new run.',
      );
    }
    const run = await reopenRun(path, { images, ...(await choose(wish)) });
    for (const { path: broken, reason } of run.skipped)
      printNote(paint('yellow', `Passed over ${broken}: ${reason}`));
    return run;
  });
}

function announce({ options, progress, path }: RunFolder, data: Dataset): void {
  const { model, batch, images } = options;
  const what = `${data.count} ${data.kind} of ${data.shape.join('×')}`;
  printNote(`${model} on ${data.name}: ${what}, batch ${batch}, into ${path}`);
  if (progress.imagesSeen > 0) printNote(`Going on after ${progress.imagesSeen} of ${images} images.`);
}

async function trainWithBar({ run, data }: Opened, signal: AbortSignal): Promise<TrainResult> {
  const bar = openBar('Training', data.kind);
  const runtime = await loadRuntime(LIBRARY_OF_ENGINE.onnxruntime);
  try {
    return await train(run, {
      data,
      signal,
      openSession: (bytes) => runtime.open(bytes, { device: run.options.device }),
      onStart: (engine) => printNote(`Engine: ${engine}`),
      onProgress: ({ imagesSeen, images, losses: { lossD, lossG, dReal, dFake } }) =>
        bar.update(
          imagesSeen,
          images,
          `loss D ${lossD.toFixed(3)} G ${lossG.toFixed(3)} | D(x) ${dReal.toFixed(2)} D(G(z)) ${dFake.toFixed(2)}`,
        ),
    });
  } finally {
    bar.stop();
    await data.close();
  }
}

async function runTrain(values: Values): Promise<void> {
  const { signal, release } = abortOnSignal(() =>
    printNote('\nStopping after this step; Ctrl-C again to stop at once.'),
  );
  try {
    const opened = await (values.resume ? goOn(values, values.resume, signal) : begin(values, signal));
    const { path, options, progress } = opened.run;
    const { kind } = opened.data;
    announce(opened.run, opened.data);
    const isDone = progress.imagesSeen >= options.images;
    const { imagesSeen, finished, durationMs, busyShare, statePath } = await trainWithBar(opened, signal);
    if (isDone) {
      printLine(`Nothing left to do: it has seen ${imagesSeen} ${kind}. Go further with --images N.`);
    } else if (finished) {
      const share = `${(100 * busyShare).toFixed(0)} % of it in the engine`;
      printLine(`Trained on ${imagesSeen} ${kind} in ${formatDuration(durationMs)} (${share}): ${path}`);
      printLine(`Next: ganx export ${path} -o generator.onnx`);
    } else {
      printLine(`Stopped after ${imagesSeen} ${kind}; saved ${statePath}`);
      printLine(`Go on with: ganx train --resume ${path}`);
      process.exitCode = EXIT_STOPPED;
    }
  } catch (error) {
    // Reading the data stops by rejecting with the signal's own reason; nothing has been written then.
    if (!signal.aborted || error !== signal.reason) throw error;
    printLine('Stopped before the training began; nothing was written.');
    process.exitCode = EXIT_STOPPED;
  } finally {
    release();
  }
}

export const trainVerb: Verb<typeof trainFlags> = {
  name: 'train',
  describe: 'train a GAN on images (or points) into a run folder',
  flags: trainFlags,
  examples: [
    ['train --data digits --model dcgan', 'built-in digits, sensible defaults'],
    ['train --data photos/ --model dcgan --size 64', 'your own folder of images at 64×64'],
    ['train --data mnist/ --recipe goodfellow2014/mnist', 'as in the paper of 2014'],
    ['train --resume runs/digits-dcgan --images 2000000', 'go on, further than planned'],
  ],
  run: runTrain,
};
