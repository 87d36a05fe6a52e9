/**
 * Makes dist/figure-1, a folder for any web server: the page, one script, one worker with TensorFlow.js' core and the
 * exporter in it, and ONNX Runtime's files beside them in `ort/`. Nothing comes from elsewhere.
 * Run: node examples/figure-1/build.mjs
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));
const outDir = fileURLToPath(new URL('../../dist/figure-1', import.meta.url));
const runtime = dirname(fileURLToPath(import.meta.resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm')));

/** The policy that the page works under: nothing from elsewhere, no inline script, no eval but WebAssembly's. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** For hosts that read `_headers` (Netlify, Cloudflare Pages): the policy, and what lets WebAssembly have threads. */
const HEADERS = [
  '/*',
  `  Content-Security-Policy: ${POLICY}; frame-ancestors 'self'`,
  '  Cross-Origin-Opener-Policy: same-origin',
  '  Cross-Origin-Embedder-Policy: require-corp',
  '  X-Content-Type-Options: nosniff',
  '  Referrer-Policy: no-referrer',
  '',
].join('\n');

/** ONNX Runtime's builds by what our sources import, and the files that each of them loads. */
const RUNTIMES = {
  'onnxruntime-web/wasm': ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded'],
  'onnxruntime-web/webgpu': ['ort.webgpu.min.mjs', 'ort-wasm-simd-threaded.asyncify'],
};

/** What takes the place of packages that would bring more than is needed. */
const REPLACED = {
  // Small networks are checked in plain JavaScript.
  '@tensorflow/tfjs-backend-wasm': "throw new Error('It is not part of this page.');",
};

const replacements = () => ({
  name: 'figure-1-replacements',
  enforce: 'pre',
  resolveId: (id) => (id in RUNTIMES || id in REPLACED ? `\0${id}` : undefined),
  load(id) {
    if (!id.startsWith('\0')) return undefined;
    const name = id.slice(1);
    if (name in REPLACED) return REPLACED[name];
    if (!(name in RUNTIMES)) return undefined;
    return [
      // Not `new URL(…, import.meta.url)` in one: Vite would look for the file.
      'const script = import.meta.url;',
      `const ort = await import(/* @vite-ignore */ new URL('ort/${RUNTIMES[name][0]}', script).href);`,
      'export const { InferenceSession, Tensor, env } = ort;',
    ].join('\n');
  },
});

rmSync(outDir, { recursive: true, force: true });
await build({
  root,
  base: './',
  configFile: false,
  logLevel: 'warn',
  plugins: [replacements()],
  worker: {
    format: 'es',
    plugins: () => [replacements()],
    rolldownOptions: { output: { entryFileNames: 'worker.js', codeSplitting: false } },
  },
  build: {
    outDir,
    emptyOutDir: false,
    target: 'es2022',
    modulePreload: false,
    assetsDir: '',
    chunkSizeWarningLimit: 2000,
    rolldownOptions: {
      input: { app: join(root, 'app.ts') },
      output: { format: 'es', entryFileNames: '[name].js', codeSplitting: false },
    },
  },
});

const page = readFileSync(join(root, 'index.html'), 'utf8').replace('{{policy}}', POLICY);
writeFileSync(join(outDir, 'index.html'), page);
writeFileSync(join(outDir, '_headers'), HEADERS);
for (const name of ['app.css', 'favicon.svg']) copyFileSync(join(root, name), join(outDir, name));
mkdirSync(join(outDir, 'ort'));
for (const [entry, module] of Object.values(RUNTIMES)) {
  for (const name of [entry, `${module}.mjs`, `${module}.wasm`]) {
    copyFileSync(join(runtime, name), join(outDir, 'ort', name));
  }
}
