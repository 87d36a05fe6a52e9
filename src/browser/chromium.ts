/**
 * A real headless Chromium, driven through a pipe: what a page logs, asks for and computes. It knows no page.
 * It speaks the browser's own protocol over two file descriptors in these few lines; the usual drivers are sixty
 * packages that fetch a browser of their own, for what is one process and a dozen messages here.
 * https://chromedevtools.github.io/devtools-protocol/
 */
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { GanError } from '../core/errors.js';
import { findChromium } from './find-chromium.js';

// No call home, no first-run page, colours as they are: only what is served to it.
const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--force-color-profile=srgb',
  '--window-size=800,900',
  '--remote-debugging-pipe',
];

const HARDWARE = ['--enable-unsafe-webgpu', '--enable-features=Vulkan'];
/** Only where there is nothing else: on a machine with a GPU it would take the GPU's place. */
const SOFTWARE = [...HARDWARE, '--use-webgpu-adapter=swiftshader'];

type Json = Record<string, unknown>;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Json;
  readonly result?: Json;
  readonly error?: { readonly message: string };
}

/** What a page is opened with. */
export interface PageOptions {
  /** Lets the page use WebGPU: on this machine's GPU, or in software (SwiftShader) where there is none. */
  readonly webgpu?: boolean;
}

/** One open tab. */
export interface Page {
  /** What computes WebGPU: `none` unless it was asked for and there is an adapter. */
  readonly webgpu: 'hardware' | 'software' | 'none';
  /** Errors and warnings of the console, exceptions, what policies refused; not that there is no GPU. */
  readonly complaints: readonly string[];
  /** Addresses of every request, those of workers left out. */
  readonly requests: readonly string[];
  /** The value of an expression, awaited; it must be JSON. @throws GanError `IO` when it throws in the page */
  evaluate(expression: string): Promise<unknown>;
  /** Waits until an expression is true. @throws GanError `IO` with the complaints after `timeoutMs` */
  waitFor(expression: string, timeoutMs?: number): Promise<void>;
  /** A message of the protocol to this tab: keys, the size of the window, colours. @throws GanError `IO` */
  send(method: string, params?: Json): Promise<Json>;
  /** A picture of the tab as PNG bytes. */
  screenshot(): Promise<Uint8Array>;
  /** Ends the browser and removes its profile. */
  close(): Promise<void>;
}

/** @param reason what happened, also as the error's cause */
function failed(what: string, reason: string): GanError {
  const message = `Expected ${what}, got \`${reason}\`. Open the page again.`;
  return new GanError('IO', 'chromium', message, { cause: reason });
}

/** What Chromium remarks when a page asks for WebGPU where there is none; asking is the only way to find out. */
const NO_GPU = 'No available adapters.';

/** What of an event a person would see in red or yellow in the console. */
function complaintOf({ method, params = {} }: Message): string | undefined {
  if (method === 'Runtime.exceptionThrown') return JSON.stringify(params.exceptionDetails);
  if (method === 'Runtime.consoleAPICalled' && /^(error|warning|assert)$/.test(String(params.type))) {
    return JSON.stringify(params.args);
  }
  const entry = params.entry as { level: string; text: string; url?: string } | undefined;
  if (method === 'Log.entryAdded' && /^(error|warning)$/.test(entry!.level) && entry!.text !== NO_GPU) {
    return `${entry!.text} ${entry!.url ?? ''}`;
  }
  return undefined;
}

/** The messages that go to and come from one browser. */
interface Pipe {
  send(method: string, params?: Json): Promise<Json>;
  /** Sends what follows to this tab. */
  attach(sessionId: string): void;
  close(): Promise<void>;
}

function startBrowser(flags: readonly string[], receive: (message: Message) => void): Pipe {
  const profile = mkdtempSync(join(tmpdir(), 'ganx-chromium-'));
  const browser = spawn(findChromium(), [...FLAGS, ...flags, `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    // A process group of its own, so that its helpers can be ended with it.
    detached: true,
  });
  const ended = new Promise<void>((resolve) => {
    browser.once('exit', () => resolve());
    browser.once('error', () => resolve());
  });
  const [toBrowser, fromBrowser] = [browser.stdio[3] as Duplex, browser.stdio[4] as Duplex];
  const waiting = new Map<number, (message: Message) => void>();
  let sessionId: string | undefined;
  let gone: string | undefined;

  const giveUp = (reason: string): void => {
    gone = reason;
    for (const answer of waiting.values()) answer({ error: { message: reason } });
  };
  void ended.then(() => giveUp('Chromium has ended.'));
  // A pipe that breaks when the browser ends says nothing that `ended` does not.
  for (const stream of [toBrowser, fromBrowser]) stream.on('error', () => giveUp('Chromium has ended.'));

  let parts: string[] = [];
  fromBrowser.setEncoding('utf8').on('data', (chunk: string) => {
    const texts = chunk.split('\0');
    for (const [i, text] of texts.entries()) {
      parts.push(text);
      if (i === texts.length - 1) break;
      const message = JSON.parse(parts.join('')) as Message;
      parts = [];
      if (message.id !== undefined) waiting.get(message.id)?.(message);
      if (message.method === 'Inspector.targetCrashed') giveUp('The page has crashed.');
      receive(message);
    }
  });

  let lastId = 0;
  const send = async (method: string, params: Json = {}): Promise<Json> => {
    if (gone !== undefined) throw failed(`an answer to ${method}`, gone);
    const id = ++lastId;
    const message = await new Promise<Message>((resolve) => {
      waiting.set(id, resolve);
      toBrowser.write(`${JSON.stringify({ id, method, params, ...(sessionId ? { sessionId } : {}) })}\0`);
    });
    waiting.delete(id);
    if (message.error) throw failed(`an answer to ${method}`, message.error.message);
    return message.result ?? {};
  };

  const close = async (): Promise<void> => {
    browser.kill('SIGTERM');
    await ended;
    try {
      process.kill(-browser.pid!, 'SIGKILL');
    } catch {
      // None of its helpers is left.
    }
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  const attach = (id: string): void => {
    sessionId = id;
  };
  return { send, attach, close };
}

async function openWith(address: string, flags: readonly string[]): Promise<Omit<Page, 'webgpu'>> {
  const complaints: string[] = [];
  const requests: string[] = [];
  const { send, attach, close } = startBrowser(flags, (message) => {
    const complaint = complaintOf(message);
    if (complaint !== undefined) complaints.push(complaint);
    if (message.method === 'Network.requestWillBeSent') {
      const { request } = message.params as { request: { url: string } };
      requests.push(request.url);
    }
  });

  const evaluate = async (expression: string): Promise<unknown> => {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await send('Runtime.evaluate', options);
    if (exceptionDetails !== undefined) throw failed('a value', JSON.stringify(exceptionDetails));
    return (result as { value?: unknown }).value;
  };

  const waitFor = async (expression: string, timeoutMs = 60_000): Promise<void> => {
    const until = Date.now() + timeoutMs;
    while (!(await evaluate(expression))) {
      if (Date.now() > until) {
        throw failed(`${expression} within ${timeoutMs / 1000} s`, complaints.join(' ') || 'no complaint');
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  const screenshot = async (): Promise<Uint8Array> => {
    const { data } = await send('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(String(data), 'base64');
  };

  try {
    const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
    attach(String((await send('Target.attachToTarget', { targetId, flatten: true })).sessionId));
    for (const domain of ['Runtime', 'Log', 'Network', 'Page', 'Inspector']) await send(`${domain}.enable`);
    await send('Page.navigate', { url: address });
  } catch (error) {
    await close();
    throw error;
  }
  return { complaints, requests, evaluate, waitFor, send, screenshot, close };
}

/** Who computes WebGPU in the page. */
const ADAPTER_KIND = `(async () => {
  const adapter = await navigator.gpu?.requestAdapter();
  return !adapter ? 'none' : adapter.info.isFallbackAdapter ? 'software' : 'hardware';
})()`;

/**
 * Opens an address in a new browser.
 *
 * @throws GanError `RUNTIME_UNAVAILABLE` when there is no Chromium here
 */
export async function openPage(address: string, { webgpu = false }: PageOptions = {}): Promise<Page> {
  if (!webgpu) return { ...(await openWith(address, ['--disable-gpu'])), webgpu: 'none' };
  const withAdapter = async (flags: readonly string[]): Promise<Page> => {
    const page = await openWith(address, flags);
    return { ...page, webgpu: (await page.evaluate(ADAPTER_KIND)) as Page['webgpu'] };
  };
  const page = await withAdapter(HARDWARE);
  if (page.webgpu !== 'none') return page;
  await page.close();
  return await withAdapter(SOFTWARE);
}
