/**
 * What to do about an engine, a runtime or a device that does not work: a sentence, and the commands to type.
 * Machines and reasons come in as data; nothing is tried here.
 */
import type { CudaProvider } from './cuda-provider.js';
import { type Machine, versioned } from './machine.js';

/** Advice, and commands that can be typed as they stand. */
export interface Remedy {
  readonly say: string;
  readonly commands: readonly string[];
}

/** What does not work here: a library on a device, and the reason that it gave. */
export interface Fault {
  /** `native` is TensorFlow's C++ library. */
  readonly library:
    | 'onnxruntime-node'
    | 'onnxruntime-web'
    | 'open-inference'
    | 'tfjs'
    | 'native'
    | 'chromium';
  readonly device: string;
  readonly reason: string;
}

function advise(say: string, ...commands: string[]): Remedy {
  return { say, commands };
}

/** CUDA's libraries by the names of NVIDIA's own package repository. */
const CUDA_12 = 'apt-get install cuda-libraries-12-9 libcudnn9-cuda-12';
const CUDA_13 = 'apt-get install cuda-libraries-13-0 libcudnn9-cuda-13';

/** What every library for CUDA needs beside itself, as the end of a sentence. */
function nameCudaNeeds({ nvidiaDriver }: Machine): string {
  const driver = nvidiaDriver
    ? ''
    : 'an NVIDIA GPU with its driver (in a container: docker run --gpus all), ';
  return `needs ${driver}CUDA and cuDNN 9 from NVIDIA's package repository.`;
}

function mendWebgpu({ platform, arch }: Machine): Remedy {
  if (platform !== 'linux') return advise('Update the graphics driver: WebGPU needs Metal or Direct3D 12.');
  if (arch !== 'x64') return advise(`onnxruntime-node has no WebGPU on Linux ${arch}; use --device cpu.`);
  return advise(
    "WebGPU needs a Vulkan driver: NVIDIA's own, Mesa's for AMD and Intel (first line), or, without a GPU, the software " +
      'driver of Chromium (the other lines).',
    'apt-get install libvulkan1 mesa-vulkan-drivers',
    'apt-get install libvulkan1 chromium',
    'export VK_DRIVER_FILES=$(dpkg -L chromium-common | grep swiftshader_icd)',
  );
}

function mendOnnxruntimeCuda(machine: Machine, provider: CudaProvider): Remedy {
  const { platform, arch } = machine;
  if (platform !== 'linux' || arch !== 'x64')
    return advise('onnxruntime-node has CUDA on Linux x64 only; --device webgpu needs no CUDA.');
  if (provider.present) {
    const missing = provider.missing.length > 0 ? `misses ${provider.missing.join(', ')}: it ` : '';
    const isFor13 = provider.missing.some((name) => name.endsWith('.so.13'));
    const libraries = isFor13 ? CUDA_13 : CUDA_12;
    return advise(`ONNX Runtime's CUDA library is there and ${missing}${nameCudaNeeds(machine)}`, libraries);
  }
  const install = `node ${provider.installer} --onnxruntime-node-install=cuda12`;
  const needs = nameCudaNeeds(machine);
  return advise(`ONNX Runtime's CUDA library comes apart from its package, and ${needs}`, install, CUDA_12);
}

/** What a system itself brings. */
const OF_SYSTEM: Readonly<Record<string, Remedy>> = {
  coreml: advise('Core ML comes with macOS: update it, or use --device webgpu.'),
  dml: advise('DirectML needs Direct3D 12: update the graphics driver, or use --device webgpu.'),
};

function mendBrowser({ platform }: Machine): Remedy {
  const say = '`ganx parity --all` compares pages in Chromium or Chrome';
  const named = 'where it lies elsewhere, let GANX_CHROMIUM name its program';
  if (platform === 'linux') return advise(`${say}; ${named}.`, 'apt-get install chromium');
  return advise(`${say}: install one; ${named}.`);
}

function mendNativeCuda(machine: Machine): Remedy {
  if (machine.platform === 'darwin') return advise('There is no CUDA on macOS; use --engine onnxruntime.');
  const setup = 'npx ganx setup tensorflow --gpu';
  return advise(`TensorFlow for CUDA is a build of its own, and ${nameCudaNeeds(machine)}`, setup, CUDA_12);
}

/** What mends a fault on a machine; undefined when nothing is known to. */
export function findRemedy(fault: Fault, machine: Machine, provider: CudaProvider): Remedy | undefined {
  const { library, device, reason } = fault;
  const absent = /^Not installed: ([^,\s]+)\.$/.exec(reason)?.[1];
  if (absent) return advise('The package is not installed.', `npm install ${versioned(absent)}`);
  const isNative = library === 'onnxruntime-node' || library === 'native';
  if (isNative && machine.libc === 'musl') {
    const other = library === 'native' ? '--engine tfjs' : '--runtime onnxruntime-web';
    return advise(
      `It is built for glibc, and this system has musl: take an image of Debian instead of Alpine, or ${other}.`,
      'docker run -it node:22-slim',
    );
  }
  if (library === 'native') {
    if (device === 'cuda') return mendNativeCuda(machine);
    return advise('It is set up by the first way that works here.', 'npx ganx setup tensorflow');
  }
  if (library === 'chromium') return mendBrowser(machine);
  // What a server misses is known there, and the reason tells it.
  if (library === 'open-inference') return undefined;
  if (OF_SYSTEM[device]) return OF_SYSTEM[device];
  if (device === 'webgpu') return mendWebgpu(machine);
  if (device === 'cuda') return mendOnnxruntimeCuda(machine, provider);
  if (library === 'onnxruntime-node') {
    return advise('Its package is broken: install it again.', `npm install ${versioned(library)}`);
  }
  return undefined;
}
