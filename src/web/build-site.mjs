/**
 * Makes dist/site from the compiled dist/src/web: scripts for pages without a bundler, minified, each complete in
 * itself but for the worker, and the files of the page. ONNX Runtime is not in them: it is loaded from `ort/` beside
 * them, or from where the page says (assets.ts). Run after tsc: node src/web/build-site.mjs [dist]
 */
import { copyFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const dist = resolve(process.argv[2] ?? fileURLToPath(new URL('../../dist', import.meta.url)));
const web = join(dist, 'src', 'web');
const outDir = join(dist, 'site');

/** Builds of onnxruntime-web by what our sources import. */
const RUNTIMES = {
  'onnxruntime-web/wasm': 'ort.wasm.min.mjs',
  'onnxruntime-web/webgpu': 'ort.webgpu.min.mjs',
};

/** The script by which each of them starts its module. */
const SCRIPTS = {
  'onnxruntime-web/wasm': 'ort-wasm-simd-threaded.mjs',
  'onnxruntime-web/webgpu': 'ort-wasm-simd-threaded.asyncify.mjs',
};

/** In the place of onnxruntime-web: a module that fetches the package's own build when it is first needed. */
const runtimeFromFolder = () => ({
  name: 'ganx-runtime-from-folder',
  enforce: 'pre',
  resolveId: (id) => (id in RUNTIMES ? `\0${id}` : undefined),
  load(id) {
    const name = RUNTIMES[id.slice(1)];
    if (!id.startsWith('\0') || name === undefined) return undefined;
    return [
      `import { assetAddress } from ${JSON.stringify(join(web, 'assets.js'))};`,
      // Not `new URL(…, import.meta.url)` in one: Vite would look for the file.
      'const script = import.meta.url;',
      'const load = (name) => import(/* @vite-ignore */ assetAddress(name, script));',
      // The second is what the first loads when it starts: both at once save a round trip.
      `const [ort] = await Promise.all([${JSON.stringify(name)}, ${JSON.stringify(SCRIPTS[id.slice(1)])}].map(load));`,
      'export const { InferenceSession, Tensor, env } = ort;',
    ].join('\n');
  },
});

/** Bundles one entry into one file beside its worker. */
function bundle(name, file) {
  return build({
    root: web,
    base: './',
    configFile: false,
    logLevel: 'warn',
    plugins: [runtimeFromFolder()],
    worker: {
      format: 'es',
      plugins: () => [runtimeFromFolder()],
      rolldownOptions: { output: { entryFileNames: 'ganx-worker.js', codeSplitting: false } },
    },
    build: {
      outDir,
      emptyOutDir: false,
      target: 'es2022',
      modulePreload: false,
      assetsDir: '',
      rolldownOptions: {
        input: { [name]: join(web, file) },
        preserveEntrySignatures: 'strict',
        output: { format: 'es', entryFileNames: '[name].js', codeSplitting: false },
      },
    },
  });
}

rmSync(outDir, { recursive: true, force: true });
await bundle('ganx', 'site.js');
await bundle('app', 'page/app.js');
await bundle('session-page', 'session-page.js');
for (const name of ['index.html', 'app.css', 'favicon.svg']) {
  copyFileSync(new URL(`page/${name}`, import.meta.url), join(outDir, name));
}
