/**
 * Serves folders to a page on this machine as a careful server would: a strict policy, nothing from elsewhere.
 * It knows no browser.
 * https://developer.mozilla.org/docs/Web/HTTP/Headers/Content-Security-Policy
 */
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
};

/** Nothing from elsewhere, no inline script, no eval but WebAssembly's. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; connect-src 'self'; style-src 'self'; script-src 'self' 'wasm-unsafe-eval'; " +
    "worker-src 'self'; img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

/** Makes a page cross-origin isolated, without which it has no threads. */
const ISOLATION = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** How {@link serveFolder} serves. */
export interface ServeOptions {
  /** Whether pages are cross-origin isolated, so that threads work; true when absent. */
  readonly isolated?: boolean;
  /** More folders by the beginning of their addresses: `{ '/ort/': folder }`. */
  readonly mounts?: Readonly<Record<string, string>>;
  /** Headers besides, or instead of, its own; names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A folder that is being served. */
export interface FolderServer {
  /** `http://127.0.0.1:port`. */
  readonly origin: string;
  close(): Promise<void>;
}

/** Serves a folder on a free port of this machine, to this machine alone. */
export async function serveFolder(folder: string, options: ServeOptions = {}): Promise<FolderServer> {
  const { isolated = true, mounts = {}, headers = {} } = options;
  const allHeaders = { ...HEADERS, ...(isolated ? ISOLATION : {}), ...headers };
  const server = createServer((request, response) => {
    // The parser of addresses has taken every `..` out.
    const { pathname } = new URL(`http://localhost${request.url}`);
    const mount = Object.entries(mounts).find(([prefix]) => pathname.startsWith(prefix));
    const [root, inside] = mount ? [mount[1], pathname.slice(mount[0].length)] : [folder, pathname];
    const path = join(root, normalize(inside === '/' ? '/index.html' : inside));
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats?.isFile()) {
      response.writeHead(404, allHeaders).end();
      return;
    }
    response.writeHead(200, {
      ...allHeaders,
      'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
      'content-length': stats.size,
    });
    createReadStream(path)
      .on('error', () => response.destroy())
      .pipe(response);
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
