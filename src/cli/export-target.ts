/**
 * Where `ganx export` puts a generator: into a file, or into a model repository of NVIDIA Triton; either gets its name
 * when it is checked. It does not know how a generator is exported.
 */
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fillFileAtomically, readWholeFile } from '../checkpoint/index.js';
import { expected } from '../core/errors.js';
import { openGenerator } from '../load-generator.js';
import { formatBytes, printLine } from './print.js';
import { addToRepository } from './triton-repository.js';

/** The flags that say where. */
interface TargetFlags {
  readonly output?: string;
  readonly triton?: string;
  readonly name?: string;
  readonly replace?: boolean;
}

interface Target {
  readonly target: string;
  /** The command line that uses it. */
  readonly next: string;
  /** Hands out a temporary path and gives what was written there its name. */
  fill<T>(write: (temporary: string) => Promise<T>): Promise<T>;
}

/**
 * Where the file goes: a name of its own, or a place in a repository.
 *
 * @throws GanError `BAD_ARGUMENT` for flags that contradict each other
 */
export function chooseTarget(values: TargetFlags): Target {
  const { output, triton, name, replace = false } = values;
  if (triton === undefined) {
    if (name !== undefined || replace) throw expected('export', '--triton with --name or --replace', 'none');
    const path = output ?? 'generator.onnx';
    return {
      target: path,
      next: `ganx sample ${path} --count 64 --seed 7`,
      fill: (write) => fillFileAtomically(path, write),
    };
  }
  if (output !== undefined) throw expected('export', 'either --output or --triton', 'both');
  const place = { repository: triton, name: name ?? 'generator', replace };
  return {
    target: join(triton, place.name),
    next: `tritonserver --model-repository ${resolve(triton)}`,
    fill: (write) => addToRepository(place, write),
  };
}

/** A copy of a generator that is exported already, for a repository; it is proven by drawing its golden sample. */
export async function copyGenerator(path: string, values: TargetFlags): Promise<void> {
  const { triton, name: _, replace: __, ...exporting } = values;
  const other = Object.keys(exporting)[0];
  if (triton === undefined || other !== undefined) {
    const remedy = 'A generator.onnx is exported already: only --triton takes one.';
    throw expected('export', 'a run folder or a snapshot', path, remedy);
  }
  const { target, next, fill } = chooseTarget(values);
  const bytes = await readWholeFile(path);
  const generator = await openGenerator(bytes, {}, path);
  await generator.dispose();
  await fill((temporary) => writeFile(temporary, bytes));
  printLine(`${target}: ${generator.metadata.model}, ${formatBytes(bytes.length)}, a copy of ${path}`);
  printLine(`Next: ${next}`);
}
