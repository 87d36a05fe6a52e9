/** `ganx sample`: from a generator.onnx to pictures, arrays, or both. */
import type { ArgumentsCamelCase, CommandModule } from 'yargs';
import { loadRuntime, runtimeNames } from '../../runtimes/index.js';
import { readWholeFile } from '../checkpoint/index.js';
import { openSession } from '../load-generator.js';
import { createGenerator, type Generator, readMetadata } from '../sample/index.js';
import { abortOnSignal, knownName, MAX_SEED, wholeNumber } from './flags.js';
import { openBar, printLine, printNote } from './print.js';
import { openWriters, type SampleTargets } from './sample-writers.js';

/** Above this a mistyped count is likelier than a wish; draw the rest with --from. */
const MAX_COUNT = 100_000_000;

const options = {
  count: {
    alias: 'n',
    type: 'string',
    requiresArg: true,
    coerce: wholeNumber('count', 1, MAX_COUNT),
    describe: 'how many [64]',
  },
  seed: {
    type: 'string',
    requiresArg: true,
    coerce: wholeNumber('seed', 0, MAX_SEED),
    describe: 'sample i of seed s is the same image everywhere [0]',
  },
  from: {
    type: 'string',
    requiresArg: true,
    coerce: wholeNumber('from', 0, MAX_SEED),
    describe: 'number of the first sample [0]',
  },
  runtime: {
    type: 'string',
    requiresArg: true,
    coerce: knownName('runtime', runtimeNames),
    describe: `library: ${runtimeNames.join(', ')}`,
  },
  device: { type: 'string', requiresArg: true, describe: 'cpu, webgpu, cuda, wasm, or auto [auto]' },
  batch: {
    type: 'string',
    requiresArg: true,
    coerce: wholeNumber('batch', 1, 65536),
    describe: 'images per run [64]',
  },
  output: {
    alias: 'o',
    type: 'string',
    requiresArg: true,
    describe: 'contact sheet or plot, PNG [samples.png, if nothing else is asked for]',
  },
  'out-dir': { type: 'string', requiresArg: true, describe: 'folder for one PNG per sample' },
  npy: { type: 'string', requiresArg: true, describe: 'NumPy file for the images, float32 [n, H, W, C]' },
  'save-latents': {
    type: 'string',
    requiresArg: true,
    describe: 'NumPy file for the latents, float32 [n, L]',
  },
} as const;

type Flags = ArgumentsCamelCase<
  SampleTargets & {
    file: string;
    count?: number;
    seed?: number;
    from?: number;
    runtime?: string;
    device?: string;
    batch?: number;
  }
>;

async function openGenerator(
  file: string,
  runtime: string | undefined,
  device: string | undefined,
): Promise<Generator> {
  if (runtime) await loadRuntime(runtime);
  const bytes = await readWholeFile(file);
  const metadata = readMetadata(bytes);
  const choice = { ...(runtime ? { runtime } : {}), ...(device ? { device } : {}) };
  const { session, refused } = await openSession(bytes, choice);
  for (const { runtime: name, device: where, reason } of refused)
    printNote(`Not ${name}/${where}: ${reason}`);
  return createGenerator(session, metadata);
}

async function runSample(flags: Flags): Promise<void> {
  const { file, count = 64, seed = 0, from = 0, batch = 64 } = flags;
  const generator = await openGenerator(file, flags.runtime, flags.device);
  const { signal, release } = abortOnSignal(() => printNote('\nStopping; unfinished files are not kept.'));
  const writers = await openWriters(flags, { generator, count, seed, from });
  const bar = openBar('Sampling', 'images');
  const start = performance.now();
  try {
    let done = 0;
    for await (const samples of generator.stream({ count, seed, from, batch, signal })) {
      for (const writer of writers) await writer.add(samples);
      done += samples.latents.shape[0]!;
      bar.update(done, count);
    }
    bar.stop();
    for (const writer of writers) printLine(await writer.finish());
    const perSecond = (count / (performance.now() - start)) * 1000;
    printNote(
      `${count} from ${generator.runtime} ${generator.version} on ${generator.device}, ${perSecond.toFixed(0)} a second`,
    );
  } catch (error) {
    bar.stop();
    for (const writer of writers) await writer.discard();
    if (!signal.aborted) throw error;
    process.exitCode = 130;
  } finally {
    release();
    await generator.dispose();
  }
}

export const sampleCommand: CommandModule<object, Flags> = {
  command: 'sample <file>',
  describe: 'draw images from a generator.onnx',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true, describe: 'a generator.onnx' })
      .options(options)
      .example('$0 sample generator.onnx --count 64 --seed 7 -o sheet.png', 'a contact sheet')
      .example(
        '$0 sample generator.onnx --count 10000 --npy images.npy --save-latents z.npy',
        'arrays for NumPy',
      ) as never,
  handler: runSample,
};
