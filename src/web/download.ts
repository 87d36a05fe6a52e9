/**
 * A file from an address, with progress, and kept in the browser's Cache API from one visit to the next: each load
 * asks the server whether its copy is still the same (a conditional request, RFC 9110 section 13). One version of a
 * file is kept. It knows no model and no worker.
 */
import { GanError, messageOf } from '../core/errors.js';

/** How a file is fetched. */
export interface DownloadOptions {
  /** Keep the file, and use the kept one if the server says that it has not changed; needs the same origin. */
  readonly cache: boolean;
  /** Ends it; the promise is then rejected with its reason. */
  readonly signal: AbortSignal;
  readonly onProgress?: (loadedBytes: number, totalBytes: number | undefined) => void;
}

const CACHE = 'ganx';
const REMEDY = 'Give the address of a file that `ganx export` wrote.';

function failed(address: string, got: string, cause?: unknown): GanError {
  const message = `Expected a file that can be fetched, got \`${got}\`. ${REMEDY}`;
  return new GanError('IO', address, message, cause === undefined ? {} : { cause });
}

/** The cache, or undefined where the browser has none for this page (no secure context, storage switched off). */
async function openCache(address: string): Promise<Cache | undefined> {
  // A conditional request to another origin would need that server's consent: the HTTP cache must do there.
  if (!('caches' in globalThis) || new URL(address).origin !== location.origin) return undefined;
  return caches.open(CACHE).catch(() => undefined);
}

/** The headers that ask for the file only if it is another one than the kept. */
function conditionsOf(kept: Response | undefined): Record<string, string> {
  const tag = kept?.headers.get('etag');
  const date = kept?.headers.get('last-modified');
  return { ...(tag ? { 'if-none-match': tag } : {}), ...(date ? { 'if-modified-since': date } : {}) };
}

/** Reads a body to its end. */
async function readBody(
  response: Response,
  { onProgress }: DownloadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  // In one piece, which is faster, where nobody watches.
  if (!onProgress) return new Uint8Array(await response.arrayBuffer());
  // The length is that of the compressed body, where it is compressed.
  const length = response.headers.has('content-encoding') ? null : response.headers.get('content-length');
  const total = length === null ? undefined : Number(length);
  // Written where it stays, if the server says how much there will be.
  let bytes = new Uint8Array(total ?? 0);
  let loaded = 0;
  onProgress(0, total);
  const reader = response.body!.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const { value } = part;
    if (loaded + value.length > bytes.length) {
      const larger = new Uint8Array(Math.max(2 * bytes.length, loaded + value.length));
      larger.set(bytes.subarray(0, loaded));
      bytes = larger;
    }
    bytes.set(value, loaded);
    loaded += value.length;
    onProgress(loaded, total);
  }
  return loaded === bytes.length ? bytes : bytes.slice(0, loaded);
}

/** Keeps the file in place of every other version; a browser that has no room goes without. */
async function keep(
  cache: Cache,
  address: string,
  bytes: Uint8Array<ArrayBuffer>,
  from: Headers,
): Promise<void> {
  const headers: Record<string, string> = { 'content-length': String(bytes.length) };
  for (const name of ['etag', 'last-modified']) {
    const value = from.get(name);
    if (value !== null) headers[name] = value;
  }
  try {
    await cache.delete(address, { ignoreSearch: true });
    // Without a tag or a date nobody could say later whether the file is still the same.
    if (headers.etag ?? headers['last-modified']) await cache.put(address, new Response(bytes, { headers }));
  } catch {
    // No room, or storage was switched off meanwhile: the file is here all the same.
  }
}

/**
 * Downloads a file.
 *
 * @param address absolute
 * @throws GanError `IO` when it cannot be fetched
 */
export async function download(address: string, options: DownloadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const cache = options.cache ? await openCache(address) : undefined;
  const kept = await cache?.match(address).catch(() => undefined);
  try {
    const response = await fetch(address, { headers: conditionsOf(kept), signal: options.signal });
    if (kept && response.status === 304) return await readBody(kept, options);
    if (!response.ok) throw failed(address, `HTTP ${response.status} ${response.statusText}`.trimEnd());
    const bytes = await readBody(response, options);
    if (cache) await keep(cache, address, bytes, response.headers);
    return bytes;
  } catch (cause) {
    options.signal.throwIfAborted();
    if (cause instanceof GanError) throw cause;
    throw failed(address, messageOf(cause), cause);
  }
}
