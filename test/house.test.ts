/**
 * Keeps the map of the rooms true (support/house.ts): every source file is held against it, a breach is named by
 * file and import, and made-up breaches show that the rules can bite.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { edgesOf, findBreaches, findCycle, MAX_LINES, roomOf } from './support/house.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const FILES: ReadonlyMap<string, string> = new Map(
  ['src', 'models', 'exporters', 'runtimes', 'examples/figure-1']
    .filter((folder) => existsSync(posix.join(ROOT, folder)))
    .flatMap((folder) =>
      readdirSync(posix.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
        .filter((path) => path.endsWith('.ts'))
        .map((path): [string, string] => [path, readFileSync(posix.join(ROOT, path), 'utf8')]),
    ),
);

describe('the house', () => {
  it.each([...FILES])('%s keeps its borders and habits', (path, source) => {
    expect(findBreaches(path, source)).toEqual([]);
  });

  it('has no rooms that import each other in a circle', () => {
    expect(findCycle(edgesOf(FILES))).toBeUndefined();
  });

  it('is toured by the README, room by room', (context) => {
    const readme = posix.join(ROOT, 'README.md');
    if (!existsSync(readme)) return context.skip('There is no README.md yet.');
    const text = readFileSync(readme, 'utf8');
    const rooms = new Set([...FILES.keys()].map((path) => roomOf(path) ?? path));
    // Adapters are toured as one, examples by a page of their own.
    const missing = [...rooms].filter((room) => !/^(runtimes|examples)\//.test(room) && !text.includes(room));
    expect(missing).toEqual([]);
  });
});

describe('the house rules themselves', () => {
  it.each([
    ['src/core/a.ts', "import { b } from '../data/b.js';", 'static import of ../data/b.js'],
    [
      'src/data/a.ts',
      "import type { Tensor } from '@tensorflow/tfjs-core';",
      'type import of @tensorflow/tfjs-core',
    ],
    ['src/sample/a.ts', "type Z = import('zod').ZodType;", 'type import of zod'],
    ['exporters/a.ts', "export * from 'node:fs';", 'static import of node:fs'],
    ['exporters/kernels/a.ts', "import 'onnxruntime-node';", 'static import of onnxruntime-node'],
    [
      'src/train/a.ts',
      "import {\n  x,\n} from '../../runtimes/index.js';",
      'static import of ../../runtimes/index.js',
    ],
    [
      'src/train/a.ts',
      "import '@tensorflow/tfjs-backend-cpu';",
      'static import of @tensorflow/tfjs-backend-cpu',
    ],
    ['src/serve/a.ts', "const m = await import('../cli/main.js');", 'dynamic import of ../cli/main.js'],
    ['src/cli/a.ts', "import { x } from '../index.js';", 'static import of ../index.js'],
    ['runtimes/index.ts', "import './onnxruntime-web.js';", 'static import of ./onnxruntime-web.js'],
    ['runtimes/tensorflow/a.ts', "import '../onnxruntime-web.js';", 'static import of ../onnxruntime-web.js'],
    ['runtimes/onnxruntime-node.ts', "import 'onnxruntime-node';", 'static import of onnxruntime-node'],
    ['models/a.ts', 'const m = await import(name);', 'dynamic import of a computed name'],
    ['src/attic/a.ts', '', 'belongs to no room of the map'],
    ['src/core/a.ts', "console['log'](1);", 'console.log'],
    ['src/data/a.ts', 'process.exit(1);', 'process.exit'],
    ['src/core/a.ts', 'const a = 1;\nexport { a as default };', 'default export'],
    ['src/core/a.ts', `const path = '/${'home'}/me/a';`, 'absolute path'],
    ['src/core/bigFile.ts', '', 'name is not kebab-case'],
  ])('find a breach in %s: %s', (path, source, breach) => {
    expect(findBreaches(path, `// A comment.\n${source}`)).toEqual([`${path}: ${breach}`]);
  });

  it('find a file without a comment on top, and one that is too long', () => {
    expect(findBreaches('src/core/a.ts', 'export const a = 1;')).toEqual([
      'src/core/a.ts: does not begin with a comment',
    ]);
    expect(findBreaches('src/core/a.ts', '//\n'.repeat(MAX_LINES))).toEqual([]);
    expect(findBreaches('src/core/a.ts', '//\n'.repeat(MAX_LINES + 1))).toHaveLength(1);
  });

  it.each([
    ['src/measure/a.ts', "import type { Session } from '../core/types.js';"],
    ['src/train/a.ts', "const cpu = await import('@tensorflow/tfjs-backend-cpu');"],
    ['runtimes/index.ts', "const load = () => import('./tensorflow.js');"],
    ['src/cli/main.ts', "import yargs from 'yargs/yargs';\nconsole.log(yargs);"],
    ['src/core/a.ts', "const text = \"import x from 'zod'\"; // import('zod')"],
  ])('let pass what is allowed in %s: %s', (path, source) => {
    expect(findBreaches(path, `// A comment.\n${source}`)).toEqual([]);
  });

  it('find a circle of rooms', () => {
    const files = new Map([
      ['models/a.ts', "import '../src/core/a.js';"],
      ['src/core/a.ts', "import type { T } from '../../exporters/a.js';"],
      ['exporters/a.ts', "import '../models/a.js';"],
    ]);
    expect(findCycle(edgesOf(files))).toEqual(['models', 'src/core', 'exporters', 'models']);
    expect(findCycle(edgesOf(new Map([...files].slice(0, 2))))).toBeUndefined();
  });
});
