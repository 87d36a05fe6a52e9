/**
 * ONNX Runtime's CUDA provider and, where they are wanted, CUDA's own libraries. The provider is the one that
 * onnxruntime-node's installer left, else the one inside the official wheel of the same version; CUDA's libraries come
 * from NVIDIA's wheels. Linux x64 only. https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expected, GanError } from '../../src/core/errors.js';
import { downloadWheels } from '../../src/tensorflow/fetch-library.js';
import { putInPlace, withTemporary } from '../../src/tensorflow/folders.js';
import { findCache } from '../../src/tensorflow/places.js';
import { type Selection, unpackWheel } from '../../src/tensorflow/unpack-wheel.js';

const PROVIDER = 'libonnxruntime_providers_cuda.so';
const FILES = [PROVIDER, 'libonnxruntime_providers_shared.so'];
/** Wheels of these are made for Linux x64. */
const TARGET = {
  python: '3.12',
  tags: [27, 28, 17].map((minor) => `manylinux_2_${minor}_x86_64`).concat('manylinux2014_x86_64'),
};

/** The wheels with the libraries that the provider loads, by CUDA's major version; early ones ask least of a driver. */
const CUDA_WHEELS: Readonly<Record<string, readonly string[]>> = {
  12: [
    'nvidia-cuda-runtime-cu12',
    'nvidia-cublas-cu12',
    'nvidia-cufft-cu12',
    'nvidia-curand-cu12',
    'nvidia-cuda-nvrtc-cu12',
    'nvidia-cudnn-cu12>=9',
  ],
  13: [
    'nvidia-cuda-runtime==13.0.*',
    'nvidia-cublas==13.0.*',
    'nvidia-cufft==12.0.*',
    'nvidia-curand==10.4.0.*',
    'nvidia-cuda-nvrtc==13.0.*',
    'nvidia-cudnn-cu13>=9',
  ],
};

/** Files by their names, and what there is to say of them. */
export interface Found {
  readonly files: ReadonlyMap<string, string>;
  readonly note: string;
}

/** Told what takes long. */
type Tell = (what: string) => void;

function selectLibraries(what: string, isWanted: (name: string) => boolean): Selection {
  const placeOf = (name: string): string | undefined =>
    isWanted(name) ? `lib/${basename(name)}` : undefined;
  return { what, remedy: 'Take the one for Linux x64.', placeOf };
}

/** The libraries of some wheels, downloaded once for every project of the user. */
async function keepWheels(
  key: string,
  requirements: readonly string[],
  selection: Selection,
  tell: Tell,
): Promise<Map<string, string>> {
  const place = join(findCache(), 'check-gpu', key);
  if (!existsSync(place)) {
    await withTemporary(place, async (fresh, around) => {
      tell(`downloading with pip: ${requirements.join(', ')}`);
      for (const wheel of await downloadWheels(requirements, TARGET, around, { show: process.stderr.isTTY }))
        await unpackWheel(wheel, fresh, () => undefined, undefined, selection);
      await putInPlace(fresh, place);
    });
  }
  return listFiles(join(place, 'lib'), () => true);
}

function listFiles(folder: string, isWanted: (name: string) => boolean): Map<string, string> {
  return new Map(
    readdirSync(folder)
      .filter(isWanted)
      .map((name) => [name, join(folder, name)]),
  );
}

function expectLinuxX64(): void {
  const here = `${process.platform}-${process.arch}`;
  if (here === 'linux-x64') return;
  const message = `Expected linux-x64, got \`${here}\`. ONNX Runtime has CUDA for Node there only.`;
  throw new GanError('RUNTIME_UNAVAILABLE', 'check:gpu', message);
}

/** The provider and what it is linked through. @throws GanError `RUNTIME_UNAVAILABLE` when it is not to be had */
export async function findProvider(tell: Tell): Promise<Found> {
  expectLinuxX64();
  const manifest = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  const installed = join(dirname(manifest), 'bin', 'napi-v6', process.platform, process.arch);
  const isOurs = (name: string): boolean => FILES.includes(name);
  if (existsSync(join(installed, PROVIDER)))
    return { files: listFiles(installed, isOurs), note: 'the provider that is installed here' };
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const wheel = `onnxruntime-gpu==${version}`;
  const selection = selectLibraries('the CUDA provider', (name) => isOurs(basename(name)));
  const files = await keepWheels(wheel.replace('==', '-'), [wheel], selection, tell);
  return { files, note: `the provider of the wheel ${wheel}` };
}

/** CUDA's major version for which a provider was built. */
async function findMajor(provider: string): Promise<string> {
  const { stdout } = await promisify(execFile)('ldd', [provider]);
  return /libcudart\.so\.(\d+)/.exec(stdout)?.[1] ?? '';
}

/** What CUDA libraries a machine must have, as a sentence. */
export async function nameNeeds({ files }: Found): Promise<string> {
  return `needs CUDA ${await findMajor(files.get(PROVIDER)!)} and cuDNN 9 there (those of a PyTorch will do), or the part cuda-libraries`;
}

/** CUDA's own libraries for a provider, over a gigabyte. @throws GanError when they are not to be had */
export async function findCudaLibraries(provider: Found, tell: Tell): Promise<Found> {
  const major = await findMajor(provider.files.get(PROVIDER)!);
  const wheels = CUDA_WHEELS[major];
  if (!wheels) throw expected('check:gpu', `CUDA ${Object.keys(CUDA_WHEELS).join(' or ')}`, major);
  const isLibrary = (name: string): boolean => /\.so(?:\.\d+)*$/.test(name) && !/\.alt\.so/.test(name);
  const selection = selectLibraries('libraries', isLibrary);
  const files = await keepWheels(`cuda-${major}`, wheels, selection, tell);
  return { files, note: wheels.join(', ') };
}
