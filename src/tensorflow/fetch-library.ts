/**
 * Gets a libtensorflow into the cache: the one that the user names (a folder, an archive or a URL), or the one in the
 * wheel that pip downloads. Each is unpacked once, under a name of its own that never changes its content.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { expected, GanError, messageOf } from '../core/errors.js';
import { putInPlace, withTemporary } from './folders.js';
import { findLibrary, type Library } from './library.js';
import { type RunOptions, runTool, type Tool } from './run-program.js';
import type { Task } from './task.js';
import { unpackWheel } from './unpack-wheel.js';

/** The newest TensorFlow whose library writes nothing to stderr while it is loaded. */
const WHEEL_VERSION = '2.20.0';

/** Wheels by processor: without CUDA, and with it. TensorFlow makes no other ones for Linux. */
const WHEELS: Readonly<
  Record<string, { readonly cpu: string; readonly gpu?: string; readonly tag: string }>
> = {
  x64: { cpu: 'tensorflow-cpu', gpu: 'tensorflow', tag: 'manylinux2014_x86_64' },
  arm64: { cpu: 'tensorflow', tag: 'manylinux2014_aarch64' },
};

const PIP: Tool = {
  name: 'pip',
  programs: [['pip3'], ['pip'], ['python3', '-m', 'pip'], ['python', '-m', 'pip']],
  remedy:
    'Install it (`apt-get install python3-pip`), or fetch the wheel elsewhere and name it in GANX_LIBTENSORFLOW.',
};
const TAR: Tool = {
  name: 'tar',
  programs: [['tar']],
  remedy: 'Install it (`apt-get install tar gzip`), or unpack the archive and name the folder.',
};

/** Libraries are made for Linux here; elsewhere only TensorFlow.js's own installer can help. */
export function expectLinux(): void {
  if (process.platform === 'linux' && process.arch in WHEELS) return;
  throw new GanError(
    'RUNTIME_UNAVAILABLE',
    'setup',
    `Expected Linux on ${Object.keys(WHEELS).join(' or ')}, got \`${process.platform} on ${process.arch}\`. Here only the package's own installer can help.`,
  );
}

/** The library of this name in the cache; `fill` makes it where it is not there yet. */
async function keep(
  name: string,
  { cache }: Task,
  fill: (folder: string, around: string) => Promise<void>,
): Promise<Library> {
  const place = join(cache, 'libtensorflow', name);
  const find = async (): Promise<Library | undefined> => await findLibrary(place).catch(() => undefined);
  const found = await find();
  if (found) return found;
  await withTemporary(place, async (folder, around) => {
    await fill(folder, around);
    await findLibrary(folder);
    // Another process may have been faster, and may be using what it made.
    if (!(await find())) await putInPlace(folder, place);
  });
  return await findLibrary(place);
}

async function unpack(archive: string, folder: string, task: Task): Promise<void> {
  const { progress, signal } = task;
  progress.say(`unpacking ${basename(archive)}`);
  if (archive.endsWith('.whl')) {
    await unpackWheel(archive, folder, progress.advance, signal);
    return;
  }
  await runTool(TAR, ['-xzf', archive, '-C', folder, '--no-same-owner'], { signal });
}

const ARCHIVE = /\.(?:whl|tar\.gz|tgz)$/;

function expectArchive(name: string): void {
  if (ARCHIVE.test(name)) return;
  throw expected('GANX_LIBTENSORFLOW', 'a folder, or a file whose name ends in .whl, .tar.gz or .tgz', name);
}

/** @throws GanError `IO` when it is not to be had whole */
async function download(url: URL, path: string, { progress, signal }: Task): Promise<void> {
  progress.say(`downloading ${basename(path)} from ${url.host}`);
  try {
    const response = await fetch(url, signal ? { signal } : {});
    if (!response.ok || !response.body) throw new Error(`HTTP status ${response.status}`);
    const total = Number(response.headers.get('content-length')) || undefined;
    let done = 0;
    const count = async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        done += chunk.length;
        progress.advance(done, total);
        yield chunk;
      }
    };
    await pipeline(
      Readable.fromWeb(response.body as ReadableStream<Uint8Array>),
      count,
      createWriteStream(path),
      signal ? { signal } : {},
    );
  } catch (error) {
    signal?.throwIfAborted();
    const reason = messageOf(error instanceof Error && error.cause ? error.cause : error);
    const remedy = 'Fetch the file by other means and name its path in GANX_LIBTENSORFLOW.';
    throw new GanError('IO', 'setup', `Expected to download ${url.href}, got \`${reason}\`. ${remedy}`, {
      cause: error,
    });
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex').slice(0, 16);
}

/**
 * The libtensorflow that the user names: a folder is used where it is, anything else is unpacked into the cache.
 *
 * @param named a path or an http(s) URL
 * @throws GanError `BAD_ARGUMENT`, `BAD_DATA` or `IO`
 */
export async function openNamed(named: string, task: Task): Promise<Library> {
  expectLinux();
  if (/^https?:\/\//.test(named)) {
    const url = new URL(named);
    const name = basename(url.pathname);
    expectArchive(name);
    const key = createHash('sha256').update(url.href).digest('hex').slice(0, 16);
    return await keep(`url-${key}`, task, async (folder, around) => {
      const archive = join(around, name);
      await download(url, archive, task);
      await unpack(archive, folder, task);
    });
  }
  const path = resolve(named);
  const found = await stat(path).catch(() => undefined);
  if (!found)
    throw expected('GANX_LIBTENSORFLOW', 'a folder, an archive or a URL', named, 'It is not there.');
  if (found.isDirectory()) return await findLibrary(path);
  expectArchive(path);
  return await keep(`file-${await hashFile(path)}`, task, (folder) => unpack(path, folder, task));
}

/** For which Python wheels are downloaded; its tags need not be those of this machine. */
export interface WheelTarget {
  /** `3.11`. */
  readonly python: string;
  /** `manylinux2014_x86_64`. */
  readonly tags: readonly string[];
}

/**
 * Downloads wheels with pip, whichever Python runs it.
 *
 * @param requirements `name==version`, each without what it depends on
 * @returns their paths
 * @throws GanError `RUNTIME_UNAVAILABLE` without pip, or when it fails
 */
export async function downloadWheels(
  requirements: readonly string[],
  { python, tags }: WheelTarget,
  folder: string,
  options: RunOptions,
): Promise<string[]> {
  const arguments_ = [
    'download',
    ...['--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--no-input'],
    ...tags.flatMap((tag) => ['--platform', tag]),
    ...['--python-version', python, '--implementation', 'cp', '--abi', `cp${python.replace('.', '')}`],
    ...['--dest', folder],
    ...requirements,
  ];
  await runTool(PIP, arguments_, options);
  const wheels = (await readdir(folder)).filter((file) => file.endsWith('.whl'));
  if (wheels.length < requirements.length) throw new Error('pip left no wheel');
  return wheels.map((wheel) => join(folder, wheel));
}

/**
 * The libtensorflow in TensorFlow's wheel, which pip downloads for any Python, whichever one runs pip.
 *
 * @throws GanError `RUNTIME_UNAVAILABLE` without pip, or when it fails; `BAD_DATA` for a damaged wheel
 */
export async function openWheel(task: Task): Promise<Library> {
  expectLinux();
  const { cpu, gpu, tag } = WHEELS[process.arch]!;
  const wheel = task.gpu ? gpu : cpu;
  if (!wheel) throw expected('setup', '--gpu on x64', process.arch, 'There is no wheel with CUDA for it.');
  const name = `${wheel}-${WHEEL_VERSION}-linux-${process.arch}`;
  return await keep(name, task, async (folder, around) => {
    task.progress.say(`downloading the wheel of ${wheel} ${WHEEL_VERSION} with pip`);
    const [downloaded] = await downloadWheels(
      [`${wheel}==${WHEEL_VERSION}`],
      { python: '3.11', tags: [tag] },
      around,
      { signal: task.signal, show: task.showPrograms },
    );
    await unpack(downloaded!, folder, task);
  });
}

/** Moves a libtensorflow that an installer left in a package into the cache. @returns the folder it now is in */
export async function adoptLibrary(from: string, name: string, task: Task): Promise<string> {
  const place = join(task.cache, 'libtensorflow', name);
  await withTemporary(place, async (_, around) => {
    const moved = join(around, 'moved');
    await rename(from, moved);
    await putInPlace(moved, place);
  });
  return place;
}
