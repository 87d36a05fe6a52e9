/**
 * What a bare machine needs, in parts: `webgpu` (Node, ganx as it is built here, the packages that it needs, the Vulkan
 * loader), `cuda` (ONNX Runtime's CUDA provider) and `cuda-libraries` (CUDA itself, for a machine that has none).
 * A part is a folder of links to files of this machine, which pieces.ts packs.
 */
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findCudaLibraries, findProvider, nameNeeds } from './cuda-libraries.js';
import { listModuleFiles } from './node-modules.js';
import { findVulkanLibraries, LOADER } from './vulkan-libraries.js';

/** Where the parts are made, and what is told meanwhile. */
export interface PartContext {
  /** Folder of the project, with `dist` built. */
  readonly root: string;
  /** A folder for what must be fetched. */
  readonly workplace: string;
  readonly tell: (what: string) => void;
}

/** What a part holds. */
export interface Content {
  /** Where a file or folder goes in the tree on the other machine, and where it lies here. */
  readonly files: ReadonlyMap<string, string>;
  /** What is in it, and what it needs. */
  readonly notes: readonly string[];
}

/** Libraries that are used only where the machine has none of that name; run-there.sh sees to it. */
const LIBRARIES = 'libraries';
const CUDA_LIBRARIES = 'cuda-libraries';
/** Beside the library that loads it. */
const PROVIDER_FOLDER = `node_modules/onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}`;

function placeIn(folder: string, files: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...files].map(([name, path]) => [`${folder}/${name}`, path]));
}

async function collectWebgpu({ root, workplace }: PartContext): Promise<Content> {
  const files = new Map([['node', process.execPath]]);
  for (const path of ['package.json', 'dist', 'bench/peers']) files.set(path, join(root, path));
  for (const path of listModuleFiles(root)) files.set(path, join(root, path));
  const { files: libraries, missing } = await findVulkanLibraries(workplace);
  for (const [place, path] of placeIn(LIBRARIES, libraries)) files.set(place, path);
  const names = [...libraries.keys()].join(', ');
  return {
    files,
    notes: [
      `Node ${process.version}, ganx as built, its packages`,
      `for a machine that lacks them: ${names}`,
      ...(missing === undefined ? [] : [`SKIP ${LOADER}: ${missing}`]),
    ],
  };
}

async function collectCuda({ tell }: PartContext): Promise<Content> {
  const provider = await findProvider(tell);
  return {
    files: placeIn(PROVIDER_FOLDER, provider.files),
    notes: [provider.note, await nameNeeds(provider)],
  };
}

async function collectCudaLibraries({ tell }: PartContext): Promise<Content> {
  const { files, note } = await findCudaLibraries(await findProvider(tell), tell);
  return { files: placeIn(CUDA_LIBRARIES, files), notes: [note] };
}

/** The parts by name; the first is needed by all others. */
export const PARTS: Readonly<Record<string, (context: PartContext) => Promise<Content>>> = {
  webgpu: collectWebgpu,
  cuda: collectCuda,
  'cuda-libraries': collectCudaLibraries,
};

/** Lays a part's files out under `folder`, as links. */
export async function layOut({ files }: Content, folder: string): Promise<void> {
  for (const [place, path] of files) {
    const link = join(folder, place);
    await mkdir(dirname(link), { recursive: true });
    await symlink(path, link);
  }
}
