/**
 * A plain web server for a site: it serves one folder below a path of its own, keeps a list of what was asked for,
 * and of what the pages' and workers' policies refused. It knows no browser.
 */
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { text } from 'node:stream/consumers';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/** Headers by name, as `ganx embed` writes them into `_headers`. */
export function readHeaders(folder: string): Record<string, string> {
  const lines = readFileSync(join(folder, '_headers'), 'utf8').split('\n').slice(1).filter(Boolean);
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

/** A site that is being served. */
export interface SiteServer {
  /** Address of the folder, with a slash at its end. */
  readonly address: string;
  /** Paths below it, in the order of the requests; workers' too. */
  readonly requests: readonly string[];
  /** What was refused because of a Content-Security-Policy with `report-uri`. */
  readonly reports: readonly string[];
  close(): Promise<void>;
}

/** Serves a folder at `/some/folder/` of a free port, to this machine alone. */
export async function serveSite(
  folder: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<SiteServer> {
  const requests: string[] = [];
  const reports: string[] = [];
  const prefix = '/some/folder/';
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(`http://localhost${request.url}`);
    if (pathname === '/reports') {
      reports.push(await text(request));
      response.writeHead(204).end();
      return;
    }
    const name = pathname.startsWith(prefix) ? pathname.slice(prefix.length) : undefined;
    requests.push(name ?? pathname);
    const path = join(folder, name || 'index.html');
    const stats = name === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
    if (!stats?.isFile()) {
      response.writeHead(404, headers).end();
      return;
    }
    response
      .writeHead(200, {
        ...headers,
        'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
        'content-length': stats.size,
      })
      .end(readFileSync(path));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { address: `http://127.0.0.1:${port}${prefix}`, requests, reports, close };
}
