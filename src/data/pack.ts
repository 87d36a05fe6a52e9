/**
 * Collects a stream of items into a Dataset: values into a store, labels into an array, and all of it into a digest.
 * It knows no file format.
 */
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expected, type GanError } from '../core/errors.js';
import { type PlainTensor, plainTensor, sizeOf } from '../core/tensor.js';
import type { Dataset } from '../core/types.js';
import { refuseData } from './bad-data.js';
import { RowStore } from './row-store.js';
import type { DataOptions, ItemSource, Labels, SkippedItem } from './source.js';

/** Values kept in memory unless the options say otherwise. */
const DEFAULT_MEMORY_LIMIT_BYTES = 2 ** 30;
/** Items between two turns given to the event loop, so that timers and signals are heard. */
const ITEMS_PER_TURN = 256;

function asBytes(values: Uint8Array | Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/**
 * Reads a source to its end; the caller closes the data set.
 *
 * @throws GanError `BAD_DATA` when no item can be used or, with `strict`, when one cannot; the signal's reason when aborted
 */
export async function packItems(source: ItemSource, options: DataOptions): Promise<Dataset> {
  const elementBytes = source.kind === 'images' ? 1 : 4;
  const store = new RowStore(
    sizeOf(source.shape) * elementBytes,
    options.memoryLimitBytes ?? DEFAULT_MEMORY_LIMIT_BYTES,
  );
  const hash = createHash('sha256').update(`${source.kind} ${source.shape.join('x')}\n`);
  const skipped: SkippedItem[] = [];
  const itemLabels: number[] = [];
  let done = 0;
  try {
    for await (const item of source.items) {
      options.signal?.throwIfAborted();
      if ('reason' in item) {
        if (options.strict) throw refuseStrictly(item);
        skipped.push(item);
      } else {
        const bytes = asBytes(item.values);
        hash.update(bytes);
        await store.append(bytes);
        if (item.label !== undefined) itemLabels.push(item.label);
      }
      done++;
      if (done % ITEMS_PER_TURN === 0) await nextTurn();
      options.onProgress?.(done, source.total);
    }
    if (store.count === 0) throw refuseAll(source.name, skipped);
    await store.seal();
  } catch (error) {
    await store.close();
    throw error;
  } finally {
    source.close?.();
  }
  const isLabelled = itemLabels.length === store.count;
  const labels: Labels = isLabelled ? source.settleLabels(Int32Array.from(itemLabels)) : { labels: [] };
  hash.update(`\n${JSON.stringify(labels.labels)}\n`);
  if (labels.labelOf) hash.update(asBytes(labels.labelOf));
  return createDataset(source, store, labels, hash.digest('hex'), skipped);
}

function createDataset(
  source: ItemSource,
  store: RowStore,
  { labels, labelOf }: Labels,
  digest: string,
  skipped: readonly SkippedItem[],
): Dataset {
  const { name, kind, shape } = source;
  return {
    name,
    kind,
    count: store.count,
    shape,
    labels,
    digest,
    skipped,
    ...(labelOf && { labelOf }),
    async read(indices: ArrayLike<number>): Promise<PlainTensor> {
      for (let i = 0; i < indices.length; i++) {
        const index = indices[i]!;
        if (!(Number.isInteger(index) && index >= 0 && index < store.count)) {
          throw expected('data', `an index from 0 to ${store.count - 1}`, index);
        }
      }
      const rows = await store.read(indices);
      const values = kind === 'images' ? rows : new Float32Array(rows.buffer);
      return plainTensor(values, [indices.length, ...shape]); // [n, H, W, C]
    },
    close: () => store.close(),
  };
}

function refuseStrictly({ name, reason }: SkippedItem): GanError {
  return refuseData(
    'only usable images (strict)',
    `${name} ${reason}`,
    'Remove the file, or open the data without strict to skip it.',
  );
}

function refuseAll(name: string, skipped: readonly SkippedItem[]): GanError {
  const reasons = skipped.slice(0, 3).map((item) => `${item.name} ${item.reason}`);
  return refuseData(
    `at least one usable image in ${name}`,
    `none of ${skipped.length}`,
    `The first reasons: ${reasons.join('; ')}.`,
  );
}
