/** `ganx sample`: from a generator.onnx to pictures, arrays, or both. */
import { loadRuntime, runtimeNames } from '../../runtimes/index.js';
import { readWholeFile } from '../checkpoint/index.js';
import { openSession } from '../load-generator.js';
import { createGenerator, type Generator, readMetadata } from '../sample/index.js';
import { anyText, type FlagValues, knownName, MAX_SEED, wholeNumber } from './flags.js';
import { openBar, printLine, printNote } from './print.js';
import { openWriters, type SampleWriter } from './sample-writers.js';
import { abortOnSignal, EXIT_STOPPED } from './stop.js';
import type { Verb } from './verb.js';

/** Above this a mistyped count is likelier than a wish; draw the rest with --from. */
const MAX_COUNT = 100_000_000;

const flags = {
  count: { alias: 'n', describe: 'how many', initially: 64, read: wholeNumber(1, MAX_COUNT) },
  seed: {
    describe: 'sample i of seed s is the same image everywhere',
    initially: 0,
    read: wholeNumber(0, MAX_SEED),
  },
  from: { describe: 'number of the first sample', initially: 0, read: wholeNumber(0, MAX_SEED) },
  runtime: {
    describe: `library: ${runtimeNames.join(', ')}`,
    initially: 'the first that works',
    read: knownName(runtimeNames),
  },
  device: { describe: 'cpu, webgpu, cuda, wasm, or auto', initially: 'auto', read: anyText },
  batch: { describe: 'images per run', initially: 64, read: wholeNumber(1, 65536) },
  output: {
    alias: 'o',
    describe: 'contact sheet or plot, PNG',
    initially: 'samples.png, if nothing else is asked for',
    read: anyText,
  },
  outDir: { describe: 'folder for one PNG per sample', read: anyText },
  npy: { describe: 'NumPy file for the images, float32 [n, H, W, C]', read: anyText },
  saveLatents: { describe: 'NumPy file for the latents, float32 [n, L]', read: anyText },
};

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

async function runSample(values: FlagValues<typeof flags>, file: string): Promise<void> {
  const { count = 64, seed = 0, from = 0, batch = 64 } = values;
  const generator = await openGenerator(file, values.runtime, values.device);
  const { signal, release } = abortOnSignal(() => printNote('\nStopping; unfinished files are not kept.'));
  const { kind } = generator.metadata;
  const bar = openBar('Sampling', kind);
  let writers: SampleWriter[] = [];
  try {
    writers = await openWriters(values, { generator, count, seed, from });
    const start = performance.now();
    let done = 0;
    for await (const samples of generator.stream({ count, seed, from, batch, signal })) {
      for (const writer of writers) await writer.add(samples);
      done += samples.latents.shape[0]!;
      bar.update(done, count);
    }
    bar.stop();
    for (const writer of writers) printLine(await writer.finish());
    const perSecond = (count / (performance.now() - start)) * 1000;
    const where = `${generator.runtime} ${generator.version} on ${generator.device}`;
    printNote(`${count} ${kind} from ${where}, ${perSecond.toFixed(0)} a second`);
  } catch (error) {
    bar.stop();
    for (const writer of writers) await writer.discard();
    if (!signal.aborted) throw error;
    process.exitCode = EXIT_STOPPED;
  } finally {
    release();
    await generator.dispose();
  }
}

export const sampleVerb: Verb<typeof flags> = {
  name: 'sample',
  describe: 'draw images from a generator.onnx',
  path: { name: 'file', describe: 'a generator.onnx' },
  flags,
  examples: [
    ['sample generator.onnx --count 64 --seed 7 -o sheet.png', 'a contact sheet'],
    ['sample generator.onnx --count 10000 --npy images.npy --save-latents z.npy', 'arrays for NumPy'],
  ],
  run: runSample,
};
