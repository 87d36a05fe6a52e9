/**
 * Feature networks that ganx trained, kept in the user's cache: one file for each data set, seed and version of the
 * recipe. A file that cannot be read is trained again.
 */
import { join } from 'node:path';
import { readWholeFile, writeFileAtomically } from '../checkpoint/index.js';
import { messageOf } from '../core/errors.js';
import type { Dataset } from '../core/types.js';
import { readModelFile } from '../sample/index.js';
import { findCache } from '../tensorflow/places.js';
import { type FeatureTraining, trainFeatures } from './train.js';

/** Changes with everything that changes the network: layers, schedule, split. */
const RECIPE = 1;

/** A feature network and where it lies. */
export interface CachedFeatures {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Why the file could not be kept, if so; the network itself is good. */
  readonly unkept?: string;
}

/** A file of the cache, if it is whole and of this recipe. */
async function readCached(path: string, digest: string): Promise<Uint8Array | undefined> {
  try {
    const bytes = await readWholeFile(path);
    return readModelFile(bytes).properties['ganx.features.data_digest'] === digest ? bytes : undefined;
  } catch {
    // Absent, cut off or damaged: whatever it is, a new one takes its place.
    return undefined;
  }
}

/**
 * The feature network of a data set, from the cache or newly trained.
 *
 * @throws GanError as {@link trainFeatures}
 */
export async function findFeatures(data: Dataset, training: FeatureTraining): Promise<CachedFeatures> {
  const name = `${data.digest.slice(0, 32)}-seed-${training.seed}-recipe-${RECIPE}.onnx`;
  const path = join(findCache(), 'features', name);
  const cached = await readCached(path, data.digest);
  if (cached) return { path, bytes: cached };
  const bytes = await trainFeatures(data, training);
  try {
    await writeFileAtomically(path, bytes);
    return { path, bytes };
  } catch (error) {
    return { path, bytes, unkept: messageOf(error) };
  }
}
