/**
 * What a training leaves in its run folder on the way: states to resume from, snapshots to draw from, sheets to look at.
 */
import { join } from 'node:path';
import type { Gan } from '../../models/types.js';
import {
  type Checkpoint,
  pruneStates,
  saveCheckpoint,
  snapshotPath,
  statePath,
  writeFileAtomically,
} from '../checkpoint/index.js';
import type { FloatTensor, PlainTensor } from '../core/tensor.js';
import { toPng } from '../sample/index.js';
import { averageWeights, type State } from './engines/engine.js';
import type { RunFolder } from './run.js';

/** What both kinds of checkpoint say. */
function describe(run: RunFolder, gan: Gan): Omit<Checkpoint, 'kind' | 'tensors'> {
  const { options, progress } = run;
  return {
    model: options.model,
    modelOptions: options.modelOptions,
    shape: gan.shape,
    imagesSeen: progress.imagesSeen,
    steps: progress.steps,
    seed: options.seed,
    dataDigest: options.data.digest,
  };
}

/** Saves everything that resuming needs, then lets go of all older states but one. */
export async function saveState(run: RunFolder, gan: Gan, state: State): Promise<string> {
  await run.stats.sync();
  const progress = { ...structuredClone(run.progress), statsBytes: run.stats.byteLength };
  const path = statePath(run.path, progress.imagesSeen);
  await saveCheckpoint(path, { ...describe(run, gan), kind: 'training-state', progress, tensors: state });
  await pruneStates(run.path);
  return path;
}

/** Saves the averaged generator: what `export` takes. */
export async function saveSnapshot(run: RunFolder, gan: Gan, state: State): Promise<string> {
  const path = snapshotPath(run.path, run.progress.imagesSeen);
  await saveCheckpoint(path, { ...describe(run, gan), kind: 'snapshot', tensors: averageWeights(state) });
  return path;
}

/** Writes a sheet of images, or a plot of points over the real ones, under `name` in the run folder. */
export async function saveSheet(
  run: RunFolder,
  gan: Gan,
  name: string,
  values: PlainTensor,
  reference?: PlainTensor,
): Promise<void> {
  const isPlot = gan.shape.kind === 'points' && reference?.dtype === 'float32';
  const options = isPlot ? { reference: reference as FloatTensor } : {};
  await writeFileAtomically(join(run.path, name), toPng(values, gan.shape, options));
}

/** `fakes-000300000.png`. */
export function fakesName(imagesSeen: number): string {
  return `fakes-${String(imagesSeen).padStart(9, '0')}.png`;
}
