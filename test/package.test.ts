/**
 * The package as it is published: packed, unpacked into a project of its own, and used from there. The project borrows
 * this one's installed dependencies, only those that the package declares, so that nothing is downloaded.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { ganxOk, makeWorkplace } from './support/cli.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const folder = makeWorkplace();
const installed = join(folder, 'node_modules', 'ganx');

interface Manifest {
  readonly version: string;
  readonly bin: { readonly ganx: string };
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

let files: string[];
let manifest: Manifest;

beforeAll(async () => {
  // Without scripts: `prepare` would build dist/ again under tests that run it.
  const packing = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const output = execFileSync('npm', packing, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] });
  const [packed] = JSON.parse(output.toString());
  files = packed.files.map(({ path }: { path: string }) => path);
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, packed.filename), '-C', installed, '--strip-components=1']);
  manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  for (const name of Object.keys(manifest.dependencies)) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), link, 'dir');
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'somebody', type: 'module' }));
  const tiny = 'train --data ring --model mlp --width 8 --batch 8 --images 80 --snapshot-every 80 --out run';
  await ganxOk(tiny.split(' '), folder);
  await ganxOk(['export', 'run'], folder);
});

/** Runs a module of the project in a Node of its own; gives what it prints as JSON. */
function runModule(source: string): unknown {
  const path = join(folder, 'main.js');
  writeFileSync(path, source);
  return JSON.parse(execFileSync(process.execPath, [path], { cwd: folder, encoding: 'utf8' }));
}

/** Every path that an entry of `exports` names. */
function pathsOf(entry: unknown): string[] {
  if (typeof entry === 'string') return [entry];
  return Object.values(entry as Record<string, unknown>).flatMap(pathsOf);
}

describe('the tarball', () => {
  it('holds what users need, and neither sources nor tests nor benchmarks', () => {
    for (const name of ['package.json', 'LICENSE', 'CHANGELOG.md']) expect(files).toContain(name);
    expect(files.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))).toEqual([]);
    expect(files.filter((path) => /(^|\/)(test|bench|examples|node_modules)\//.test(path))).toEqual([]);
    expect(files.filter((path) => !/^(dist\/|[A-Z]+(\.md)?$|package\.json$)/.test(path))).toEqual([]);
  });

  it('brings the scripts of a page, ready as they are', () => {
    for (const name of ['ganx.js', 'ganx-worker.js', 'app.js', 'index.html', 'session-page.js']) {
      expect(files).toContain(`dist/site/${name}`);
    }
  });

  it('has every file that its exports and bin name', () => {
    const paths = pathsOf(manifest.exports);
    expect(paths.length).toBeGreaterThan(3);
    for (const path of [...paths, manifest.bin.ganx])
      expect({ path, there: existsSync(join(installed, path)) }).toEqual({ path, there: true });
    expect(readFileSync(join(installed, manifest.bin.ganx), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});

describe('an installed ganx', () => {
  it('is a program', () => {
    const bin = join(installed, manifest.bin.ganx);
    const run = (...line: string[]) =>
      execFileSync(process.execPath, [bin, ...line], { cwd: folder, stdio: 'pipe' }).toString();
    expect(run('--version')).toBe(`${manifest.version}\n`);
    expect(run('sample', 'generator.onnx', '-n', '2', '--npy', 'a.npy')).toBe(
      'a.npy: float32 [2, 1, 1, 2]\n',
    );
  });

  it('lets every entry point be imported', () => {
    const entries = Object.keys(manifest.exports).filter((name) => !name.endsWith('.json'));
    const names = entries.map((entry) => JSON.stringify(entry.replace('.', 'ganx')));
    const counts = runModule(`
      const modules = await Promise.all([${names}].map((name) => import(name)));
      console.log(JSON.stringify(modules.map((module) => Object.keys(module).length)));`) as number[];
    expect(counts).toHaveLength(entries.length);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });

  it('loads neither tfjs nor a native module before one is used, and then only the one that is', () => {
    const log = JSON.stringify(join(folder, 'loaded.txt'));
    const hook = `
      import { appendFileSync } from 'node:fs';
      export async function resolve(specifier, context, next) {
        const found = await next(specifier, context);
        appendFileSync(${log}, found.url + '\\n');
        return found;
      }`;
    // ES modules pass the hook, CommonJS ones lie in require's cache, native ones among the process's libraries.
    const result = runModule(`
      import { readFileSync } from 'node:fs';
      import { createRequire, register } from 'node:module';
      register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook)}));
      const { cache } = createRequire(import.meta.url);
      const list = () => [
        ...readFileSync(${log}, 'utf8').trim().split('\\n'),
        ...Object.keys(cache),
        ...process.report.getReport().sharedObjects.filter((path) => path.endsWith('.node')),
      ];
      const { loadGenerator } = await import('ganx');
      const before = list();
      const generator = await loadGenerator('generator.onnx');
      const { images } = await generator.sample({ count: 3, seed: 7 });
      console.log(JSON.stringify({ before, after: list(), shape: images.shape }));
      await generator.dispose();`) as Record<'before' | 'after', string[]> & { shape: number[] };
    expect(result.shape).toEqual([3, 1, 1, 2]);
    expect(result.before.some((url) => url.endsWith('dist/src/index.js'))).toBe(true);
    const heavy = /@tensorflow|node_modules\/(onnxruntime|onnx-proto|protobufjs|sharp|yargs|zod)|\.node$/;
    expect(result.before.filter((url) => heavy.test(url))).toEqual([]);
    expect(result.after.some((url) => url.includes('node_modules/onnxruntime-node/'))).toBe(true);
    expect(result.after.some((url) => url.endsWith('.node'))).toBe(true);
    const others = /@tensorflow|node_modules\/(onnxruntime-web|onnx-proto|protobufjs|sharp|yargs|zod)\//;
    expect(result.after.filter((url) => others.test(url))).toEqual([]);
  });
});
