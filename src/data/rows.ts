/**
 * A range of a source's items, for sets that are split by position: MNIST's training file holds 50,000 images to
 * learn from and 10,000 to choose by. It knows no file format.
 */
import type { DataItem } from '../core/types.js';
import type { ItemSource, SkippedItem } from './source.js';

async function* takeRows(
  items: ItemSource['items'],
  first: number,
  end: number,
): AsyncGenerator<DataItem | SkippedItem> {
  let row = 0;
  for await (const item of items) {
    if (row >= first) yield item;
    row += 1;
    // Leaving the loop ends the reading behind it, too.
    if (row >= end) return;
  }
}

/** The items from row `first` up to, and without, row `end`, as far as there are so many. Unusable files count, too. */
export function selectRows(source: ItemSource, rows: readonly [number, number] | undefined): ItemSource {
  if (!rows) return source;
  const [first, end] = rows;
  const total = source.total === undefined ? undefined : Math.max(0, Math.min(end, source.total) - first);
  return { ...source, total, items: takeRows(source.items, first, end) };
}
