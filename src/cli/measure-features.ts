/** Features for the measures that compare features: from a network in a file, from ganx's own, or points as they are. */
import { createHash } from 'node:crypto';
import { loadRuntime } from '../../runtimes/index.js';
import { readWholeFile } from '../checkpoint/index.js';
import { type FloatTensor, type PlainTensor, plainTensor } from '../core/tensor.js';
import type { Dataset, Session } from '../core/types.js';
import { findFeatures } from '../features/index.js';
import { extractFeatures, type Rows, toRows } from '../measure/index.js';
import { readModelFile } from '../sample/index.js';
import { openBar, printNote } from './print.js';

/** What the numbers that rest on features must be read with. */
export interface FeatureFacts {
  readonly file: string;
  readonly sha256: string;
  readonly size: number;
  /** What ganx's own network was trained to tell, and how well it does. */
  readonly task?: string;
  readonly accuracy?: number;
  readonly heldOut?: number;
}

/** Features of both sides. */
export interface FeaturePair {
  readonly samples: Rows;
  readonly reals: Rows;
  /** Absent where points are compared as they are. */
  readonly facts?: FeatureFacts;
}

async function openSession(bytes: Uint8Array): Promise<Session> {
  return await (await loadRuntime('onnxruntime-node')).open(bytes, { device: 'cpu' });
}

/** The network: the one that was named, or ganx's own for the data, trained when it is not in the cache. */
async function findNetwork(
  wish: string | undefined,
  data: Dataset,
  signal: AbortSignal,
): Promise<{ path: string; bytes: Uint8Array }> {
  if (wish !== undefined) return { path: wish, bytes: await readWholeFile(wish) };
  const bar = openBar('Features', 'images');
  try {
    const onProgress = (seen: number, images: number): void => {
      if (seen === 0) printNote('Training a small network for features, once for this data set.');
      bar.update(seen, images);
    };
    const found = await findFeatures(data, { seed: 0, openSession, signal, onProgress });
    bar.stop();
    if (found.unkept) printNote(`The feature network could not be kept: ${found.unkept}`);
    return found;
  } finally {
    bar.stop();
  }
}

function toFloatPixels({ data, shape, dtype }: PlainTensor): FloatTensor {
  if (data instanceof Float32Array) return { data, shape, dtype };
  return plainTensor(
    Float32Array.from(data, (value) => value / 255),
    shape,
  );
}

/**
 * @param wish path of a feature network; ganx's own when absent
 * @throws GanError as `extractFeatures` and `trainFeatures`
 */
export async function compareByFeatures(
  wish: string | undefined,
  data: Dataset,
  samples: PlainTensor,
  reals: PlainTensor,
  signal: AbortSignal,
): Promise<FeaturePair> {
  if (data.kind === 'points') return { samples: toRows(samples), reals: toRows(reals) };
  const { path, bytes } = await findNetwork(wish, data, signal);
  const { properties } = readModelFile(bytes);
  const session = await openSession(bytes);
  const bar = openBar('Features', 'images');
  const total = samples.shape[0]! + reals.shape[0]!;
  let before = 0;
  const extract = async (images: PlainTensor): Promise<Rows> => {
    const onProgress = (done: number): void => bar.update(before + done, total);
    const rows = await extractFeatures(session, toFloatPixels(images), { signal, onProgress });
    before += rows.count;
    return rows;
  };
  try {
    const rows = { samples: await extract(samples), reals: await extract(reals) };
    const { 'ganx.features.task': task, 'ganx.features.accuracy': accuracy } = properties;
    return {
      ...rows,
      facts: {
        file: path,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        size: rows.samples.width,
        ...(task === undefined
          ? {}
          : { task, accuracy: Number(accuracy), heldOut: Number(properties['ganx.features.held_out']) }),
      },
    };
  } finally {
    bar.stop();
    await session.dispose();
  }
}
