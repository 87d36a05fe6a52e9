/**
 * Which files of which npm packages the check needs: the packages that it names and all that they depend on, without
 * types, source maps, browser bundles and libraries for other systems. It copies nothing.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, sep } from 'node:path';

/** What the built files import at once, and what they load for the engines that are checked. */
const ROOTS = [
  'onnxruntime-node',
  'onnx-proto',
  '@tensorflow/tfjs',
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-backend-cpu',
  'fast-png',
  'sharp',
  'write-file-atomic',
  'yauzl',
  'zod',
];

const CODE = /(?:\.(?:c|m)?js|\.json|\.node|\.so(?:\.[\d.]+)?)$/;
const BUNDLE = /\.min\.js$/;
/** Libraries for one system lie in `bin/<interface>/<platform>/<processor>`. */
const LIBRARY = /^bin\/[^/]+\/([^/]+)\/([^/]+)\//;

interface Manifest {
  readonly name: string;
  readonly main?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** A package's folder as a file of `from` would find it; undefined when it is not installed. */
function findPackage(name: string, from: string): string | undefined {
  const places = createRequire(join(from, 'package.json')).resolve.paths(name) ?? [];
  return places.map((place) => join(place, name)).find((folder) => existsSync(join(folder, 'package.json')));
}

/** Every package that is needed, by its folder. */
function listPackages(root: string): Map<string, Manifest> {
  const packages = new Map<string, Manifest>();
  const visit = (name: string, from: string): void => {
    const folder = findPackage(name, from);
    // Optional ones are for other systems; a root that is missing shows when the check is run here.
    if (folder === undefined || packages.has(folder)) return;
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
    packages.set(folder, manifest);
    const needs = { ...manifest.dependencies, ...manifest.optionalDependencies };
    for (const need of Object.keys(needs)) visit(need, folder);
  };
  for (const name of ROOTS) visit(name, root);
  return packages;
}

function isNeeded(path: string, { name, main }: Manifest): boolean {
  if (path === 'package.json') return true;
  // TensorFlow.js brings each package in a dozen forms; Node loads one file of it.
  if (name.startsWith('@tensorflow/')) return path === main;
  const library = LIBRARY.exec(path);
  if (library) return library[1] === process.platform && library[2] === process.arch;
  return CODE.test(path) && !BUNDLE.test(path);
}

/**
 * The files that the check needs of `node_modules`.
 *
 * @param root folder of the project
 * @returns paths relative to `root`, with `/`
 */
export function listModuleFiles(root: string): string[] {
  return [...listPackages(root)].flatMap(([folder, manifest]) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      // A package inside another one is listed by itself, if it is needed.
      .filter((path) => !path.slice(folder.length).includes(`${sep}node_modules${sep}`))
      .filter((path) => isNeeded(path.slice(folder.length + 1).replaceAll(sep, '/'), manifest))
      .map((path) => path.slice(root.length + 1).replaceAll(sep, '/')),
  );
}
