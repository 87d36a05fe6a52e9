/**
 * Sets the native TensorFlow up, by the first way that works: prepared in the cache, copied to where ganx finds it,
 * proven there, and only then put in place. Running it again costs a moment. It prints nothing.
 */
import { cp } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GanError, messageOf } from '../core/errors.js';
import { explain } from './explain.js';
import { putInPlace, withTemporary } from './folders.js';
import { type NativeTensorflow, PACKAGES } from './load.js';
import { findCache, findHome } from './places.js';
import { proveTensorflow } from './prove.js';
import type { SetupProgress, Task } from './task.js';
import { NAMED_BY, preparedIn, WAYS, type Way } from './ways.js';

/** Options of {@link setUpTensorflow}. */
export interface SetupOptions {
  /** Wants the package and the library that can use a CUDA device. */
  readonly gpu?: boolean;
  /** Sets up anew even if it works, without what an earlier setup made; downloads are still used. */
  readonly again?: boolean;
  readonly progress: SetupProgress;
  /** Lets npm, pip and installers write to this process's stderr. */
  readonly showPrograms?: boolean;
  readonly signal?: AbortSignal;
}

/** How the native TensorFlow came to be here. */
export interface Setup {
  /** In words, after `by`; undefined when it worked already. */
  readonly way: string | undefined;
  readonly native: NativeTensorflow;
}

/** What works already; with `gpu`, only the package for it will do. */
async function proveHere(home: string, { gpu, package: wanted, signal }: Task): Promise<NativeTensorflow> {
  const found = await proveTensorflow(home, signal);
  if (!gpu || found.package === wanted) return found;
  throw new Error(`Expected ${wanted}, got \`${found.package}\`.`);
}

/** Copies a prepared folder to where ganx finds it, and puts it there once it has proven itself. */
async function install(prepared: string, home: string, task: Task): Promise<NativeTensorflow> {
  return await withTemporary(home, async (temporary) => {
    await cp(prepared, temporary, { recursive: true, verbatimSymlinks: true });
    task.progress.say('multiplying two matrices');
    const native = await proveTensorflow(temporary, task.signal);
    await putInPlace(temporary, home);
    return native;
  });
}

/** Finds out before anything is downloaded. */
async function expectWritable(home: string): Promise<void> {
  try {
    await withTemporary(home, async () => {});
  } catch (cause) {
    const message = `Expected to write to ${dirname(home)}, got \`${messageOf(cause)}\`. Run this as the user who installed it.`;
    throw new GanError('IO', 'setup', message, { cause });
  }
}

async function go(way: Way, home: string, task: Task): Promise<NativeTensorflow> {
  const place = preparedIn(task);
  return await withTemporary(place, async (prepared) => {
    await way.prepare(prepared, task);
    const native = await install(prepared, home, task);
    await putInPlace(prepared, place);
    return native;
  });
}

/**
 * Makes the native TensorFlow work. A way that fails is told to `progress` with its reason, and the next one is tried.
 *
 * @throws GanError `RUNTIME_UNAVAILABLE` with every reason when no way works; the signal's reason when it is aborted
 */
export async function setUpTensorflow(options: SetupOptions): Promise<Setup> {
  const { gpu = false, again = false, progress, signal, showPrograms = false } = options;
  const [withGpu, withoutGpu] = PACKAGES;
  const task: Task = {
    package: gpu ? withGpu : withoutGpu,
    gpu,
    again,
    cache: findCache(),
    progress,
    signal,
    showPrograms,
  };
  const home = findHome();
  const refuse = (name: string, error: unknown): string => {
    signal?.throwIfAborted();
    const reason = `${name}: ${explain(error)}`;
    progress.say(`not by ${reason}`);
    return reason;
  };

  if (!again) {
    try {
      return { way: undefined, native: await proveHere(home, task) };
    } catch (error) {
      refuse('what is here', error);
    }
  }
  await expectWritable(home);
  const reasons: string[] = [];
  for (const way of WAYS) {
    if (way.isOpen?.(task) === false) continue;
    try {
      return { way: way.description, native: await go(way, home, task) };
    } catch (error) {
      reasons.push(refuse(way.name, error));
    }
  }
  throw new GanError(
    'RUNTIME_UNAVAILABLE',
    'setup',
    `Expected a way to the native TensorFlow, got \`none that works\`. ${reasons.join(' ')} A libtensorflow that you have can be named in ${NAMED_BY}.`,
  );
}
