/** The data of a run for its figures: what it was trained on, wherever that lies now, and images that it has not seen. */
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { expected } from '../core/errors.js';
import type { Dataset } from '../core/types.js';
import { BUILT_IN, type DataOptions } from '../data/index.js';
import type { TrainOptions } from '../train/index.js';
import { openDataWithBar } from './data.js';

/** Seed of built-in test items; runs are trained on those of seed 0. */
const TEST_SEED = 1;
const TEST_COUNT = 10_000;

function readingOf({ size, channels, strict }: TrainOptions['data']): DataOptions {
  return { strict, ...(size ? { size } : {}), ...(channels ? { channels } : {}) };
}

/**
 * Opens a run's training data.
 *
 * @param place where it lies now, where that is not where it lay
 * @throws GanError `BAD_ARGUMENT` when there is nothing, or other data
 */
export async function openTrainingData(
  { data: stored }: TrainOptions,
  place: string | undefined,
  signal: AbortSignal,
): Promise<Dataset> {
  const source = place ?? stored.source;
  const remedy = 'Name the place of the run’s data with --data.';
  if (!BUILT_IN.includes(source) && !existsSync(source))
    throw expected('figures', `the data of the run at ${source}`, 'nothing there', remedy);
  const data = await openDataWithBar(source, { ...readingOf(stored), signal });
  if (data.digest === stored.digest) return data;
  await data.close();
  const short = (text: string): string => `${text.slice(0, 12)}…`;
  throw expected(
    'figures',
    `the data that the run was trained on (SHA-256 ${short(stored.digest)}) in ${source}`,
    short(data.digest),
    remedy,
  );
}

/** Where the test images lie that come with a training set: MNIST's t10k files, CIFAR-10's test batch. */
async function findTestFile(source: string): Promise<string | undefined> {
  const folder = (await stat(source)).isDirectory() ? source : dirname(source);
  const isOfSet = folder === source || /^(train|data_batch)/.test(basename(source));
  const name = (await readdir(folder)).find((one) => /^(t10k-images.*|test_batch\.bin)$/.test(one));
  return name && isOfSet ? join(folder, name) : undefined;
}

/**
 * Opens images that a run has not seen: built-in ones of another seed, or the test file beside the training data.
 *
 * @param test a source by the user's choice
 * @returns undefined where none is known
 */
export async function openTestData(
  { data: stored }: TrainOptions,
  place: string | undefined,
  test: string | undefined,
  signal: AbortSignal,
): Promise<Dataset | undefined> {
  const options = { ...readingOf(stored), signal };
  if (test !== undefined) return await openDataWithBar(test, options);
  const source = place ?? stored.source;
  if (BUILT_IN.includes(source))
    return await openDataWithBar(source, { ...options, seed: TEST_SEED, count: TEST_COUNT });
  const file = await findTestFile(source);
  return file === undefined ? undefined : await openDataWithBar(file, options);
}
