/**
 * What every loader gives: a stream of items at their final size, and what is known of them beforehand.
 * It knows no file format and no store.
 */
import { availableParallelism } from 'node:os';
import type { DataItem } from '../core/types.js';

/** How a data set is opened; everything is optional. */
export interface DataOptions {
  /** Side of the square images, in pixels; the shorter side of the first image when absent. Points have none. */
  readonly size?: number | undefined;
  /** Sides to choose from when `size` is absent: the nearest to the native one. */
  readonly sizes?: readonly number[];
  /** 1 for grey, 3 for RGB; as the first image when absent. Points have none. */
  readonly channels?: 1 | 3 | undefined;
  /** The items from the first number up to, and without, the second, as far as there are so many; all when absent. */
  readonly rows?: readonly [number, number] | undefined;
  /** Refuses the first file that cannot be used instead of skipping it. */
  readonly strict?: boolean;
  /** Seed of the built-in sets; 0 when absent. */
  readonly seed?: number;
  /** Items of the built-in sets; {@link DEFAULT_COUNT} when absent. */
  readonly count?: number;
  /** Stops the opening; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Called after each item, with the number of all items where it is known. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
  /** Bytes of values held in memory before they go to a temporary file; 1 GiB when absent. */
  readonly memoryLimitBytes?: number;
}

/** Items of a built-in set when no count is given. */
export const DEFAULT_COUNT = 20_000;

/** The side of the images: the one that is asked for, or the nearest allowed to the native one. */
export function chooseSize({ size, sizes }: DataOptions, native: number): number {
  const gap = (candidate: number): number => Math.abs(Math.log(candidate / native));
  return (
    size ?? sizes?.reduce((best, candidate) => (gap(candidate) < gap(best) ? candidate : best)) ?? native
  );
}

/** [H, W, C]. */
export type ItemShape = readonly [number, number, number];

/** A file that could not be used, and why. */
export interface SkippedItem {
  readonly name: string;
  readonly reason: string;
}

/** Labels as the data set shows them; no `labelOf` where items have none. */
export interface Labels {
  readonly labels: readonly string[];
  readonly labelOf?: Int32Array;
}

/** One opened source, to be read once from beginning to end. */
export interface ItemSource {
  readonly name: string;
  readonly kind: 'images' | 'points';
  readonly shape: ItemShape;
  /** Number of items or candidates, where it is known beforehand. */
  readonly total: number | undefined;
  readonly items: AsyncIterable<DataItem | SkippedItem>;
  /** Makes the final labels from the label of each item that was used. */
  settleLabels(labelOf: Int32Array): Labels;
  close?(): void;
}

/** Images that are decoded at the same time; libvips uses threads of its own besides. */
const CONCURRENCY = Math.min(8, Math.max(4, availableParallelism()));

/** Applies an asynchronous function to several inputs at once and gives the results in order. */
export async function* mapOrdered<I, O>(
  inputs: Iterable<I> | AsyncIterable<I>,
  transform: (input: I) => Promise<O>,
): AsyncGenerator<O> {
  const pending: Promise<O>[] = [];
  for await (const input of inputs) {
    const result = transform(input);
    // The failure is thrown when its turn comes; until then nobody else may call it unhandled.
    result.catch(() => undefined);
    pending.push(result);
    if (pending.length >= CONCURRENCY) yield await pending.shift()!;
  }
  while (pending.length > 0) yield await pending.shift()!;
}
