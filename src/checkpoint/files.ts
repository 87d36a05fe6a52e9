/**
 * One checkpoint to and from one file. The bytes are format.ts's business, the names run-folder.ts's.
 */
import { readWholeFile, writeFileAtomically } from './atomic-write.js';
import { decodeCheckpoint, encodeCheckpoint } from './format.js';
import type { Checkpoint } from './types.js';

/**
 * Saves a checkpoint; the file at `path` is replaced as a whole or not at all.
 *
 * @throws GanError `IO` when it cannot be written, `BAD_ARGUMENT` when it could not be read back
 */
export async function saveCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  await writeFileAtomically(path, encodeCheckpoint(checkpoint));
}

/**
 * Loads a checkpoint and checks all of it.
 *
 * @throws GanError `IO` when it cannot be read, `BAD_CHECKPOINT` when it is not what was saved
 */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  return decodeCheckpoint(await readWholeFile(path), path, 'views');
}
