/**
 * The run folder of a training: where it begins or goes on, and what it writes.
 * options.json, stats.jsonl, timing.jsonl, reals.png, fakes-*.png, snapshot-* (to use), training-state-* (to resume).
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gan } from '../../models/types.js';
import {
  type Checkpoint,
  cleanRun,
  expectModel,
  latestState,
  openStats,
  pruneStates,
  readWholeFile,
  type SkippedFile,
  type StatsLog,
  saveCheckpoint,
  snapshotPath,
  statePath,
  writeFileAtomically,
} from '../checkpoint/index.js';
import { expected, GanError, messageOf } from '../core/errors.js';
import type { FloatTensor, PlainTensor } from '../core/tensor.js';
import { drawSheet } from '../sample/index.js';
import { averageWeights, type State } from './engines/engine.js';
import { parseOptions, type TrainOptions } from './options.js';

/** Counters and sums that a training state holds beside its tensors. */
export interface Progress {
  steps: number;
  imagesSeen: number;
  /** Steps and sums of losses since the last line of stats.jsonl. */
  window: { steps: number; sums: Record<string, number> };
  statsBytes: number;
}

/** A run folder that is ready to be written to. */
export interface RunFolder {
  readonly path: string;
  readonly options: TrainOptions;
  readonly progress: Progress;
  /** Undefined for a new run. */
  readonly state: State | undefined;
  /** Broken training states that were passed over. */
  readonly skipped: readonly SkippedFile[];
  readonly stats: StatsLog;
  readonly timing: StatsLog;
}

const OPTIONS_FILE = 'options.json';

/** Makes the folder of a new run. @throws GanError when the folder already holds something, or cannot be made */
export async function createRun(path: string, options: TrainOptions): Promise<RunFolder> {
  const present = await readdir(path).catch((): string[] => []);
  if (present.length > 0) {
    const remedy = present.includes(OPTIONS_FILE)
      ? `Go on with --resume ${path}, or choose another --out.`
      : 'Choose another --out.';
    throw expected('train', 'a new or empty output folder', path, remedy);
  }
  await mkdir(path, { recursive: true }).catch((cause: unknown) => {
    throw new GanError(
      'IO',
      'train',
      `Expected to make the folder ${path}, got \`${messageOf(cause)}\`. Choose another --out.`,
      { cause },
    );
  });
  await writeFileAtomically(join(path, OPTIONS_FILE), Buffer.from(`${JSON.stringify(options, null, 2)}\n`));
  const progress: Progress = { steps: 0, imagesSeen: 0, window: { steps: 0, sums: {} }, statsBytes: 0 };
  return { path, options, progress, state: undefined, skipped: [], ...(await openLogs(path, 0)) };
}

/** The options of a run folder. */
export async function readOptions(path: string): Promise<TrainOptions> {
  const file = join(path, OPTIONS_FILE);
  const text = new TextDecoder().decode(await readWholeFile(file));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new GanError(
      'BAD_CHECKPOINT',
      file,
      `Expected JSON, got \`${messageOf(cause)}\`. Is this a run folder?`,
      { cause },
    );
  }
  return parseOptions(value, file);
}

/**
 * Opens a run folder where its newest whole training state left it.
 *
 * @param images a new total, to train on beyond the old one
 * @throws GanError `BAD_CHECKPOINT` when there is none, or it is of another model
 */
export async function reopenRun(
  path: string,
  changes: Partial<Pick<TrainOptions, 'images' | 'engine' | 'device'>>,
): Promise<RunFolder> {
  const options = { ...(await readOptions(path)), ...changes };
  await cleanRun(path);
  const { checkpoint, skipped } = await latestState(path);
  expectModel(checkpoint, options.model);
  if (checkpoint.dataDigest !== options.data.digest || checkpoint.seed !== options.seed) {
    throw new GanError(
      'BAD_CHECKPOINT',
      path,
      'Expected a training state of the same data and seed as options.json, got another.',
    );
  }
  const progress = checkpoint.progress as unknown as Progress;
  const logs = await openLogs(path, progress.statsBytes);
  return {
    path,
    options,
    progress: structuredClone(progress),
    state: checkpoint.tensors as State,
    skipped,
    ...logs,
  };
}

async function openLogs(path: string, statsBytes: number): Promise<Pick<RunFolder, 'stats' | 'timing'>> {
  return {
    stats: await openStats(join(path, 'stats.jsonl'), statsBytes),
    timing: await openStats(join(path, 'timing.jsonl')),
  };
}

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
  await writeFileAtomically(join(run.path, name), drawSheet(values, gan.shape, options));
}

/** `fakes-000300000.png`. */
export function fakesName(imagesSeen: number): string {
  return `fakes-${String(imagesSeen).padStart(9, '0')}.png`;
}
