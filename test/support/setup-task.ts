/** What the tests of the setup share: a task that touches nothing of the user's, and a look into folders. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Task } from '../../src/tensorflow/task.js';
import { makeFolder } from '../data-helpers.js';

/** The setup can get a libtensorflow itself only here. */
export const isLinux = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);

/** Hears nothing. */
export const nothing = (): void => {};

/** A task with a cache of its own, which goes away with the test. */
export async function makeTask(given: Partial<Task> = {}): Promise<Task> {
  const progress = { say: nothing, advance: nothing };
  const cache = join(await makeFolder(), 'cache');
  const fixed = { package: '@tensorflow/tfjs-node', gpu: false, again: false, showPrograms: false };
  return { ...fixed, cache, progress, signal: undefined, ...given };
}

/** Every file below a folder, by its path in there. */
export async function listFiles(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
