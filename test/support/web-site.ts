/**
 * A site for the tests of `ganx/web`: a page with the prebuilt bundle, ONNX Runtime's files, and model files that can
 * change, answer slowly, or be asked for again with a tag. It counts every request, those of workers too.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The prebuilt bundle; `npm run build` makes it. */
export const SITE = join(ROOT, 'dist', 'site');

/** Nothing from elsewhere, no inline script, no eval but WebAssembly's, no worker from a blob. */
export const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; " +
  "style-src 'self'; img-src 'self' blob: data:; base-uri 'none'; form-action 'none'";

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** How {@link serveSite} serves. */
export interface SiteOptions {
  /** What the page's body holds. */
  readonly body?: string;
  /** The policy; {@link POLICY} when absent. */
  readonly policy?: string;
  /** Cross-origin isolated, so that threads work; false when absent. */
  readonly isolated?: boolean;
  /** Interface to listen on; this machine alone when absent. */
  readonly host?: string;
  /** Changes a script on its way. */
  readonly alter?: (path: string, script: string) => string;
}

/** A site that is being served. */
export interface Site {
  readonly origin: string;
  /** Model files by path; may be changed at any time. */
  readonly files: Map<string, Uint8Array>;
  /** Path and status of every answer, in order. */
  readonly answers: readonly string[];
  /** Answers of a path that were cut off by the browser. */
  readonly cutOff: readonly string[];
  /** Paths whose answers stop half-way and wait for ever. */
  readonly stuck: Set<string>;
  close(): Promise<void>;
}

/** Serves a page that puts everything of `ganx/web` on `globalThis.ganx`. */
export async function serveSite(options: SiteOptions = {}): Promise<Site> {
  const { body = '', policy = POLICY, isolated = false, host = '127.0.0.1', alter } = options;
  const page =
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Samples</title><link rel="icon" href="data:,">' +
    `<script type="module" src="page.js"></script><body>${body}`;
  const made: Readonly<Record<string, string>> = {
    '/': page,
    '/page.js': "import * as ganx from './ganx.js'; globalThis.ganx = ganx;",
  };
  const files = new Map<string, Uint8Array>();
  const answers: string[] = [];
  const cutOff: string[] = [];
  const stuck = new Set<string>();
  const headers: Record<string, string> = {
    'content-security-policy': policy,
    ...(isolated
      ? { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }
      : {}),
  };

  const find = (path: string): Buffer | undefined => {
    if (made[path] !== undefined) return Buffer.from(made[path]);
    const model = files.get(path);
    if (model) return Buffer.from(model);
    const file = path.startsWith('/ort/')
      ? join(ROOT, 'node_modules/onnxruntime-web/dist', normalize(path.slice(4)))
      : join(SITE, normalize(path));
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return undefined;
    const content = readFileSync(file);
    return alter && path.endsWith('.js') ? Buffer.from(alter(path, content.toString())) : content;
  };

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { pathname } = new URL(`http://localhost${request.url}`);
    const content = find(pathname);
    const end = (status: number, more: Record<string, string | number> = {}, sent?: Buffer): void => {
      answers.push(`${pathname} ${status}`);
      response.writeHead(status, { ...headers, ...more });
      response.end(sent);
    };
    if (!content) {
      end(404);
      return;
    }
    const type = TYPES[extname(pathname)] ?? (pathname === '/' ? 'text/html' : 'application/octet-stream');
    const etag = `"${createHash('sha256').update(content).digest('hex')}"`;
    const tag: Record<string, string> = files.has(pathname) ? { etag, 'cache-control': 'no-cache' } : {};
    const more = { 'content-type': type, 'content-length': content.length, ...tag };
    if (files.has(pathname) && request.headers['if-none-match'] === etag) end(304, tag);
    else if (!stuck.has(pathname)) end(200, more, content);
    else {
      response.on('close', () => cutOff.push(pathname));
      response.writeHead(200, { ...headers, ...more });
      response.write(content.subarray(0, content.length / 2));
    }
  };

  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { origin: `http://${host}:${port}`, files, answers, cutOff, stuck, close };
}
