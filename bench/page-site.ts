/**
 * The folder that the page benchmark serves: the measuring page, bundled as its author would ship it, ganx's own
 * bundle, the libraries' WebAssembly files, and generators as ONNX and as bare weights. It measures nothing.
 */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { exportGenerator } from '../exporters/export-generator.js';
import { findModel } from '../models/index.js';
import { onnxruntimeNode } from '../runtimes/onnxruntime-node.js';
import { loadCheckpoint } from '../src/checkpoint/index.js';
import type { FloatTensor } from '../src/core/tensor.js';
import type { PageModel } from './page-types.js';
import { saveUntrained } from './untrained-snapshot.js';
import type { Subject } from './workload.js';

const folderOf = (specifier: string): string => fileURLToPath(new URL('.', import.meta.resolve(specifier)));

/** Writes generator.onnx, weights.json and weights.bin of a network whose weights are all drawn. */
async function writeModel(folder: string, { model, build: options }: Subject): Promise<void> {
  await mkdir(folder, { recursive: true });
  const snapshot = join(folder, 'snapshot.safetensors');
  await saveUntrained(snapshot, model, options);
  const weights = (await loadCheckpoint(snapshot)).tensors as Record<string, FloatTensor>;
  const gan = findModel(model).build(options);
  const source = { model, gan, weights, imagesSeen: 0, seed: 0, dataDigest: '' };
  const openSession = (bytes: Uint8Array) => onnxruntimeNode.open(bytes, { device: 'cpu' });
  const { bytes } = await exportGenerator(source, { openSession });
  await writeFile(join(folder, 'generator.onnx'), bytes);
  const tensors = gan.generator.weights.map(({ name }) => ({ name, ...weights[`generator/${name}`]! }));
  const description: PageModel = {
    model,
    build: options,
    weights: tensors.map(({ name, shape }) => ({ name, shape })),
  };
  await writeFile(join(folder, 'weights.json'), JSON.stringify(description));
  await writeFile(
    join(folder, 'weights.bin'),
    Buffer.concat(tensors.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))),
  );
}

/** Bundles the measuring page; TensorFlow.js and each of its backends become files of their own, fetched when needed. */
async function bundlePage(folder: string): Promise<void> {
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: folder,
      emptyOutDir: false,
      modulePreload: false,
      minify: false,
      chunkSizeWarningLimit: 1e4,
      rolldownOptions: {
        input: fileURLToPath(new URL('page-client.js', import.meta.url)),
        output: {
          entryFileNames: 'page.js',
          // TensorFlow.js starts its threads from the text of one of its functions, in which a minifier that
          // simplifies breaks what it cannot see; shorter names do no harm.
          minify: { compress: false, mangle: true, codegen: true },
        },
      },
    },
  });
  const page =
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Measuring</title><link rel="icon" href="data:,">';
  await writeFile(join(folder, 'blank.html'), `${page}</html>`);
  await writeFile(join(folder, 'index.html'), `${page}<script type="module" src="/page.js"></script></html>`);
}

/**
 * Makes the folder.
 *
 * @param subjects by the name of their folder inside it
 */
export async function makePageSite(
  folder: string,
  subjects: Readonly<Record<string, Subject>>,
): Promise<void> {
  await bundlePage(folder);
  await cp(fileURLToPath(new URL('../site', import.meta.url)), join(folder, 'site'), { recursive: true });
  const runtime = folderOf('onnxruntime-web/ort-wasm-simd-threaded.wasm');
  const isNeeded = (path: string) => !/\.(map|js)$|jsep|jspi|webgl|\.all\./.test(path);
  await cp(runtime, join(folder, 'ort'), { recursive: true, filter: isNeeded });
  const tfjs = join(folderOf('@tensorflow/tfjs-backend-wasm/package.json'), 'wasm-out');
  await cp(tfjs, join(folder, 'tfjs-wasm'), { recursive: true });
  for (const [name, subject] of Object.entries(subjects)) await writeModel(join(folder, name), subject);
}
