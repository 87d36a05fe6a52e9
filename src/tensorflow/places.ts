/**
 * Where the native TensorFlow lies. The npm package with its addon: in a private folder inside the `node_modules` that
 * holds ganx's own TensorFlow.js, so that both share one copy of it, no package manager prunes it, and the user's list
 * of dependencies stays as it is. What is large or slow to make: in a cache of the user, for every project to share.
 */
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** Name of the private folder. A package manager leaves names with a dot alone, except when it empties everything. */
const PRIVATE_FOLDER = '.ganx';

/** The version of TensorFlow.js on which ganx runs; the native package must be of the same. */
export const TFJS_VERSION = '4.22.0';

/** The folder for the native package; it need not exist. @throws the system's own error when tfjs is not installed */
export function findHome(): string {
  const tfjs = createRequire(import.meta.url).resolve('@tensorflow/tfjs/package.json');
  return join(dirname(dirname(dirname(tfjs))), PRIVATE_FOLDER);
}

/** What decides where the cache is. */
interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly userFolder: string;
}

/** The cache: `GANX_CACHE`, else the place that the platform has for such files. */
export function findCache(
  { env, platform, userFolder }: Machine = {
    env: process.env,
    platform: process.platform,
    userFolder: homedir(),
  },
): string {
  // Links point into it, so it must mean the same from everywhere.
  if (env.GANX_CACHE) return resolve(env.GANX_CACHE);
  if (platform === 'win32') {
    return join(env.LOCALAPPDATA || join(userFolder, 'AppData', 'Local'), 'ganx', 'Cache');
  }
  if (platform === 'darwin') return join(userFolder, 'Library', 'Caches', 'ganx');
  return join(env.XDG_CACHE_HOME || join(userFolder, '.cache'), 'ganx');
}
