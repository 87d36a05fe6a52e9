/**
 * Many small images on one contact sheet, in reading order.
 * Works on 8-bit pixels of any number of channels; knows neither generators nor files.
 */
import { expected } from '../core/errors.js';
import { type PlainTensor, plainTensor } from '../core/tensor.js';

/** How a contact sheet is laid out. */
export interface GridOptions {
  /** Images in a row; as near to a square sheet as can be when absent. */
  readonly columns?: number | undefined;
  /** Pixels between images and around them; 2 when absent. */
  readonly padding?: number | undefined;
  /** Each pixel becomes scale × scale pixels; 1 when absent. */
  readonly scale?: number | undefined;
  /** Level of the gutter in every channel, 0 to 255. */
  readonly background?: number | undefined;
}

/** White: parts black digits from each other, leaves photographs alone, and unused places vanish on a page. */
const GUTTER = 255;

/** Above this many bytes a sheet is of no use to a viewer, and PNG encoding takes minutes. */
const MOST_BYTES = 2 ** 28;

function checkWhole(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw expected('grid', `${name} that is a whole number from ${least} to ${most}`, String(value));
}

/**
 * Lays images out in rows; places left over show the background.
 *
 * @param images uint8 [n, H, W, C], n ≥ 1
 * @returns uint8 [rows · (H · scale + padding) + padding, columns · (W · scale + padding) + padding, C]
 * @throws GanError `BAD_ARGUMENT` for another shape, an option out of range, or a sheet above 256 MiB
 */
export function makeGrid(
  images: PlainTensor<Uint8Array>,
  options: GridOptions = {},
): PlainTensor<Uint8Array<ArrayBuffer>> {
  const [count = 0, height = 0, width = 0, channels = 0] = images.shape;
  if (images.dtype !== 'uint8' || images.shape.length !== 4 || images.data.length === 0) {
    throw expected('grid', 'uint8 images [n, H, W, C]', `${images.dtype} [${images.shape.join(', ')}]`);
  }
  const square = Math.min(count, Math.ceil(Math.sqrt((count * height) / width)));
  const columns = checkWhole('columns', options.columns ?? square, 1, 65536);
  const padding = checkWhole('padding', options.padding ?? 2, 0, 1024);
  const scale = checkWhole('scale', options.scale ?? 1, 1, 64);
  const background = checkWhole('background', options.background ?? GUTTER, 0, 255);
  const pitchY = height * scale + padding;
  const pitchX = width * scale + padding;
  const sheetHeight = Math.ceil(count / columns) * pitchY + padding;
  const sheetWidth = columns * pitchX + padding;
  const sizeBytes = sheetHeight * sheetWidth * channels;
  if (sizeBytes > MOST_BYTES) {
    throw expected('grid', 'a sheet of at most 256 MiB', `${sizeBytes} bytes`, 'Draw fewer images on it.');
  }
  const sheet = new Uint8Array(sizeBytes).fill(background);
  for (let n = 0; n < count; n++) {
    const left = (n % columns) * pitchX + padding;
    const top = Math.floor(n / columns) * pitchY + padding;
    for (let y = 0; y < height; y++) {
      const source = (n * height + y) * width * channels;
      const row = images.data.subarray(source, source + width * channels); // [W, C]
      const target = ((top + y * scale) * sheetWidth + left) * channels;
      if (scale === 1) {
        sheet.set(row, target);
        continue;
      }
      widenRow(row, channels, scale, sheet, target);
      for (let again = 1; again < scale; again++) {
        sheet.copyWithin(target + again * sheetWidth * channels, target, target + width * scale * channels);
      }
    }
  }
  return plainTensor(sheet, [sheetHeight, sheetWidth, channels]);
}

/** Writes every pixel of a row `scale` times, side by side. */
function widenRow(row: Uint8Array, channels: number, scale: number, sheet: Uint8Array, target: number): void {
  let at = target;
  for (let x = 0; x < row.length; x += channels) {
    for (let again = 0; again < scale; again++) {
      for (let c = 0; c < channels; c++) sheet[at++] = row[x + c]!;
    }
  }
}
