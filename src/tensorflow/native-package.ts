/**
 * The npm package with the binding between TensorFlow.js and libtensorflow: fetched with npm, and its addon got by the
 * package's own installer or compiled from the C++ that it ships. The addon speaks Node-API, so one serves every Node.
 * https://nodejs.org/api/n-api.html
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { explain } from './explain.js';
import { adoptLibrary, expectLinux } from './fetch-library.js';
import { findLibrary, type Library } from './library.js';
import { hasAddon } from './load.js';
import { TFJS_VERSION } from './places.js';
import { type Program, runTool, type Tool } from './run-program.js';
import type { Task } from './task.js';

/** Node-API's headers, apart from any Node. */
const HEADERS = 'node-api-headers';
const HEADERS_VERSION = '1.9.0';
/** The newest Node-API that the package knows; Node 20 and newer have it. */
const NODE_API = 8;

const NPM: Tool = { name: 'npm', programs: [['npm']], remedy: 'Install Node.js with npm.' };
const INSTALLER: Tool = {
  name: "the package's installer",
  programs: [[process.execPath]],
  remedy: 'Install Node.js.',
};

/** The package inside the folder that {@link fetchPackage} filled. */
function folderOf(home: string, name: string): string {
  return join(home, 'node_modules', ...name.split('/'));
}

/** Fills an empty folder with the package and what it needs, without TensorFlow.js and without running any script. */
export async function fetchPackage(home: string, task: Task): Promise<void> {
  task.progress.say(`fetching ${task.package} ${TFJS_VERSION} with npm`);
  const manifest = {
    private: true,
    dependencies: { [task.package]: TFJS_VERSION, [HEADERS]: HEADERS_VERSION },
    // The package must use the TensorFlow.js around this folder, so none is fetched: something small stands for it.
    overrides: { '@tensorflow/tfjs': `npm:${HEADERS}@${HEADERS_VERSION}` },
  };
  await writeFile(join(home, 'package.json'), JSON.stringify(manifest, null, 2));
  // A registry that the project has chosen holds here too.
  const settings = join(home, '.npmrc');
  if (existsSync('.npmrc')) await copyFile('.npmrc', settings);
  const arguments_ = ['install', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'];
  await runTool(NPM, arguments_, { cwd: home, signal: task.signal });
  await rm(settings, { force: true });
  await rm(folderOf(home, '@tensorflow/tfjs'), { recursive: true, force: true });
}

/**
 * Runs the package's own installer, which downloads libtensorflow and, where there is one, a ready addon. Where it got
 * only the first of them, the addon is compiled.
 */
export async function runOwnInstaller(home: string, task: Task): Promise<void> {
  const folder = folderOf(home, task.package);
  const downloaded = join(folder, 'deps');
  task.progress.say(`running the installer of ${task.package}, which downloads TensorFlow`);
  try {
    const tools = join(home, 'node_modules', '.bin');
    await runTool(INSTALLER, [join('scripts', 'install.js'), ...(task.gpu ? ['gpu', 'download'] : [])], {
      cwd: folder,
      env: { ...process.env, PATH: `${tools}${delimiter}${process.env.PATH}` },
      signal: task.signal,
      show: task.showPrograms,
    });
  } catch (error) {
    task.signal?.throwIfAborted();
    if (!(await findLibrary(downloaded).catch(() => undefined))) throw error;
    task.progress.say(`it left no addon: ${explain(error)}`);
  }
  // On Windows the addon needs the library beside it.
  if (process.platform === 'win32') return;
  const name = `installer-${task.gpu ? 'gpu' : 'cpu'}-${TFJS_VERSION}-${process.platform}-${process.arch}`;
  const kept = await adoptLibrary(downloaded, name, task);
  if (hasAddon(folder)) await linkLibrary(folder, join(kept, 'lib'));
  else await buildAddon(home, await findLibrary(kept), task);
}

/** The addon looks for its library in `deps/lib` of the package. */
async function linkLibrary(folder: string, library: string): Promise<void> {
  await mkdir(join(folder, 'deps'), { recursive: true });
  await symlink(library, join(folder, 'deps', 'lib'), 'dir');
}

/** CXX may hold arguments too, as make understands it. */
function findCompiler(): Tool {
  const [named, ...arguments_] = (process.env.CXX ?? '').split(' ').filter((word) => word !== '');
  const usual: readonly Program[] = [['g++'], ['c++'], ['clang++']];
  return {
    name: 'a C++ compiler',
    programs: named ? [[named, ...arguments_]] : usual,
    remedy: 'Install one (`apt-get install g++`), or name it in CXX.',
  };
}

/** Finds out before anything large is downloaded. @throws GanError `RUNTIME_UNAVAILABLE` */
export async function expectCompiler({ signal }: Task): Promise<void> {
  await runTool(findCompiler(), ['--version'], { signal });
}

/** Compiles the addon from the package's own C++ against a libtensorflow, which stays where it is. */
export async function buildAddon(home: string, library: Library, task: Task): Promise<void> {
  expectLinux();
  task.progress.say('compiling the addon');
  const folder = folderOf(home, task.package);
  await linkLibrary(folder, library.folder);
  const target = join('lib', `napi-v${NODE_API}`);
  await mkdir(join(folder, target), { recursive: true });
  await runTool(
    findCompiler(),
    [
      ...['-std=c++17', '-O2', '-fPIC', '-shared', '-w'],
      ...[`-DNAPI_VERSION=${NODE_API}`, '-DNODE_GYP_MODULE_NAME=tfjs_binding'],
      ...['-I', library.headers, '-I', join(home, 'node_modules', HEADERS, 'include')],
      ...[join('binding', 'tfjs_backend.cc'), join('binding', 'tfjs_binding.cc')],
      ...['-o', join(target, 'tfjs_binding.node')],
      ...library.files,
      '-Wl,-rpath,$ORIGIN/../../deps/lib',
    ],
    { cwd: folder, signal: task.signal },
  );
}
