/**
 * A site as files: which ones it is made of, where they come from, and how they get into a folder. It knows neither
 * flags nor what the scripts do.
 * https://html.spec.whatwg.org/, https://www.w3.org/TR/CSP3/
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ioError, makeFolder } from '../checkpoint/index.js';
import { expected, GanError } from '../core/errors.js';

/** The policy that the page works under: nothing from elsewhere, no inline script, no eval but WebAssembly's. */
export const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** A page with these has threads: it is alone with itself, and may share memory with its workers. */
const ISOLATION = ['Cross-Origin-Opener-Policy: same-origin', 'Cross-Origin-Embedder-Policy: require-corp'];

/** ONNX Runtime's files by the device that needs them: its entry, and the module that it loads. */
const RUNTIME_FILES = {
  wasm: ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'],
  webgpu: [
    'ort.webgpu.min.mjs',
    'ort-wasm-simd-threaded.asyncify.mjs',
    'ort-wasm-simd-threaded.asyncify.wasm',
  ],
};

/** The page's own files; scripts that they share are found beside them. */
const PAGE_FILES = ['index.html', 'app.css', 'favicon.svg', 'app.js', 'ganx.js', 'ganx-worker.js'];

/** What index.html tells the scripts, as attributes of its body. */
export type PageSettings = Readonly<Record<string, string | number | undefined>>;

/** A file of a site: copied from a path, or written from memory. */
export interface SiteFile {
  readonly name: string;
  readonly content: string | Uint8Array | { readonly path: string };
}

/**
 * The files that every site has, as this package brings them.
 *
 * @param devices whose ONNX Runtime to take along
 * @throws GanError `IO` when the package was not built whole
 */
export async function listPackagedFiles(devices: readonly ('wasm' | 'webgpu')[]): Promise<SiteFile[]> {
  const pages = fileURLToPath(new URL('../../site', import.meta.url));
  const missing = PAGE_FILES.find((name) => !existsSync(join(pages, name)));
  if (missing !== undefined) {
    const message = `Expected ${missing} beside ganx’s own scripts, got \`none\`. Install ganx again, or build it.`;
    throw new GanError('IO', 'embed', message);
  }
  const scripts = (await readdir(pages)).filter((name) => name.endsWith('.js') && name !== 'session-page.js');
  const runtime = dirname(fileURLToPath(import.meta.resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm')));
  return [
    ...['app.css', 'favicon.svg', ...scripts].map((name) => ({
      name,
      content: { path: join(pages, name) },
    })),
    ...devices
      .flatMap((device) => RUNTIME_FILES[device])
      .map((name) => ({ name: `ort/${name}`, content: { path: join(runtime, name) } })),
  ];
}

/** The page's own index.html, to be filled by {@link fillIndex}. */
export function indexPath(): string {
  return fileURLToPath(new URL('../../site/index.html', import.meta.url));
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** index.html with its title, its policy and its settings. */
export function fillIndex(template: string, title: string, settings: PageSettings): string {
  const attributes = Object.entries(settings)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` data-${name}="${escapeHtml(String(value))}"`);
  return template
    .replaceAll('{{title}}', () => escapeHtml(title))
    .replace('{{policy}}', () => CONTENT_POLICY)
    .replace('<body', () => `<body${attributes.join('')}`);
}

/** `_headers`, which Netlify, Cloudflare Pages and their like read; other servers need the same in their own words. */
export function writeHeaders(): string {
  const headers = [
    // A page cannot forbid frames by itself: this part of a policy works as a header only.
    `Content-Security-Policy: ${CONTENT_POLICY}; frame-ancestors 'self'`,
    ...ISOLATION,
    'X-Content-Type-Options: nosniff',
    'Referrer-Policy: no-referrer',
  ];
  return ['/*', ...headers.map((header) => `  ${header}`), ''].join('\n');
}

async function isEmpty(folder: string): Promise<boolean> {
  return !existsSync(folder) || ((await stat(folder)).isDirectory() && (await readdir(folder)).length === 0);
}

async function writeFiles(folder: string, files: readonly SiteFile[]): Promise<void> {
  for (const { name, content } of files) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    if (typeof content === 'string' || content instanceof Uint8Array) await writeFile(path, content);
    else await copyFile(content.path, path);
  }
}

/** Puts each file or folder of `from` in the place of its namesake; index.html comes last, when all it needs is there. */
async function replaceEntries(from: string, to: string): Promise<void> {
  const names = (await readdir(from)).filter((name) => name !== 'index.html');
  for (const name of [...names, 'index.html']) {
    if ((await stat(join(from, name))).isDirectory())
      await rm(join(to, name), { recursive: true, force: true });
    await rename(join(from, name), join(to, name));
  }
}

/**
 * Writes a site under a temporary name beside `folder`, and moves it there when it is whole.
 *
 * @param force goes into a folder that is not empty: files of the site are replaced, others are left alone
 * @throws GanError `BAD_ARGUMENT` when the folder is not empty, `IO`
 */
export async function placeSite(folder: string, files: readonly SiteFile[], force: boolean): Promise<void> {
  const target = resolve(folder);
  const temporary = join(dirname(target), `.${basename(target)}-${randomUUID()}`);
  try {
    const empty = await isEmpty(target);
    if (!empty && !force) {
      throw expected(
        'embed',
        'a folder that is empty or new',
        folder,
        'Choose another --out, or add --force.',
      );
    }
    await makeFolder(temporary);
    await writeFiles(temporary, files);
    if (empty) {
      // A rename onto an empty folder is not allowed on every system.
      await rm(target, { recursive: true, force: true });
      await rename(temporary, target);
    } else await replaceEntries(temporary, target);
  } catch (error) {
    if (error instanceof GanError) throw error;
    throw ioError('embed', `to write ${folder}`, error);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
