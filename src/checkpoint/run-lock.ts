/**
 * Keeps two processes from writing to one run folder: whoever trains in it leaves its process number there. A lock of a
 * process that is no more, or of another machine's, is taken over; nothing is lost when one is killed.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { GanError } from '../core/errors.js';
import { ioError } from './atomic-write.js';

const LOCK_FILE = 'run.lock';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, under another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** The living process that holds a lock; undefined where there is none. */
async function findHolder(path: string): Promise<number | undefined> {
  const [pid, host] = (await readFile(path, 'utf8').catch(() => '')).trim().split(' ');
  const holder = Number(pid);
  const isOther = Number.isSafeInteger(holder) && holder > 0 && holder !== process.pid;
  return isOther && host === hostname() && isAlive(holder) ? holder : undefined;
}

/**
 * Locks a run folder for this process.
 *
 * @returns what gives it free again; a second call does nothing
 * @throws GanError `BAD_ARGUMENT` while another process trains there, `IO` when the lock cannot be written
 */
export async function lockRun(run: string): Promise<() => Promise<void>> {
  const path = join(run, LOCK_FILE);
  const holder = await findHolder(path);
  if (holder !== undefined) {
    const remedy = `Wait for it, or stop it. If it is something else, remove ${path}.`;
    const message = `Expected a run folder that nobody trains in, got \`process ${holder} at work\`. ${remedy}`;
    throw new GanError('BAD_ARGUMENT', run, message);
  }
  await writeFile(path, `${process.pid} ${hostname()}\n`).catch((cause: unknown) => {
    throw ioError('train', `to write ${path}`, cause);
  });
  return () => rm(path, { force: true });
}
