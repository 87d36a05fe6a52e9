/**
 * What samples are measured against: the data set, items kept for the test, and those that choose a width. Where a set
 * brings no test items, a tenth of it stands in for them.
 */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { permutation } from '../core/random.js';
import type { PlainTensor } from '../core/tensor.js';
import type { Dataset } from '../core/types.js';
import { BUILT_IN, type DataOptions } from '../data/index.js';
import { openDataWithBar } from './data.js';

/** Items that choose the width of the Parzen window: the paper takes 1,000. */
const VALIDATION = 1000;
/** More test items than this tell no more; MNIST's and CIFAR-10's test sets have as many. */
const MOST_TEST = 10_000;

/** The data, and its parts. */
export interface MeasuredData {
  readonly data: Dataset;
  readonly test: PlainTensor;
  readonly validation: PlainTensor;
  /** Where the two parts come from, for the reader of a report. */
  readonly testFrom: string;
  readonly validationFrom: string;
  /** The test items are not among the data. */
  readonly separate: boolean;
}

/** The test images that belong to MNIST-style or CIFAR-10 training files, by their usual names. */
async function findTestFile(source: string): Promise<string | undefined> {
  const isFile = /^(train-images[-.]idx3-ubyte(\.gz)?|data_batch_\d+\.bin)$/.test(basename(source));
  const folder = isFile ? dirname(source) : source;
  const names = await readdir(folder).catch(() => []);
  const found = names.find((name) => /^t10k-images[-.]idx3-ubyte(\.gz)?$|^test_batch\.bin$/.test(name));
  return found && join(folder, found);
}

function countUp(from: number, to: number): Uint32Array {
  return Uint32Array.from({ length: to - from }, (_, i) => from + i);
}

/** Opens the test items that a set has apart from the training items. */
async function openTest(
  source: string,
  wish: string | undefined,
  options: DataOptions,
): Promise<{ set: Dataset; from: string } | undefined> {
  const path = wish ?? (BUILT_IN.includes(source) ? undefined : await findTestFile(source));
  if (path !== undefined) return { set: await openDataWithBar(path, options), from: path };
  if (!BUILT_IN.includes(source)) return undefined;
  // Another seed draws other items of the same distribution.
  const set = await openDataWithBar(source, { ...options, seed: 1, count: MOST_TEST });
  return { set, from: `${source} of seed 1` };
}

/** Options that fit other images to those of a data set. */
function shapeOf({ kind, shape: [size, , channels] }: Dataset): DataOptions {
  return kind === 'images' ? { size, channels: channels === 1 ? 1 : 3 } : {};
}

/**
 * Opens a data set and its test items; the caller closes the data set.
 *
 * @param options shape of the items, as the samples have it
 * @throws GanError as `openData`
 */
export async function openMeasured(
  source: string,
  wish: string | undefined,
  options: DataOptions,
): Promise<MeasuredData> {
  const data = await openDataWithBar(source, options);
  try {
    const apart = await openTest(source, wish, { ...options, ...shapeOf(data) });
    if (apart) {
      const { set, from } = apart;
      const test = await set.read(countUp(0, Math.min(MOST_TEST, set.count)));
      await set.close();
      // The paper's rows: 50,000 to 50,999 of MNIST's 60,000.
      const first = Math.floor((data.count * 5) / 6);
      const last = Math.min(data.count, first + VALIDATION);
      const validation = await data.read(countUp(first, last));
      const validationFrom = `items ${first} to ${last - 1} of the data`;
      return { data, test, validation, testFrom: from, validationFrom, separate: true };
    }
    // Folders hold one class after the other, so the tenths are drawn by chance.
    const order = permutation(0, 'measure/split', data.count);
    const tenth = Math.max(1, Math.floor(data.count / 10));
    const part = (from: number, most: number) => order.slice(from, from + Math.min(most, tenth));
    return {
      data,
      test: await data.read(part(0, MOST_TEST)),
      validation: await data.read(part(tenth, VALIDATION)),
      testFrom: 'a tenth of the data, drawn by chance (name test items with --test)',
      validationFrom: 'another part of it',
      separate: false,
    };
  } catch (error) {
    await data.close();
    throw error;
  }
}

/** All items, as they are. */
export async function readAll(data: Dataset): Promise<PlainTensor> {
  return await data.read(countUp(0, data.count));
}

/** The first items of a set, as they are. */
export async function readFirst(data: Dataset, count: number): Promise<PlainTensor> {
  return await data.read(countUp(0, count));
}
