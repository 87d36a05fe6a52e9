/**
 * The ways to a native TensorFlow in the order in which they are tried, as data. Each fills an empty folder with the
 * package, its addon and a link to libtensorflow; whether that works is proven elsewhere.
 */
import { existsSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { openNamed, openWheel } from './fetch-library.js';
import { buildAddon, expectCompiler, fetchPackage, runOwnInstaller } from './native-package.js';
import { TFJS_VERSION } from './places.js';
import type { Task } from './task.js';

/** One way. */
export interface Way {
  readonly name: string;
  /** In words, after `by`. */
  readonly description: string;
  /** False when there is nothing to try. */
  readonly isOpen?: (task: Task) => boolean;
  /** Fills `home`; throws when that fails, for whatever reason. */
  readonly prepare: (home: string, task: Task) => Promise<void>;
}

/** The environment variable that names a libtensorflow. */
export const NAMED_BY = 'GANX_LIBTENSORFLOW';

/** Where an earlier setup on this machine left what it made. */
export function preparedIn({ cache, package: name }: Task): string {
  return join(cache, 'tfjs-node', `${basename(name)}-${TFJS_VERSION}-${process.platform}-${process.arch}`);
}

/** All of them. What somebody names is tried before anything is downloaded. */
export const WAYS: readonly Way[] = [
  {
    name: 'named',
    description: `the libtensorflow that ${NAMED_BY} names`,
    isOpen: () => !!process.env[NAMED_BY],
    async prepare(home, task) {
      await expectCompiler(task);
      const library = await openNamed(process.env[NAMED_BY] ?? '', task);
      await fetchPackage(home, task);
      await buildAddon(home, library, task);
    },
  },
  {
    name: 'cache',
    description: 'what an earlier setup on this machine left in the cache',
    isOpen: (task) => !task.again && existsSync(preparedIn(task)),
    async prepare(home, task) {
      await cp(preparedIn(task), home, { recursive: true, verbatimSymlinks: true });
    },
  },
  {
    name: 'installer',
    description: "the package's own installer",
    async prepare(home, task) {
      await fetchPackage(home, task);
      await runOwnInstaller(home, task);
    },
  },
  {
    name: 'wheel',
    description: "the libtensorflow in TensorFlow's wheel, and an addon compiled for it",
    async prepare(home, task) {
      await expectCompiler(task);
      const library = await openWheel(task);
      await fetchPackage(home, task);
      await buildAddon(home, library, task);
    },
  },
];
