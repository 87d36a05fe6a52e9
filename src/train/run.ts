/**
 * The run folder of a training: where it begins or goes on, and what it writes.
 * options.json, stats.jsonl, timing.jsonl, reals.png, fakes-*.png, snapshot-* (to use), training-state-* (to resume).
 */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  cleanRun,
  expectModel,
  type FoundCheckpoint,
  ioError,
  latestState,
  lockRun,
  makeFolder,
  openStats,
  readWholeFile,
  type SkippedFile,
  type StatsLog,
  writeFileAtomically,
} from '../checkpoint/index.js';
import { expected, GanError, messageOf } from '../core/errors.js';
import type { State } from './engines/engine.js';
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
  /** Closes the logs and lets other processes train in the folder. */
  close(): Promise<void>;
}

/** Gives a run folder free again. */
type Unlock = () => Promise<void>;

const OPTIONS_FILE = 'options.json';

/** Whether an error of the file system says that there is no such file or folder. */
function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/**
 * Refuses a folder that is not free for a new run, before any work is done for it.
 *
 * @throws GanError `BAD_ARGUMENT` when it already holds something, `IO` when it cannot be looked into
 */
export async function expectNewFolder(path: string): Promise<void> {
  const present = await readdir(path).catch((cause: unknown): string[] => {
    if (isMissing(cause)) return [];
    throw ioError('train', `a folder, or a place for one, at ${path}`, cause);
  });
  if (present.length === 0) return;
  const remedy = present.includes(OPTIONS_FILE)
    ? `Go on with --resume ${path}, or choose another --out.`
    : 'Choose another --out.';
  throw expected('train', 'a new or empty output folder', path, remedy);
}

/** Makes the folder of a new run. @throws GanError as {@link expectNewFolder}, and `IO` when it cannot be made */
export async function createRun(path: string, options: TrainOptions): Promise<RunFolder> {
  await expectNewFolder(path);
  await makeFolder(path).catch((cause: unknown) => {
    throw ioError('train', `to make the folder ${path}`, cause);
  });
  const unlock = await lockRun(path);
  await writeOptions(path, options);
  return await openAtStart(path, options, unlock);
}

/** A run before its first step. */
async function openAtStart(path: string, options: TrainOptions, unlock: Unlock): Promise<RunFolder> {
  const progress: Progress = { steps: 0, imagesSeen: 0, window: { steps: 0, sums: {} }, statsBytes: 0 };
  return { path, options, progress, state: undefined, skipped: [], ...(await openLogs(path, 0, unlock)) };
}

async function writeOptions(path: string, options: TrainOptions): Promise<void> {
  await writeFileAtomically(join(path, OPTIONS_FILE), Buffer.from(`${JSON.stringify(options, null, 2)}\n`));
}

/** The options of a run folder. @throws GanError `BAD_ARGUMENT`, `BAD_CHECKPOINT` or `IO` when it is none */
export async function readOptions(path: string): Promise<TrainOptions> {
  const file = join(path, OPTIONS_FILE);
  if (!existsSync(file)) {
    const got = existsSync(path) ? 'a path without that file' : 'nothing there';
    const remedy = 'Name a folder that `ganx train` has written.';
    throw new GanError(
      'BAD_CHECKPOINT',
      path,
      `Expected a run folder with ${OPTIONS_FILE}, got \`${got}\`. ${remedy}`,
    );
  }
  const text = new TextDecoder().decode(await readWholeFile(file));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new GanError(
      'BAD_CHECKPOINT',
      file,
      `Expected JSON, got \`${messageOf(cause)}\`. Restore the file, or begin a new run.`,
      { cause },
    );
  }
  return parseOptions(value, file);
}

/**
 * Opens a run folder where its newest whole training state left it; at the start when it was stopped before its first.
 *
 * @param changes `images` is a new total, which options.json then holds; engine and device are for this time only
 * @throws GanError `BAD_CHECKPOINT` when every state is broken, or they are of another model, data or seed;
 *         `BAD_ARGUMENT` while another process trains there
 */
export async function reopenRun(
  path: string,
  changes: Partial<Pick<TrainOptions, 'images' | 'engine' | 'device'>>,
): Promise<RunFolder> {
  const stored = await readOptions(path);
  const options = { ...stored, ...changes };
  const unlock = await lockRun(path);
  try {
    return await reopenLocked(path, stored, options, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function reopenLocked(
  path: string,
  stored: TrainOptions,
  options: TrainOptions,
  unlock: Unlock,
): Promise<RunFolder> {
  await cleanRun(path);
  const hasState = (await readdir(path)).some((name) => name.startsWith('training-state-'));
  const found = hasState ? await latestState(path) : undefined;
  if (found) expectSameRun(found, options);
  if (options.images !== stored.images) await writeOptions(path, { ...stored, images: options.images });
  if (!found) return await openAtStart(path, options, unlock);
  const progress = structuredClone(found.checkpoint.progress) as unknown as Progress;
  const logs = await openLogs(path, progress.statsBytes, unlock);
  return {
    path,
    options,
    progress,
    state: found.checkpoint.tensors as State,
    skipped: found.skipped,
    ...logs,
  };
}

/** Refuses a training state that was saved under other options than those of options.json. */
function expectSameRun({ path, checkpoint }: FoundCheckpoint, options: TrainOptions): void {
  expectModel(checkpoint, options.model);
  const sameModel = isDeepStrictEqual(checkpoint.modelOptions, options.modelOptions);
  const sameData = checkpoint.dataDigest === options.data.digest;
  if (sameModel && sameData && checkpoint.seed === options.seed) return;
  const what = sameModel ? (sameData ? 'seed' : 'data') : 'model options';
  throw new GanError(
    'BAD_CHECKPOINT',
    path,
    `Expected a training state of the ${what} in ${OPTIONS_FILE}, got \`another\`. Restore ${OPTIONS_FILE} as it was.`,
  );
}

async function openLogs(
  path: string,
  statsBytes: number,
  unlock: Unlock,
): Promise<Pick<RunFolder, 'stats' | 'timing' | 'close'>> {
  const stats = await openStats(join(path, 'stats.jsonl'), statsBytes);
  const timing = await openStats(join(path, 'timing.jsonl'));
  const close = async (): Promise<void> => {
    await stats.close();
    await timing.close();
    await unlock();
  };
  return { stats, timing, close };
}
