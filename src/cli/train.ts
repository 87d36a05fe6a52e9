/** `ganx train`: from a data set to a run folder. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ArgumentsCamelCase, CommandModule } from 'yargs';
import { findModel, modelNames } from '../../models/index.js';
import { loadRuntime } from '../../runtimes/index.js';
import { expected } from '../core/errors.js';
import type { Dataset } from '../core/types.js';
import { BUILT_IN } from '../data/index.js';
import {
  createRun,
  planTraining,
  type RunFolder,
  readOptions,
  reopenRun,
  type TrainChoices,
  tfjsDevices,
  train,
} from '../train/index.js';
import { openDataWithBar } from './data.js';
import { abortOnSignal, knownName, MAX_SEED, realNumber, wholeNumber } from './flags.js';
import { formatDuration, openBar, paint, printLine, printNote } from './print.js';

const MAX_IMAGES = 1e12;
const RUNTIME = 'onnxruntime-node';

const options = {
  data: {
    type: 'string',
    requiresArg: true,
    describe: `folder or zip of images, IDX, CIFAR-10 .bin, .npy, or ${BUILT_IN.join(', ')}`,
  },
  model: { type: 'string', requiresArg: true, describe: `network: ${modelNames.join(', ')}` },
  images: {
    type: 'string',
    requiresArg: true,
    coerce: wholeNumber('images', 1, MAX_IMAGES),
    describe: 'real images to show in all',
  },
  batch: {
    type: 'string',
    requiresArg: true,
    coerce: wholeNumber('batch', 1, 65536),
    describe: 'images per step',
  },
  seed: {
    type: 'string',
    requiresArg: true,
    coerce: wholeNumber('seed', 0, MAX_SEED),
    describe: 'seed of everything random [0]',
  },
  engine: {
    type: 'string',
    requiresArg: true,
    coerce: knownName('engine', ['onnxruntime', 'tfjs'] as const),
    describe: 'what runs the step: onnxruntime (compiled) or tfjs (eager reference) [onnxruntime]',
  },
  device: {
    type: 'string',
    requiresArg: true,
    describe: 'where: cpu, webgpu, cuda (onnxruntime); cpu, wasm (tfjs) [cpu]',
  },
  out: { type: 'string', requiresArg: true, describe: 'run folder [runs/DATA-MODEL]' },
  resume: { type: 'string', requiresArg: true, describe: 'run folder to go on with, exactly where it was' },
  size: {
    type: 'string',
    requiresArg: true,
    coerce: wholeNumber('size', 1, 4096),
    describe: 'side of the images in pixels [nearest that the model makes]',
  },
  channels: {
    type: 'string',
    requiresArg: true,
    coerce: wholeNumber('channels', 1, 3),
    describe: '1 for grey, 3 for RGB [as the data]',
  },
  strict: { type: 'boolean', describe: 'refuse files that cannot be read instead of skipping them' },
  'latent-size': {
    type: 'string',
    requiresArg: true,
    coerce: wholeNumber('latent-size', 1, 65536),
    describe: 'length of z [100]',
  },
  width: {
    type: 'string',
    requiresArg: true,
    coerce: wholeNumber('width', 1, 65536),
    describe: 'base number of channels (dcgan, 64) or units (mlp, 1200)',
  },
  'learning-rate': {
    type: 'string',
    requiresArg: true,
    coerce: realNumber('learning-rate', 1e-12, 1e3),
    describe: "Adam's or SGD's rate [as the model]",
  },
  optimizer: {
    type: 'string',
    requiresArg: true,
    coerce: knownName('optimizer', ['adam', 'momentum'] as const),
    describe: 'adam or momentum',
  },
  loss: {
    type: 'string',
    requiresArg: true,
    coerce: knownName('loss', ['non-saturating', 'minimax'] as const),
    describe: "the generator's loss",
  },
  'discriminator-steps': {
    type: 'string',
    requiresArg: true,
    coerce: wholeNumber('discriminator-steps', 1, 100),
    describe: 'k of Algorithm 1 [1]',
  },
  'snapshot-every': {
    type: 'string',
    requiresArg: true,
    coerce: wholeNumber('snapshot-every', 1, MAX_IMAGES),
    describe: 'images between snapshots [a tenth]',
  },
} as const;

type Flags = ArgumentsCamelCase<{
  [K in keyof typeof options]?: (typeof options)[K] extends { coerce: (value: unknown) => infer R }
    ? R
    : (typeof options)[K]['type'] extends 'boolean'
      ? boolean
      : string;
}>;

/** `runs/digits-dcgan`, or the first of `-2`, `-3`, … that is free. */
function freeFolder(data: string, model: string): string {
  const base = join('runs', `${data}-${model}`);
  for (let i = 1; ; i++) {
    const path = i === 1 ? base : `${base}-${i}`;
    if (!existsSync(path)) return path;
  }
}

async function checkDevice(engine: string, device: string): Promise<void> {
  const known = engine === 'tfjs' ? tfjsDevices : (await loadRuntime(RUNTIME)).devices;
  if (!known.includes(device))
    throw expected('--device', `a device of the engine ${engine}: ${known.join(', ')}`, device);
}

async function begin(flags: Flags, signal: AbortSignal): Promise<{ run: RunFolder; data: Dataset }> {
  if (!flags.data) throw expected('train', '--data', 'none', 'Or --resume RUN. See `ganx train --help`.');
  if (!flags.model) throw expected('train', `--model (${modelNames.join(', ')})`, 'none');
  const model = findModel(flags.model);
  await checkDevice(flags.engine ?? 'onnxruntime', flags.device ?? 'cpu');
  const channels = flags.channels as 1 | 3 | undefined;
  const source = {
    ...(flags.size ? { size: flags.size } : {}),
    ...(channels ? { channels } : {}),
    strict: flags.strict ?? false,
  };
  const sizes = model.sizes ? { sizes: model.sizes } : {};
  const data = await openDataWithBar(flags.data, { ...source, ...sizes, signal });
  const choices = Object.fromEntries(
    Object.entries(flags).filter(
      ([key, value]) => value !== undefined && !['data', 'model', 'size', 'channels', 'strict'].includes(key),
    ),
  );
  const size = data.kind === 'images' ? { size: data.shape[0] } : {};
  const plan = planTraining(
    { ...choices, model: model.name, data: { source: flags.data, ...source, ...size } } as TrainChoices,
    data,
  );
  return { run: await createRun(flags.out ?? freeFolder(data.name, model.name), plan), data };
}

async function goOn(flags: Flags, signal: AbortSignal): Promise<{ run: RunFolder; data: Dataset }> {
  const path = flags.resume!;
  const fixed = [
    'data',
    'model',
    'batch',
    'seed',
    'out',
    'size',
    'channels',
    'width',
    'optimizer',
    'loss',
  ] as const;
  const given = fixed.find((flag) => flags[flag] !== undefined);
  if (given)
    throw expected('train', 'no flag but --images, --engine and --device beside --resume', `--${given}`);
  const stored = await readOptions(path);
  const { engine = stored.engine, device = stored.device, images = stored.images } = flags;
  await checkDevice(engine, device);
  const { source, size, channels, strict } = stored.data;
  const data = await openDataWithBar(source, {
    strict,
    signal,
    ...(size ? { size } : {}),
    ...(channels ? { channels } : {}),
  });
  if (data.digest !== stored.data.digest) {
    throw expected(
      'train',
      `the data that the run began with (digest ${stored.data.digest.slice(0, 12)}…)`,
      `${data.digest.slice(0, 12)}…`,
    );
  }
  const run = await reopenRun(path, { images, engine, device });
  for (const { path: broken, reason } of run.skipped)
    printNote(paint('yellow', `Passed over ${broken}: ${reason}`));
  return { run, data };
}

async function runTrain(flags: Flags): Promise<void> {
  const { signal, release } = abortOnSignal(() =>
    printNote('\nStopping after this step; Ctrl-C again to stop at once.'),
  );
  try {
    const { run, data } = await (flags.resume ? goOn(flags, signal) : begin(flags, signal));
    const { options: plan, progress } = run;
    printNote(
      `${plan.model} on ${data.name}: ${data.count} ${data.kind} of ${data.shape.join('×')}, batch ${plan.batch}, into ${run.path}`,
    );
    if (progress.imagesSeen > 0) printNote(`Going on after ${progress.imagesSeen} of ${plan.images} images.`);
    const bar = openBar('Training', 'images');
    const runtime = await loadRuntime(RUNTIME);
    const result = await train(run, {
      data,
      signal,
      openSession: (bytes) => runtime.open(bytes, { device: plan.device }),
      onStart: (engine) => printNote(`Engine: ${engine}`),
      onProgress: ({ imagesSeen, images, losses: { lossD, lossG, dReal, dFake } }) =>
        bar.update(
          imagesSeen,
          images,
          `loss D ${lossD.toFixed(3)} G ${lossG.toFixed(3)} | D(x) ${dReal.toFixed(2)} D(G(z)) ${dFake.toFixed(2)}`,
        ),
    }).finally(() => {
      bar.stop();
      return data.close();
    });
    const share = `${(100 * result.busyShare).toFixed(0)} % of it in the engine`;
    if (result.finished) {
      printLine(
        `Trained on ${result.imagesSeen} images in ${formatDuration(result.durationMs)} (${share}): ${run.path}`,
      );
      printLine(`Next: ganx export ${run.path} -o generator.onnx`);
    } else {
      printLine(`Stopped after ${result.imagesSeen} images; saved ${result.statePath}`);
      printLine(`Go on with: ganx train --resume ${run.path}`);
      process.exitCode = 130;
    }
  } finally {
    release();
  }
}

export const trainCommand: CommandModule<object, Flags> = {
  command: 'train',
  describe: 'train a GAN on images (or points) into a run folder',
  builder: (yargs) =>
    yargs
      .options(options)
      .example('$0 train --data digits --model dcgan', 'built-in digits, sensible defaults')
      .example(
        '$0 train --data photos/ --model dcgan --size 64 --images 1000000',
        'your own folder of images at 64×64',
      )
      .example(
        '$0 train --resume runs/digits-dcgan --images 2000000',
        'go on, further than planned',
      ) as never,
  handler: runTrain,
};
