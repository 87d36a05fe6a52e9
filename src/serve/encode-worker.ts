/**
 * The program of an encoding thread: images to the bytes of an answer. A message carries several tasks, since one alone
 * would cost more to send than to do.
 */
import { messageOf } from '../core/errors.js';
import { plainTensor } from '../core/tensor.js';
import { makeGrid, type SheetOptions, type SheetShape, toBytes, toPng } from '../sample/index.js';

/** Work for the thread; `values` are images [count, H, W, C]. */
export type EncodeTask =
  | {
      readonly kind: 'sheet';
      readonly values: Float32Array;
      readonly shape: SheetShape;
      readonly options: SheetOptions;
    }
  | {
      readonly kind: 'film';
      readonly values: Float32Array;
      readonly shape: SheetShape;
      readonly scale: number;
      /** Milliseconds of each frame. */
      readonly delay: number;
    }
  | { readonly kind: 'json'; readonly values: Float32Array };

/** A task's bytes, or why there are none. */
export type EncodeResult = { readonly bytes: Uint8Array } | { readonly error: string };

async function encodeFilm({ values, shape, scale, delay }: Extract<EncodeTask, { kind: 'film' }>) {
  // Only films need it, and loading it takes longer than most pictures.
  const { default: sharp } = await import('sharp');
  const [height, width, channels] = shape.imageShape;
  const count = values.length / (height * width * channels);
  const images = toBytes(plainTensor(values, [count, height, width, channels]), shape.imageRange);
  const strip = makeGrid(images, { columns: 1, padding: 0, scale });
  const raw = {
    width: width * scale,
    height: height * scale * count,
    channels: channels as 1 | 3,
    pageHeight: height * scale,
  };
  return await sharp(strip.data, { raw, limitInputPixels: false })
    .webp({ lossless: true, loop: 0, delay: new Array<number>(count).fill(delay) })
    .toBuffer();
}

async function encode(task: EncodeTask): Promise<Uint8Array> {
  if (task.kind === 'json') return Buffer.from(JSON.stringify(Array.from(task.values)));
  if (task.kind === 'film') return await encodeFilm(task);
  const { values, shape, options } = task;
  const [height, width, channels] = shape.imageShape;
  const count = values.length / (height * width * channels);
  return toPng(plainTensor(values, [count, height, width, channels]), shape, options);
}

/** Does the tasks of one message, one after the other. */
export async function encodeAll(tasks: readonly EncodeTask[]): Promise<EncodeResult[]> {
  const results: EncodeResult[] = [];
  for (const task of tasks) {
    try {
      results.push({ bytes: await encode(task) });
    } catch (error) {
      results.push({ error: messageOf(error) });
    }
  }
  return results;
}
