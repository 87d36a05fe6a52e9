/**
 * What a libtensorflow is: a folder with the shared libraries and the headers of their C interface, made for this
 * machine. Finds its parts wherever it was unpacked; it unpacks and downloads nothing.
 * https://www.tensorflow.org/install/lang_c
 */
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { GanError } from '../core/errors.js';

/** The parts of a libtensorflow, as absolute paths. */
export interface Library {
  /** The folder of the libraries. */
  readonly folder: string;
  /** The libraries to link, the one with the C interface first. */
  readonly files: readonly string[];
  readonly headers: string;
}

/** `libtensorflow_cc` is the one in wheels, `libtensorflow` the one that TensorFlow publishes for C. */
const C_INTERFACE = ['libtensorflow_cc.so.2', 'libtensorflow.so.2', 'libtensorflow.so'];
const FRAMEWORK = ['libtensorflow_framework.so.2', 'libtensorflow_framework.so'];

/** `e_machine` in an ELF header, by Node's name of the processor. */
const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 };

function refuse(what: string, got: string, remedy: string): GanError {
  return new GanError('BAD_DATA', 'libtensorflow', `Expected ${what}, got \`${got}\`. ${remedy}`);
}

/** Refuses a library for another machine, and one that is cut off: to load that would end the process. */
async function checkElf(path: string): Promise<void> {
  const file = await open(path);
  try {
    const head = Buffer.alloc(64);
    await file.read(head, 0, head.length, 0);
    if (head.readUInt32BE(0) !== 0x7f454c46) throw refuse('an ELF library', path, 'Take the one for Linux.');
    const machine = head.readUInt16LE(18);
    if (machine !== MACHINES[process.arch]) {
      const known = Object.entries(MACHINES).find(([, number]) => number === machine)?.[0] ?? machine;
      throw refuse(`a library for ${process.arch}`, `one for ${known}: ${path}`, 'Take the one for here.');
    }
    // The table of sections is the last thing in the file: where it begins, and entries of so many bytes.
    const end = Number(head.readBigUInt64LE(40)) + head.readUInt16LE(58) * head.readUInt16LE(60);
    const { size } = await file.stat();
    if (size < end) throw refuse(`${end} bytes in ${path}`, `${size}`, 'It was cut off: fetch it again.');
  } finally {
    await file.close();
  }
}

/**
 * Finds the parts of a libtensorflow: `lib/` and `include/`, or as Python's `tensorflow` folder has them.
 *
 * @throws GanError `BAD_DATA` that names what is missing or wrong
 */
export async function findLibrary(root: string): Promise<Library> {
  const headers = join(root, 'include');
  const wanted = join('tensorflow', 'c', 'eager', 'c_api.h');
  const find = (names: readonly string[]): string | undefined =>
    [join(root, 'lib'), root]
      .flatMap((folder) => names.map((name) => join(folder, name)))
      .find((path) => existsSync(path));
  const main = find(C_INTERFACE);
  const remedy = 'Give a folder, .tar.gz or wheel that has all of libtensorflow 2 for Linux.';
  if (!main) throw refuse('libtensorflow.so or libtensorflow_cc.so.2', `none in ${root}`, remedy);
  if (!existsSync(join(headers, wanted))) throw refuse(join('include', wanted), `none in ${root}`, remedy);
  const framework = find(FRAMEWORK);
  const files = [main, ...(framework ? [framework] : [])];
  for (const path of files) await checkElf(path);
  return { folder: join(main, '..'), files, headers };
}
