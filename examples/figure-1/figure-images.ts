/**
 * A sheet of images: a row of the data on top, below it what G draws.
 */
import type { Surface } from './canvas.js';
import { SHEET_IMAGES } from './messages.js';

/** What the figure shows; images are grey, one after the other. */
export interface ImagesFigure {
  readonly size: number;
  readonly data: Uint8Array;
  /** In [0, 1]. */
  readonly fakes?: Float32Array | undefined;
}

const COLUMNS = 8;
const GAP = 3;
/** Between the data and G's. */
const BREAK = 12;

/** Draws the whole sheet. */
export function drawImagesFigure(surface: Surface, { size, data, fakes }: ImagesFigure): void {
  const { context, width, height } = surface;
  const rows = SHEET_IMAGES / COLUMNS + 1;
  const side = Math.floor(
    Math.min((width - GAP * (COLUMNS - 1)) / COLUMNS, (height - BREAK - GAP * (rows - 1)) / rows),
  );
  const left = Math.round((width - COLUMNS * side - GAP * (COLUMNS - 1)) / 2);
  const small = new OffscreenCanvas(size, size);
  const ink = small.getContext('2d')!;
  context.imageSmoothingEnabled = false;
  const draw = (place: number, levelOf: (pixel: number) => number): void => {
    const picture = new ImageData(size, size);
    for (let i = 0; i < size * size; i++) {
      const level = levelOf(i);
      picture.data.set([level, level, level, 255], 4 * i);
    }
    ink.putImageData(picture, 0, 0);
    const row = Math.floor(place / COLUMNS);
    const y = row * (side + GAP) + (row > 0 ? BREAK : 0);
    context.drawImage(small, left + (place % COLUMNS) * (side + GAP), y, side, side);
  };
  const count = data.length / size ** 2;
  for (let i = 0; i < Math.min(COLUMNS, count); i++) draw(i, (pixel) => data[i * size ** 2 + pixel]!);
  if (!fakes) return;
  for (let i = 0; i < SHEET_IMAGES; i++) draw(COLUMNS + i, (pixel) => 255 * fakes[i * size ** 2 + pixel]!);
}
