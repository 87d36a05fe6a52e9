/**
 * The checkpoint room: plain data to and from disk. It knows no tfjs and no model.
 */
export { fillFileAtomically, ioError, readWholeFile, writeFileAtomically } from './atomic-write.js';
export { loadCheckpoint, saveCheckpoint } from './files.js';
export { CHECKPOINT_VERSION, decodeCheckpoint, encodeCheckpoint, expectModel } from './format.js';
export { makeFolder } from './make-folder.js';
export {
  cleanRun,
  latestSnapshot,
  latestState,
  listSnapshots,
  pruneStates,
  resolveSnapshot,
  snapshotPath,
  statePath,
} from './run-folder.js';
export { lockRun } from './run-lock.js';
export { openStats, StatsLog } from './stats-log.js';
export type { Checkpoint, FoundCheckpoint, SkippedFile } from './types.js';
