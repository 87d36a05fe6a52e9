/**
 * Libraries that a bare machine with a GPU may lack although its driver is there: the Vulkan loader, what NVIDIA's
 * Vulkan driver is linked with, and the C++ library of Node. Found on this machine, or in Debian's package.
 */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../src/core/errors.js';
import { runTool } from '../../src/tensorflow/run-program.js';
import { listSystemLibraries } from './system-libraries.js';

export const LOADER = 'libvulkan.so.1';
/** Those that go along where this machine has them. */
const COMPANIONS = [
  'libX11.so.6',
  'libXext.so.6',
  'libxcb.so.1',
  'libXau.so.6',
  'libXdmcp.so.6',
  'libbsd.so.0',
  'libmd.so.0',
  'libEGL.so.1',
  'libGLdispatch.so.0',
  'libstdc++.so.6',
  'libgcc_s.so.1',
];

const FETCH = {
  name: 'apt-get',
  programs: [['apt-get']] as const,
  remedy: 'Install the Vulkan loader (libvulkan1) and pack again.',
};
const UNPACK = { name: 'dpkg', programs: [['dpkg']] as const, remedy: FETCH.remedy };

/** The loader out of Debian's package, unpacked under `folder`. @throws GanError `RUNTIME_UNAVAILABLE` */
async function fetchLoader(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await runTool(FETCH, ['download', 'libvulkan1'], { cwd: folder });
  const archive = readdirSync(folder).find((name) => name.endsWith('.deb')) ?? '';
  await runTool(UNPACK, ['-x', archive, 'unpacked'], { cwd: folder });
  const found = readdirSync(join(folder, 'unpacked'), { recursive: true, encoding: 'utf8' });
  const path = found.find((name) => name.endsWith(`/${LOADER}`)) ?? LOADER;
  return join(folder, 'unpacked', path);
}

/**
 * The files by their names.
 *
 * @param workplace a folder for what must be fetched
 * @returns `missing` says why the loader is not among them
 */
export async function findVulkanLibraries(
  workplace: string,
): Promise<{ readonly files: ReadonlyMap<string, string>; readonly missing?: string }> {
  const system = await listSystemLibraries();
  const files = new Map<string, string>();
  for (const name of [LOADER, ...COMPANIONS]) {
    const path = system.get(name);
    if (path !== undefined) files.set(name, path);
  }
  if (files.has(LOADER)) return { files };
  try {
    const path = await fetchLoader(join(workplace, 'libvulkan1'));
    if (existsSync(path)) return { files: files.set(LOADER, path) };
    return { files, missing: `${LOADER} is not in Debian's package.` };
  } catch (error) {
    return { files, missing: messageOf(error) };
  }
}
