/**
 * The built-in set `digits` as a source: handwriting made by rule (draw-digit.ts), in any number.
 */
import type { DataItem } from '../core/types.js';
import { GLYPHS } from './digit-glyphs.js';
import { drawDigit, NATIVE_SIZE } from './draw-digit.js';
import { numberLabels, repeatGrey } from './raw-images.js';
import { chooseSize, type DataOptions, DEFAULT_COUNT, type ItemSource } from './source.js';

/** Procedural handwritten digits with labels 0 to 9, in turn. */
export function openDigits(options: DataOptions): ItemSource {
  const size = chooseSize(options, NATIVE_SIZE);
  const channels = options.channels ?? 1;
  const count = options.count ?? DEFAULT_COUNT;
  return {
    name: 'digits',
    kind: 'images',
    shape: [size, size, channels],
    total: count,
    items: drawDigits(options.seed ?? 0, size, channels, count),
    settleLabels: (labelOf) => ({ labels: numberLabels(GLYPHS.length), labelOf }),
  };
}

async function* drawDigits(
  seed: number,
  size: number,
  channels: 1 | 3,
  count: number,
): AsyncGenerator<DataItem> {
  for (let i = 0; i < count; i++) {
    const grey = drawDigit(seed, i, size);
    const values = channels === 1 ? grey : repeatGrey(grey);
    yield { name: String(i), values, label: i % GLYPHS.length };
  }
}
