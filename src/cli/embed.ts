/** `ganx embed`: a static site around a generator.onnx, for any web server and any folder on it. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readWholeFile } from '../checkpoint/index.js';
import { expected } from '../core/errors.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import { loadGenerator } from '../load-generator.js';
import type { LatentDescription } from '../sample/index.js';
import { MOST_IMAGES, MOST_POINTS } from '../web/page/state.js';
import { anyText, type FlagValues, knownName, MAX_SEED, wholeNumber } from './flags.js';
import { latentFlags, readDescription } from './latent-flags.js';
import { formatBytes, formatTable, printLine } from './print.js';
import {
  CONTENT_POLICY,
  fillIndex,
  indexPath,
  listPackagedFiles,
  placeSite,
  type SiteFile,
  writeHeaders,
} from './site-folder.js';
import type { Verb } from './verb.js';

const flags = {
  out: { alias: 'o', describe: 'folder to write', initially: 'site', read: anyText },
  title: { describe: 'heading of the page', initially: 'the name of the model', read: anyText },
  device: {
    describe: 'auto or webgpu, which visitors can change; wasm leaves WebGPU and its 27 MB out',
    initially: 'auto',
    read: knownName(['auto', 'wasm', 'webgpu']),
  },
  count: {
    alias: 'n',
    describe: 'samples to begin with',
    initially: '16 images or 2000 points',
    read: wholeNumber(1, MOST_POINTS),
  },
  seed: { describe: 'seed to begin with', initially: 0, read: wholeNumber(0, MAX_SEED) },
  threads: {
    describe: 'threads of ONNX Runtime on wasm, where the server isolates the page; for large models',
    initially: "one, of ganx's own kernels where they know the model",
    read: wholeNumber(1, 64),
  },
  ...latentFlags,
  force: { describe: 'write into a folder that is not empty; what is not of the site stays there' },
};

type Values = FlagValues<typeof flags>;

/** Draws from the file, so that no page is made around one that does not work. */
async function checkGenerator(
  bytes: Uint8Array,
  describe: LatentDescription | undefined,
): Promise<GeneratorMetadata> {
  const generator = await loadGenerator(bytes, { device: 'cpu', ...(describe ? { describe } : {}) });
  try {
    await generator.sample();
    return generator.metadata;
  } finally {
    await generator.dispose();
  }
}

async function sizeOfFiles(folder: string, files: readonly SiteFile[]): Promise<number> {
  const sizes = await Promise.all(files.map(async ({ name }) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function printSite(folder: string, files: readonly SiteFile[], device: string): Promise<void> {
  const size = async (keep: (name: string) => boolean) =>
    formatBytes(
      await sizeOfFiles(
        folder,
        files.filter(({ name }) => keep(name)),
      ),
    );
  const isModel = (name: string) => name === 'generator.onnx';
  const isRuntime = (name: string) => name.startsWith('ort/');
  const isGpu = (name: string) => /webgpu|asyncify/.test(name);
  printLine(
    formatTable([
      [`${folder}/`, await size(() => true)],
      ['  generator.onnx', await size(isModel)],
      ['  page and scripts', await size((name) => !isModel(name) && !isRuntime(name))],
      ['  ort/, for wasm', await size((name) => isRuntime(name) && !isGpu(name))],
      ...(device === 'wasm'
        ? []
        : [['  ort/, for webgpu', await size((name) => isRuntime(name) && isGpu(name))]]),
    ]),
  );
  printLine('A visitor loads the page, the model, and one of the two runtimes once.');
  printLine();
  printLine(
    'Serve the folder with any web server, at any path; opening index.html from the disk does not work.',
  );
  printLine(
    'What --threads asks for needs two headers on every file; _headers has them for the hosts that read it',
  );
  printLine('(Netlify, Cloudflare Pages):');
  printLine('  Cross-Origin-Opener-Policy: same-origin');
  printLine('  Cross-Origin-Embedder-Policy: require-corp');
  printLine('The page keeps itself to this policy, and a server may send it too:');
  printLine(`  Content-Security-Policy: ${CONTENT_POLICY}`);
}

async function runEmbed(values: Values, file: string): Promise<void> {
  const { out = 'site', device = 'auto', force = false, seed } = values;
  const bytes = await readWholeFile(file);
  const describe = readDescription(values);
  const metadata = await checkGenerator(bytes, describe);
  const most = metadata.kind === 'points' ? MOST_POINTS : MOST_IMAGES;
  if (values.count !== undefined && values.count > most) {
    throw expected('--count', `at most ${most} ${metadata.kind} on a page`, values.count);
  }
  const index = fillIndex(await readFile(indexPath(), 'utf8'), values.title ?? metadata.model, {
    device,
    count: values.count,
    seed,
    threads: values.threads,
    ...describe,
  });
  const files: SiteFile[] = [
    ...(await listPackagedFiles(device === 'wasm' ? ['wasm'] : ['wasm', 'webgpu'])),
    { name: 'generator.onnx', content: bytes },
    { name: '_headers', content: writeHeaders() },
    { name: 'index.html', content: index },
  ];
  await placeSite(out, files, force);
  await printSite(out, files, device);
}

export const embedVerb: Verb<typeof flags> = {
  name: 'embed',
  describe: 'write a web page that draws from a generator.onnx',
  path: { name: 'file', describe: 'a generator.onnx' },
  flags,
  examples: [
    ['embed generator.onnx --out site', 'a folder for any web server'],
    ['embed generator.onnx --out site --title Digits --count 25 --device wasm', 'smaller, without WebGPU'],
    ['embed foreign.onnx --latent 1x512 --range 0,1', 'a generator that another tool exported'],
  ],
  run: runEmbed,
};
