/** `ganx measure`: how good samples are, in numbers: the paper's likelihood, and measures that came after it. */
import { runtimeNames } from '../../runtimes/index.js';
import { expected } from '../core/errors.js';
import { sizeOf } from '../core/tensor.js';
import { BUILT_IN, type DataOptions } from '../data/index.js';
import { openPool } from '../workers/index.js';
import { anyText, type FlagValues, knownName, MAX_SEED, wholeNumber } from './flags.js';
import { latentFlags, readDescription } from './latent-flags.js';
import { openMeasured } from './measure-data.js';
import { compareByFeatures, type FeaturePair } from './measure-features.js';
import { chooseMetrics, METRICS, readMetrics, takeMeasures } from './measure-metrics.js';
import { type MeasureReport, printReport } from './measure-print.js';
import { openSubject, type Subject, useReals } from './measure-samples.js';
import { formatDuration, printLine, printNote } from './print.js';
import { abortOnSignal, EXIT_STOPPED } from './stop.js';
import type { Verb } from './verb.js';

/** As many as the paper draws. */
const SAMPLES = 10_000;
const MOST_SAMPLES = 1_000_000;

const flags = {
  data: {
    describe: `training data: folder or zip of images, IDX, CIFAR-10 .bin, .npy, or ${BUILT_IN.join(', ')}`,
    read: anyText,
  },
  test: {
    describe: 'real items to test by',
    initially: 't10k-* or test_batch.bin beside the data, else a tenth of the data',
    read: anyText,
  },
  metrics: {
    describe: `by commas: ${METRICS.join(', ')}`,
    initially: 'what suits the data',
    read: readMetrics,
  },
  samples: { alias: 'n', describe: 'how many', initially: SAMPLES, read: wholeNumber(2, MOST_SAMPLES) },
  seed: { describe: 'seed of the samples', initially: 0, read: wholeNumber(0, MAX_SEED) },
  real: {
    describe: 'measure so many real training items in the place of samples: the yardstick',
    read: wholeNumber(2, MOST_SAMPLES),
  },
  features: {
    describe: 'feature network as .onnx, pixels in [0, 1] (NHWC or NCHW) to [B, D]',
    initially: 'a small one, trained once on the data and kept',
    read: anyText,
  },
  threads: {
    describe: 'threads for distances',
    initially: 'all that the machine has',
    read: wholeNumber(1, 256),
  },
  runtime: {
    describe: `library: ${runtimeNames.join(', ')}`,
    initially: 'the best that works',
    read: knownName(runtimeNames),
  },
  device: { describe: 'cpu, webgpu, cuda, wasm, …, or auto', initially: 'auto', read: anyText },
  url: { describe: 'address of the model on a server, for open-inference', read: anyText },
  ...latentFlags,
  json: { describe: 'print JSON' },
};

type Values = FlagValues<typeof flags>;

async function openSamples(path: string, values: Values): Promise<Subject> {
  const { real, seed = 0, runtime, device, url, range } = values;
  if ((path === '') === (real === undefined)) {
    const got = path === '' ? 'neither' : 'both';
    throw expected('measure', 'either a file of a generator or of samples, or --real COUNT', got);
  }
  if (real !== undefined) return useReals(real);
  const isArray = /\.npy$/i.test(path);
  const describe = isArray ? undefined : readDescription(values);
  return await openSubject(path, { seed, runtime, device, url, describe, range });
}

/** The shape that the data must have to be compared with the samples. */
function shapeOptions({ shape, kind }: Subject): DataOptions {
  const [height, width, channels] = shape ?? [];
  if (kind !== 'images' || height === undefined) return {};
  if (height !== width) throw expected('measure', 'square images', `${height}x${width}`);
  if (channels !== 1 && channels !== 3) throw expected('measure', '1 or 3 channels', channels);
  return { size: height, channels };
}

/** Opens, draws, measures. */
async function measure(subject: Subject, values: Values, signal: AbortSignal): Promise<MeasureReport> {
  const start = performance.now();
  const { data: source, test: wish, samples: count = SAMPLES, real, features: network } = values;
  if (source === undefined) {
    throw expected(
      '--data',
      'the data that the generator was trained on',
      'none',
      'Name them, as --data digits.',
    );
  }
  const measured = await openMeasured(source, wish, { ...shapeOptions(subject), signal });
  const { data, test, validation, testFrom, validationFrom } = measured;
  const pool = openPool(values.threads);
  try {
    if (subject.shape && sizeOf(subject.shape) !== sizeOf(data.shape)) {
      throw expected('measure', `samples of ${data.shape.join('×')}, as the data`, subject.shape.join('×'));
    }
    const metrics = values.metrics ?? chooseMetrics(data, real !== undefined);
    const samples = await subject.draw(data, real ?? count, signal);
    let pair: Promise<FeaturePair> | undefined;
    const features = (): Promise<FeaturePair> => {
      pair ??= compareByFeatures(network, data, samples, test, signal);
      return pair;
    };
    const measures = await takeMeasures(metrics, { samples, measured, features, run: pool.run, signal });
    const facts = (await pair)?.facts;
    return {
      subject: { name: subject.name, samples: samples.shape[0]!, facts: subject.facts },
      data: {
        name: data.name,
        kind: data.kind,
        count: data.count,
        digest: data.digest,
        test: { from: testFrom, count: test.shape[0]! },
        validation: { from: validationFrom, count: validation.shape[0]! },
      },
      ...(facts ? { features: facts } : {}),
      measures,
      durationMs: Math.round(performance.now() - start),
    };
  } finally {
    await pool.close();
    await data.close();
  }
}

async function runMeasure(values: Values, path: string): Promise<void> {
  const subject = await openSamples(path, values);
  const { signal, release } = abortOnSignal(() => printNote('\nStopping.'));
  try {
    const report = await measure(subject, values, signal);
    if (values.json) printLine(JSON.stringify(report, null, 2));
    else printReport(report);
    printNote(`Measured in ${formatDuration(report.durationMs)}.`);
  } catch (error) {
    if (!signal.aborted) throw error;
    process.exitCode = EXIT_STOPPED;
  } finally {
    release();
    await subject.dispose();
  }
}

export const measureVerb: Verb<typeof flags> = {
  name: 'measure',
  describe: 'how good samples are: Parzen likelihood, KID, FID, precision and recall, nearest, coverage',
  path: { name: 'file', describe: 'a generator.onnx, or a .npy of samples', optional: true },
  flags,
  examples: [
    ['measure generator.onnx --data mnist', "the paper's likelihood and newer measures"],
    ['measure --real 10000 --data mnist', 'the same for real images: what can be reached'],
    ['measure generator.onnx --data ring --metrics coverage --json', 'modes found, for a program'],
  ],
  run: runMeasure,
};
