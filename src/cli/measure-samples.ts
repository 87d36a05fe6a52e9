/** Where the samples to be measured come from: a generator, an array in a file, or the training data itself. */
import { stat } from 'node:fs/promises';
import { loadRuntime } from '../../runtimes/index.js';
import { readWholeFile } from '../checkpoint/index.js';
import { expected } from '../core/errors.js';
import { decodeNpy } from '../core/npy.js';
import { type FloatTensor, type PlainTensor, plainTensor, sizeOf } from '../core/tensor.js';
import type { Dataset } from '../core/types.js';
import { openGenerator } from '../load-generator.js';
import { toPixels } from '../measure/index.js';
import type { Generator, LatentDescription } from '../sample/index.js';
import { readFirst } from './measure-data.js';
import { openBar, printNote } from './print.js';

/** Samples that can be had once their data are open. */
export interface Subject {
  /** For the head of the report. */
  readonly name: string;
  /** [H, W, C]; absent for items of the data themselves. */
  readonly shape?: readonly number[];
  readonly kind?: 'images' | 'points';
  /** Facts for the report, such as the device. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** Pixels in [0, 1] (or uint8), or points: [n, H, W, C]. */
  draw(data: Dataset, count: number, signal: AbortSignal): Promise<PlainTensor>;
  dispose(): Promise<void>;
}

/** What was asked for on the command line. */
export interface SubjectChoices {
  readonly seed: number;
  readonly runtime?: string | undefined;
  readonly device?: string | undefined;
  readonly url?: string | undefined;
  readonly describe?: LatentDescription | undefined;
  readonly range?: string | undefined;
}

async function drawAll(
  generator: Generator,
  seed: number,
  count: number,
  signal: AbortSignal,
): Promise<FloatTensor> {
  const { imageShape, imageRange, kind } = generator.metadata;
  const size = sizeOf(imageShape);
  const values = new Float32Array(count * size);
  const bar = openBar('Sampling', kind);
  try {
    for await (const { from, images } of generator.stream({ count, seed, batch: 100, signal })) {
      const range = kind === 'points' ? ([0, 1] as const) : imageRange;
      values.set(toPixels(images, range).data, from * size);
      bar.update(from + images.shape[0]!, count);
    }
  } finally {
    bar.stop();
  }
  return plainTensor(values, [count, ...imageShape]);
}

async function openModel(path: string, choices: SubjectChoices): Promise<Subject> {
  const { seed, runtime, device, url, describe } = choices;
  if (runtime) await loadRuntime(runtime);
  const options = {
    ...(runtime ? { runtime } : {}),
    ...(device ? { device } : {}),
    ...(url ? { url } : {}),
    ...(describe ? { describe } : {}),
  };
  const generator = await openGenerator(await readWholeFile(path), options, path);
  for (const { runtime: name, device: where, reason } of generator.refused) {
    printNote(`Not ${name}/${where}: ${reason}`);
  }
  const { metadata } = generator;
  const [black, white] = metadata.imageRange;
  if (metadata.kind === 'images' && white - black > 2) {
    // As the 2014 recipes for CIFAR-10 have it, whose values are contrast-normalised.
    printNote(
      `The generator's values go from ${black} to ${white}: it learnt other values than plain pixels.`,
    );
  }
  return {
    name: path,
    shape: metadata.imageShape,
    kind: metadata.kind,
    facts: { model: metadata.model, seed, runtime: generator.runtime, device: generator.device },
    draw: (_, count, signal) => drawAll(generator, seed, count, signal),
    dispose: () => generator.dispose(),
  };
}

/** `-1,1` -> black and white. */
function readRange(text: string | undefined): readonly [number, number] {
  const [low, high, more] = (text ?? '')
    .split(',')
    .map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (low !== undefined && high !== undefined && low < high && more === undefined) return [low, high];
  const remedy = 'Say which values are black and white, as --range -1,1.';
  throw expected('--range', 'two rising numbers for samples in float32', text ?? 'none', remedy);
}

/** Images as `ganx sample --npy` writes them, [n, H, W, C] or [n, H, W], or points [n, D]. */
async function openArray(path: string, { range }: SubjectChoices): Promise<Subject> {
  const array = decodeNpy(await readWholeFile(path));
  const [count = 0, ...rest] = array.shape;
  const kind =
    rest.length === 1 || (rest.length === 3 && rest[0] === 1 && rest[1] === 1) ? 'points' : 'images';
  const shape = rest.length === 1 ? [1, 1, ...rest] : rest.length === 2 ? [...rest, 1] : rest;
  const isUsable = array.dtype === 'float32' || (array.dtype === 'uint8' && kind === 'images');
  if (shape.length !== 3 || count < 1 || !isUsable) {
    const got = `${array.dtype} [${array.shape.join(', ')}]`;
    throw expected(path, 'float32 or uint8 images [n, H, W, C], or float32 points [n, D]', got);
  }
  const values =
    array.dtype === 'uint8' || kind === 'points' ? array : toPixels(array as FloatTensor, readRange(range));
  return {
    name: path,
    shape,
    kind,
    facts: {},
    draw: async (_, wanted) => {
      const used = Math.min(wanted, count);
      return plainTensor(values.data.subarray(0, used * sizeOf(shape)), [used, ...shape], array.dtype);
    },
    dispose: async () => undefined,
  };
}

/** Real training items in the place of samples: what a perfect generator would reach. */
export function useReals(count: number): Subject {
  return {
    name: `${count} real training items`,
    facts: { real: count },
    draw: async (data) => {
      if (count > data.count) throw expected('--real', `at most ${data.count} items`, count);
      return await readFirst(data, count);
    },
    dispose: async () => undefined,
  };
}

/**
 * Opens samples by the kind of the file.
 *
 * @throws GanError `BAD_ARGUMENT` for a run folder and for flags that do not fit, and as `openGenerator`
 */
export async function openSubject(path: string, choices: SubjectChoices): Promise<Subject> {
  if ((await stat(path).catch(() => undefined))?.isDirectory()) {
    const remedy = `Export the run first: \`ganx export ${path}\`.`;
    throw expected('measure', 'a generator.onnx or a .npy of samples', `the folder ${path}`, remedy);
  }
  return /\.npy$/i.test(path) ? await openArray(path, choices) : await openModel(path, choices);
}
