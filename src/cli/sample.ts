/** `ganx sample`: from a generator.onnx to pictures, arrays, or both; of all samples, or of one shard of them. */
import { loadRuntime, runtimeNames } from '../../runtimes/index.js';
import { readWholeFile } from '../checkpoint/index.js';
import { expected } from '../core/errors.js';
import { openGenerator } from '../load-generator.js';
import type { Generator } from '../sample/index.js';
import { anyText, type FlagValues, knownName, MAX_SEED, realNumber, wholeNumber } from './flags.js';
import { latentFlags, readDescription } from './latent-flags.js';
import { openBar, printLine, printNote } from './print.js';
import { isDrawn, pickLabels, planShard } from './sample-shard.js';
import { openWriters, type SampleWriter } from './sample-writers.js';
import { readShard } from './shard.js';
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
  truncation: {
    describe: 'latents times this, 0 to 1: less makes likelier and less varied images',
    initially: 1,
    read: realNumber(0, 1),
  },
  label: {
    describe: 'class by name or number, or one for each sample by commas',
    initially: 'each in turn',
    read: anyText,
  },
  from: { describe: 'number of the first sample', initially: 0, read: wholeNumber(0, MAX_SEED) },
  runtime: {
    describe: `library: ${runtimeNames.join(', ')}`,
    initially: 'the best that works',
    read: knownName(runtimeNames),
  },
  device: { describe: 'cpu, webgpu, cuda, wasm, …, or auto', initially: 'auto', read: anyText },
  url: { describe: 'address of the model on a server, for open-inference', read: anyText },
  batch: { describe: 'images per run', initially: 64, read: wholeNumber(1, 65536) },
  output: {
    alias: 'o',
    describe: 'contact sheet or plot, PNG',
    initially: 'samples.png, if nothing else is asked for',
    read: anyText,
  },
  outDir: { describe: 'folder for one PNG per sample', read: anyText },
  npy: { describe: 'NumPy file for the images, [n, H, W, C]', read: anyText },
  dtype: {
    describe: 'its values: float32 as the generator makes them, or uint8, black 0 and white 255',
    initially: 'float32',
    read: knownName(['float32', 'uint8']),
  },
  saveLatents: { describe: 'NumPy file for the latents, float32 [n, L]', read: anyText },
  shard: {
    describe: 'draw only the k-th of n parts, k/n: `ganx merge` joins them to the same bytes',
    read: readShard,
  },
  ...latentFlags,
};

async function openFile(
  bytes: Uint8Array,
  file: string,
  values: FlagValues<typeof flags>,
): Promise<Generator> {
  const { runtime, device, url } = values;
  if (runtime) await loadRuntime(runtime);
  const describe = readDescription(values);
  const options = {
    ...(runtime ? { runtime } : {}),
    ...(device ? { device } : {}),
    ...(url ? { url } : {}),
    ...(describe ? { describe } : {}),
  };
  const generator = await openGenerator(bytes, options, file);
  for (const { runtime: name, device: where, reason } of generator.refused)
    printNote(`Not ${name}/${where}: ${reason}`);
  return generator;
}

/** The classes by number, from what was typed; the generator judges their range and how many there are. */
function readLabels(text: string, { labelled, metadata }: Generator): number | number[] {
  const names = metadata.labels ?? [];
  if (!labelled) throw expected('--label', 'no class for a generator without classes', text);
  const labels = text.split(',').map((part) => {
    const name = part.trim();
    const index = names.includes(name) ? names.indexOf(name) : /^\d+$/.test(name) ? Number(name) : -1;
    if (index >= 0 && index < names.length) return index;
    throw expected('--label', `a class: ${names.join(', ')}`, name);
  });
  return labels.length === 1 ? labels[0]! : labels;
}

async function runSample(values: FlagValues<typeof flags>, file: string): Promise<void> {
  const { seed = 0, batch = 64, truncation, dtype = 'float32' } = values;
  if (values.dtype !== undefined && values.npy === undefined)
    throw expected('--dtype', '--npy with it, whose values it is about', values.dtype);
  const whole = { from: values.from ?? 0, count: values.count ?? 64 };
  const bytes = await readWholeFile(file);
  const shard = values.shard && planShard(values.shard, whole, bytes, values);
  if (shard && (await isDrawn(shard, values))) {
    printLine(`Shard ${shard.shard.number} of ${shard.shard.of} is there, and whole.`);
    return;
  }
  const { from, count } = shard?.samples ?? whole;
  const generator = await openFile(bytes, file, values);
  const { signal, release } = abortOnSignal(() => printNote('\nStopping; unfinished files are not kept.'));
  const { kind } = generator.metadata;
  const bar = openBar('Sampling', kind);
  let writers: SampleWriter[] = [];
  try {
    const labels = values.label === undefined ? undefined : readLabels(values.label, generator);
    const label = shard && Array.isArray(labels) ? pickLabels(labels, whole, shard) : labels;
    const drawing = { count, seed, from, batch, truncation, label, signal };
    writers = await openWriters(values, {
      generator,
      count,
      seed,
      from,
      dtype,
      ...(shard ? { shard } : {}),
    });
    const start = performance.now();
    let done = 0;
    for await (const samples of generator.stream(drawing)) {
      for (const writer of writers) await writer.add(samples);
      done += samples.latents.shape[0]!;
      bar.update(done, count);
    }
    bar.stop();
    for (const writer of writers) printLine(await writer.finish());
    const perSecond = (count / (performance.now() - start)) * 1000;
    const engine = generator.engine ? ` (${generator.engine})` : '';
    const where = `${generator.runtime} ${generator.version} on ${generator.device}${engine}`;
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
    ['sample generator.onnx -n 10000000 --npy images.npy --shard 3/64', 'one of 64 parts, on any machine'],
    ['sample stylegan.onnx --latent 1x512 --range -1,1 --layout nchw', 'a generator from another tool'],
  ],
  run: runSample,
};
