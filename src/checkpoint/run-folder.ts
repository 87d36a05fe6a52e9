/**
 * The checkpoints of a run folder: what they are called, which is the newest good one, which may go.
 * Knows nothing of training. Other files of the folder appear only by name, for the clean-up after a kill.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expected, GanError } from '../core/errors.js';
import { ioError } from './atomic-write.js';
import { loadCheckpoint } from './files.js';
import type { Checkpoint, FoundCheckpoint, SkippedFile } from './types.js';

type Kind = Checkpoint['kind'];

// Nine digits sort right in any file manager up to a billion images; beyond that our own listing still does.
const DIGITS = 9;

const CHECKPOINT_NAME = /^(snapshot|training-state)-(\d{9,})\.safetensors$/;

// The files of a run folder that are written atomically, with write-file-atomic's suffix (a 32-bit number).
const LEFTOVER_NAME =
  /^(?:(?:snapshot|training-state)-\d{9,}\.safetensors|(?:samples|fakes|reals)(?:-\d{9,})?\.png|options\.json|generator\.onnx)\.\d{1,10}$/;

function checkpointPath(run: string, kind: Kind, imagesSeen: number): string {
  if (!Number.isSafeInteger(imagesSeen) || imagesSeen < 0) {
    throw expected('run folder', 'a whole number of images', imagesSeen);
  }
  return join(run, `${kind}-${String(imagesSeen).padStart(DIGITS, '0')}.safetensors`);
}

/** Path of a snapshot: `<run>/snapshot-000300000.safetensors`. */
export function snapshotPath(run: string, imagesSeen: number): string {
  return checkpointPath(run, 'snapshot', imagesSeen);
}

/** Path of a training state: `<run>/training-state-000300000.safetensors`. */
export function statePath(run: string, imagesSeen: number): string {
  return checkpointPath(run, 'training-state', imagesSeen);
}

async function listNames(run: string): Promise<string[]> {
  try {
    return await readdir(run);
  } catch (error) {
    throw ioError('run folder', `to list the run folder ${run}`, error);
  }
}

/** Paths of a kind, newest (most images seen) first; not yet read. */
async function listCheckpoints(run: string, kind: Kind): Promise<string[]> {
  const found = (await listNames(run)).flatMap((name) => {
    const match = CHECKPOINT_NAME.exec(name);
    return match?.[1] === kind ? [{ name, imagesSeen: Number(match[2]) }] : [];
  });
  return found.sort((a, b) => b.imagesSeen - a.imagesSeen).map(({ name }) => join(run, name));
}

async function findLatest(run: string, kind: Kind): Promise<FoundCheckpoint> {
  const skipped: SkippedFile[] = [];
  for (const path of await listCheckpoints(run, kind)) {
    try {
      const checkpoint = await loadCheckpoint(path);
      if (checkpoint.kind === kind) return { path, checkpoint, skipped };
      skipped.push({ path, reason: `It is a ${checkpoint.kind}, whatever its name says.` });
    } catch (error) {
      if (!(error instanceof GanError)) throw error;
      skipped.push({ path, reason: error.message });
    }
  }
  const got = skipped.length === 0 ? 'none' : `${skipped.length} unusable: ${skipped[0]?.reason}`;
  const what = `a usable ${kind} in ${run}`;
  throw new GanError(
    'BAD_CHECKPOINT',
    'run folder',
    `Expected ${what}, got \`${got}\`. Name another run folder, or train a new one.`,
  );
}

/**
 * The newest training state that is whole; newer ones that are not are passed over and reported.
 *
 * @throws GanError `BAD_CHECKPOINT` when there is none, `IO` when the folder cannot be listed
 */
export function latestState(run: string): Promise<FoundCheckpoint> {
  return findLatest(run, 'training-state');
}

/** Paths of all snapshots, oldest first; not yet read. @throws GanError `IO` when the folder cannot be listed */
export async function listSnapshots(run: string): Promise<string[]> {
  return (await listCheckpoints(run, 'snapshot')).reverse();
}

/**
 * The newest snapshot that is whole; newer ones that are not are passed over and reported.
 *
 * @throws GanError `BAD_CHECKPOINT` when there is none, `IO` when the folder cannot be listed
 */
export function latestSnapshot(run: string): Promise<FoundCheckpoint> {
  return findLatest(run, 'snapshot');
}

/**
 * The snapshot that a user means: a snapshot's own file, or the latest one of a run folder.
 *
 * @throws GanError `IO` when there is nothing at that path, `BAD_CHECKPOINT` when it is not a usable snapshot
 */
export async function resolveSnapshot(pathOrRun: string): Promise<FoundCheckpoint> {
  const found = await stat(pathOrRun).catch((error: unknown) => {
    throw ioError('run folder', `a snapshot or a run folder at ${pathOrRun}`, error);
  });
  if (found.isDirectory()) return latestSnapshot(pathOrRun);
  const checkpoint = await loadCheckpoint(pathOrRun);
  if (checkpoint.kind === 'snapshot') return { path: pathOrRun, checkpoint, skipped: [] };
  throw new GanError(
    'BAD_CHECKPOINT',
    pathOrRun,
    `Expected a snapshot, got \`a ${checkpoint.kind}\`. Name a snapshot-*.safetensors file, or the run folder.`,
  );
}

async function removeFiles(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await rm(path, { force: true }).catch((error: unknown) => {
      throw ioError('run folder', `to remove ${path}`, error);
    });
  }
}

/**
 * Removes all but the newest `keep` training states. Call it after a save, when the newest is known to be good.
 *
 * @returns the paths that are gone
 * @throws GanError `BAD_ARGUMENT` for `keep` below 1, `IO` when a file cannot be removed
 */
export async function pruneStates(run: string, keep = 2): Promise<string[]> {
  if (!Number.isSafeInteger(keep) || keep < 1) throw expected('run folder', 'to keep at least 1 state', keep);
  const old = (await listCheckpoints(run, 'training-state')).slice(keep);
  await removeFiles(old);
  return old;
}

/**
 * Removes the temporary files that killed processes left behind, and nothing else.
 * Only for a run folder that no other process is writing to.
 *
 * @returns the paths that are gone
 * @throws GanError `IO` when the folder cannot be listed or a file not removed
 */
export async function cleanRun(run: string): Promise<string[]> {
  const leftovers = (await listNames(run)).filter((name) => LEFTOVER_NAME.test(name));
  const paths = leftovers.map((name) => join(run, name));
  await removeFiles(paths);
  return paths;
}
