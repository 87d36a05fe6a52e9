/**
 * The data of a run for its figures: what it was trained on, wherever that lies now, and the items that its likelihood is
 * measured with.
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { expected } from '../core/errors.js';
import type { PlainTensor } from '../core/tensor.js';
import type { Dataset } from '../core/types.js';
import { BUILT_IN } from '../data/index.js';
import type { LikelihoodItems, MeasuredItems } from '../figures/index.js';
import type { TrainOptions } from '../train/index.js';
import { openDataWithBar } from './data.js';
import { openMeasured, readFirst } from './measure-data.js';

const REMEDY = 'Name the place of the run’s data with --data.';

/** Refuses data that the run was not trained on. */
function expectSame(data: Dataset, digest: string, source: string): void {
  if (data.digest === digest) return;
  const short = (text: string): string => `${text.slice(0, 12)}…`;
  const what = `the data that the run was trained on (SHA-256 ${short(digest)}) in ${source}`;
  throw expected('figures', what, short(data.digest), REMEDY);
}

/** Items for Table 1 and for the curve, and where they are from. */
export type MeasuringItems = LikelihoodItems & MeasuredItems;

/** What is open; the caller closes the data. */
export interface RunData {
  readonly data: Dataset;
  /** Absent where nothing shall be measured. */
  readonly items?: MeasuringItems;
}

/** What of it is wanted. */
export interface RunDataWish {
  readonly place?: string | undefined;
  readonly test?: string | undefined;
  /** Most real images that stand in for samples; 0 for none. */
  readonly reals: number;
  readonly signal: AbortSignal;
}

/** Opens the whole set, of which the run may have seen some rows only, and chooses items. */
async function openWhole(
  { data: { source, rows, digest, ...reading } }: TrainOptions,
  { place = source, test: wish, reals: most, signal }: RunDataWish,
): Promise<Required<RunData>> {
  const measured = await openMeasured(place, wish, { ...reading, signal });
  const { data: whole, test, validation, testFrom, validationFrom, separate } = measured;
  let data = whole;
  try {
    if (rows) data = await openDataWithBar(place, { ...reading, rows, signal });
    expectSame(data, digest, place);
    const items = { test, validation, testFrom: basename(testFrom), validationFrom, separate };
    return { data, items: { ...items, reals: separate ? await readReals(whole, data, most) : undefined } };
  } catch (error) {
    await data.close();
    throw error;
  } finally {
    if (data !== whole) await whole.close();
  }
}

/** The first items that the run was trained on; those that choose σ begin after five sixths (measure-data.ts). */
async function readReals(whole: Dataset, data: Dataset, most: number): Promise<PlainTensor | undefined> {
  const count = Math.min(most, data.count, Math.floor((whole.count * 5) / 6));
  return count > 0 ? await readFirst(data, count) : undefined;
}

/**
 * Opens the data that a run was trained on.
 *
 * @param measuring whether items for its likelihood are wanted too
 * @throws GanError `BAD_ARGUMENT` when there is nothing, or other data
 */
export async function openRunData(
  options: TrainOptions,
  measuring: boolean,
  wish: RunDataWish,
): Promise<RunData> {
  const { source, digest, ...reading } = options.data;
  const { place = source, signal } = wish;
  if (!BUILT_IN.includes(place) && !existsSync(place))
    throw expected('figures', `the data of the run at ${place}`, 'nothing there', REMEDY);
  if (measuring) return await openWhole(options, wish);
  const data = await openDataWithBar(place, { ...reading, signal });
  try {
    expectSame(data, digest, place);
  } catch (error) {
    await data.close();
    throw error;
  }
  return { data };
}
