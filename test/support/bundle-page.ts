/**
 * A page as its author would ship it: bundled with Vite into a folder, and served from there as a careful server would.
 * It knows no browser.
 */
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { build } from 'vite';

/** Where a bundle lies and what went into it. */
export interface Bundle {
  readonly folder: string;
  /** Every module that any chunk holds, as Vite names it. */
  readonly modules: readonly string[];
  /** Code of each chunk by file name. */
  readonly chunks: Readonly<Record<string, string>>;
}

/**
 * Bundles the page whose index.html lies in `root`.
 *
 * @param publicFolder files to be served beside it
 * @param external     packages to leave out of the bundle
 */
export async function bundlePage(
  root: string,
  folder: string,
  publicFolder: string,
  external: readonly string[] = [],
): Promise<Bundle> {
  const output = await build({
    root,
    configFile: false,
    logLevel: 'error',
    publicDir: publicFolder,
    build: { outDir: folder, emptyOutDir: true, rolldownOptions: { external: [...external] } },
  });
  if (Array.isArray(output) || !('output' in output)) throw new Error('Expected one bundle.');
  const chunks = output.output.filter((file) => file.type === 'chunk');
  return {
    folder,
    modules: chunks.flatMap(({ moduleIds }) => moduleIds),
    chunks: Object.fromEntries(chunks.map(({ fileName, code }) => [fileName, code])),
  };
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
};

/** Nothing from elsewhere, no inline script, no eval but WebAssembly's; isolated, so that threads would work. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; connect-src 'self'; style-src 'self'; script-src 'self' 'wasm-unsafe-eval'; " +
    "worker-src 'self'; img-src blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

/** Serves a folder on a free port of this machine. */
export async function serveFolder(folder: string): Promise<{ origin: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = join(folder, normalize(pathname === '/' ? '/index.html' : pathname));
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) {
      response.writeHead(404, HEADERS).end();
      return;
    }
    response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
    response.writeHead(200, HEADERS).end(readFileSync(path));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { origin: `http://127.0.0.1:${port}`, close };
}
