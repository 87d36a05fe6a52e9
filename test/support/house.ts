/**
 * The map of the rooms as data, and the reading of sources against it: who may import whom, and shared habits.
 * Sources are read with a real TypeScript parser, so that comments and strings cannot mislead it.
 */
import { posix } from 'node:path';
import { parseAst } from 'vitest/node';

/** `static`: import and export from. `dynamic`: import(). `type`: erased, so always allowed with either. */
type Form = 'static' | 'dynamic' | 'type';

interface Room {
  /** Rooms whose files it may import, besides its own and src/core/types; a name with `.ts` is one file. */
  readonly rooms: readonly string[];
  /** Packages, with the forms in which they may be imported; `node:` stands for all of Node's own modules. */
  readonly libraries: Readonly<Record<string, readonly Form[]>>;
}

const ANY: readonly Form[] = ['static', 'dynamic', 'type'];
const LAZY: readonly Form[] = ['dynamic', 'type'];
const TYPE: readonly Form[] = ['type'];

/** Stands for the specifier of `import(name)`, which no room may use: nobody could say whom it imports. */
const COMPUTED = 'a computed name';

const ADAPTERS = ['onnxruntime-node', 'onnxruntime-web', 'ganx-wasm', 'tensorflow', 'open-inference'].map(
  (name) => `runtimes/${name}`,
);
const LIBRARY_ROOMS = [
  'core',
  'data',
  'checkpoint',
  'tensorflow',
  'train',
  'sample',
  'measure',
  'workers',
  'features',
  'figures',
  'serve',
  'browser',
  'web',
].map((name) => `src/${name}`);
const EVERYTHING = [...LIBRARY_ROOMS, 'models', 'exporters', 'runtimes', ...ADAPTERS];

/** The map. No room lists src/cli or src/index*.ts, so nothing may import them. */
const ROOMS: Readonly<Record<string, Room>> = {
  'src/core': { rooms: [], libraries: {} },
  models: { rooms: ['src/core'], libraries: { '@tensorflow/tfjs-core': ANY } },
  'src/data': { rooms: ['src/core'], libraries: { 'node:': ANY, sharp: ANY, yauzl: ANY } },
  'src/checkpoint': { rooms: ['src/core'], libraries: { 'node:': ANY, 'write-file-atomic': ANY, zod: ANY } },
  'src/tensorflow': {
    rooms: ['src/core'],
    libraries: { 'node:': ANY, yauzl: ANY, '@tensorflow/tfjs-core': LAZY },
  },
  'src/train': {
    rooms: ['src/core', 'src/data', 'src/checkpoint', 'src/sample', 'src/tensorflow', 'models', 'exporters'],
    libraries: {
      'node:': ANY,
      zod: ANY,
      '#gradients': ANY,
      '@tensorflow/tfjs-core': ANY,
      '@tensorflow/tfjs-backend-cpu': LAZY,
      '@tensorflow/tfjs-backend-wasm': LAZY,
    },
  },
  exporters: {
    rooms: ['src/core', 'src/sample', 'models'],
    libraries: {
      '@tensorflow/tfjs-core': ANY,
      '@tensorflow/tfjs-backend-cpu': LAZY,
      '@tensorflow/tfjs-backend-wasm': LAZY,
      'onnx-proto': ANY,
      protobufjs: ANY,
      long: ANY,
    },
  },
  runtimes: { rooms: ['src/core', ...ADAPTERS], libraries: {} },
  'runtimes/onnxruntime-node': {
    rooms: ['src/core', 'runtimes'],
    libraries: { 'onnxruntime-node': LAZY, 'node:': LAZY },
  },
  'runtimes/onnxruntime-web': {
    rooms: ['src/core', 'runtimes'],
    libraries: { 'onnxruntime-web': LAZY, 'node:': LAZY },
  },
  'runtimes/ganx-wasm': { rooms: ['src/core', 'runtimes'], libraries: {} },
  'runtimes/tensorflow': {
    rooms: ['src/core', 'src/tensorflow', 'runtimes'],
    libraries: {
      '@tensorflow/tfjs-core': ANY,
      '@tensorflow/tfjs-backend-cpu': ANY,
      '@tensorflow/tfjs-backend-wasm': LAZY,
      'onnx-proto': ANY,
      protobufjs: TYPE,
      long: TYPE,
    },
  },
  'runtimes/open-inference': { rooms: ['src/core', 'runtimes', 'src/sample/read-values.ts'], libraries: {} },
  'src/sample': { rooms: ['src/core'], libraries: { 'fast-png': ANY } },
  'src/measure': { rooms: ['src/core', 'src/sample'], libraries: {} },
  'src/figures': {
    rooms: ['src/core', 'src/sample', 'src/measure'],
    libraries: { 'node:': ANY, sharp: ANY },
  },
  'src/workers': {
    rooms: ['src/core', 'src/measure', 'runtimes'],
    libraries: { 'node:': ANY, piscina: ANY },
  },
  'src/features': {
    rooms: [
      'src/core',
      'src/data',
      'src/checkpoint',
      'src/sample',
      'src/train',
      'src/tensorflow/places.ts',
      'models',
      'exporters',
    ],
    libraries: { 'node:': ANY, '#gradients': ANY, '@tensorflow/tfjs-core': ANY },
  },
  'src/serve': {
    rooms: ['src/core', 'src/sample', 'src/load-generator.ts'],
    libraries: {
      'node:': ANY,
      fastify: ANY,
      '@fastify/cors': ANY,
      '@fastify/helmet': ANY,
      '@fastify/rate-limit': ANY,
      '@fastify/swagger': ANY,
      'prom-client': ANY,
      piscina: ANY,
      sharp: ANY,
    },
  },
  'src/browser': { rooms: ['src/core', 'runtimes/contract.ts'], libraries: { 'node:': ANY } },
  'src/web': {
    rooms: [
      'src/core',
      'src/sample',
      'runtimes/onnxruntime-web',
      'runtimes/ganx-wasm',
      'src/load-generator.browser.ts',
    ],
    libraries: {},
  },
  'src/cli': {
    rooms: [...EVERYTHING, 'src/load-generator.ts'],
    libraries: { 'node:': ANY, yargs: ANY, 'cli-progress': ANY, zod: ANY },
  },
  'examples/figure-1': {
    rooms: [
      'src/core',
      'src/data/draw-digit.ts',
      'src/measure/one-dimension.ts',
      'src/sample',
      'src/train',
      'models',
      'exporters',
      'runtimes/onnxruntime-web',
    ],
    libraries: {},
  },
  'src/index': { rooms: EVERYTHING, libraries: { 'node:': ANY } },
};

/** The room of a file or of an import's target, by its longest name; src/*.ts are the doors. */
export function roomOf(path: string): string | undefined {
  if (/^src\/[^/]+$/.test(path)) return 'src/index';
  const inside = (room: string) => path.startsWith(`${room}/`) || path === `${room}.ts`;
  // An adapter is one file, a folder of the same name, or files whose names begin with it.
  const adapter = ADAPTERS.find((room) => inside(room) || path.startsWith(`${room}-`));
  return adapter ?? Object.keys(ROOMS).find(inside);
}

interface Import {
  readonly specifier: string;
  readonly form: Form;
}

type Node = Readonly<Record<string, unknown>>;

/** Every node of a syntax tree. */
function* nodesOf(value: unknown): Generator<Node> {
  if (typeof value !== 'object' || value === null) return;
  if ('type' in value && typeof value.type === 'string') yield value as Node;
  for (const child of Object.values(value)) yield* nodesOf(child);
}

function parse(source: string): Node[] {
  return [...nodesOf(parseAst(source, { lang: 'ts' }))];
}

const FORMS: Readonly<Record<string, Form>> = {
  ImportDeclaration: 'static',
  ExportNamedDeclaration: 'static',
  ExportAllDeclaration: 'static',
  ImportExpression: 'dynamic',
  TSImportType: 'type',
};

function importsOf(nodes: readonly Node[]): Import[] {
  return nodes.flatMap((node) => {
    const form = FORMS[String(node.type)];
    if (form === undefined || !node.source) return [];
    const { value } = node.source as Node;
    const isType = node.importKind === 'type' || node.exportKind === 'type';
    return [{ specifier: typeof value === 'string' ? value : COMPUTED, form: isType ? 'type' : form }];
  });
}

/** The file that a relative import means. */
function targetOf(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
}

function isAllowed(path: string, { specifier, form }: Import): boolean {
  const room = roomOf(path) ?? '';
  const rules = ROOMS[room];
  if (rules === undefined) return false;
  if (specifier.startsWith('.')) {
    const target = targetOf(path, specifier);
    const targetRoom = roomOf(target) ?? '';
    // The list of runtimes is lazy, so that a missing package hurts nobody.
    if (room === 'runtimes' && ADAPTERS.includes(targetRoom)) return form !== 'static';
    const isListed = rules.rooms.includes(targetRoom) || rules.rooms.includes(target);
    return targetRoom === room || target === 'src/core/types.ts' || isListed;
  }
  const name = specifier.startsWith('node:')
    ? 'node:'
    : specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  return rules.libraries[name]?.includes(form) ?? false;
}

/** Uses of what a library must leave alone: the console, the process's end and its output. */
function outputsOf(nodes: readonly Node[]): string[] {
  return nodes.flatMap((node) => {
    if (node.type !== 'MemberExpression') return [];
    const owner = (node.object as Node).name;
    const member = (node.property as Node).name ?? (node.property as Node).value;
    const isOutput =
      owner === 'console' ||
      (owner === 'process' && /^(exit|exitCode|abort|stdout|stderr)$/.test(String(member)));
    return isOutput ? [`${owner}.${member}`] : [];
  });
}

function hasDefaultExport(nodes: readonly Node[]): boolean {
  return nodes.some(
    ({ type, exported }) =>
      type === 'ExportDefaultDeclaration' ||
      (type === 'ExportSpecifier' && (exported as Node).name === 'default'),
  );
}

/** A file beyond this has more than one idea in it; 50 to 250 is the aim. */
export const MAX_LINES = 300;
const ABSOLUTE_PATH = /(?:^|[\s'"`(=])(?:\/(?:home|Users|work|tmp|root|opt|mnt|var|usr)\/|[A-Z]:\\)/m;

/** Everything that is wrong with one file, each as a line that names it. */
export function findBreaches(path: string, source: string): string[] {
  const nodes = parse(source);
  const breaches = importsOf(nodes)
    .filter((found) => !isAllowed(path, found))
    .map(({ specifier, form }) => `${form} import of ${specifier}`);
  if (roomOf(path) === undefined) breaches.push('belongs to no room of the map');
  if (!path.startsWith('src/cli/')) breaches.push(...outputsOf(nodes));
  if (hasDefaultExport(nodes)) breaches.push('default export');
  if (!/^(#!.*\n)?\s*\/[/*]/.test(source)) breaches.push('does not begin with a comment');
  if (source.trimEnd().split('\n').length > MAX_LINES) breaches.push(`longer than ${MAX_LINES} lines`);
  if (!/^(?:[a-z0-9]+(?:-[a-z0-9]+)*\/)*[a-z0-9]+(?:-[a-z0-9]+)*(?:\.browser)?\.ts$/.test(path)) {
    breaches.push('name is not kebab-case');
  }
  if (ABSOLUTE_PATH.test(source)) breaches.push('absolute path');
  return breaches.map((breach) => `${path}: ${breach}`);
}

/** A way from a room back to itself, or undefined; adapters count as part of `runtimes`. */
export function findCycle(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const done = new Set<string>();
  const visit = (room: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(room)) return [...way.slice(way.indexOf(room)), room];
    if (done.has(room)) return undefined;
    for (const next of edges.get(room) ?? []) {
      const cycle = visit(next, [...way, room]);
      if (cycle) return cycle;
    }
    done.add(room);
    return undefined;
  };
  return [...edges.keys()].map((room) => visit(room, [])).find((cycle) => cycle !== undefined);
}

/** Which room imports which, over all files. */
export function edgesOf(files: ReadonlyMap<string, string>): Map<string, Set<string>> {
  const edges = new Map<string, Set<string>>();
  const fold = (path: string) => (path.startsWith('runtimes/') ? 'runtimes' : (roomOf(path) ?? path));
  for (const [path, source] of files) {
    for (const { specifier } of importsOf(parse(source))) {
      if (!specifier.startsWith('.')) continue;
      const target = fold(targetOf(path, specifier));
      const from = fold(path);
      if (target !== from) edges.set(from, (edges.get(from) ?? new Set()).add(target));
    }
  }
  return edges;
}
