/**
 * A real headless Chromium for the tests of pages, driven through a pipe: what it logs, asks for and computes.
 * It knows no page and no test.
 * https://chromedevtools.github.io/devtools-protocol/
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';

const PLACES = ['chromium', 'chromium-browser', 'google-chrome'].map((name) => `/usr/bin/${name}`);

/** The browser on this machine; `GANX_CHROMIUM` names another. Undefined when there is none. */
export const chromiumPath: string | undefined = [process.env.GANX_CHROMIUM ?? '', ...PLACES].find(existsSync);

// No call home, no first-run page, colours as they are: only what the test serves.
const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
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

type Json = Record<string, unknown>;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Json;
  readonly result?: Json;
  readonly error?: { readonly message: string };
}

/** One open tab. */
export interface Page {
  /** Errors and warnings of the console, exceptions, and what the page's policies refused. */
  readonly complaints: readonly string[];
  /** Addresses of every request, those of workers left out. */
  readonly requests: readonly string[];
  /** The value of an expression, awaited; it must be JSON. @throws when it throws in the page */
  evaluate(expression: string): Promise<unknown>;
  /** Waits until an expression is true. @throws with the complaints after `timeoutMs` */
  waitFor(expression: string, timeoutMs?: number): Promise<void>;
  /** A picture of the tab as PNG bytes. */
  screenshot(): Promise<Uint8Array>;
  /** Ends the browser and removes its profile. */
  close(): Promise<void>;
}

/** What of an event a person would see in red or yellow in the console. */
function complaintOf({ method, params = {} }: Message): string | undefined {
  if (method === 'Runtime.exceptionThrown') return JSON.stringify(params.exceptionDetails);
  if (method === 'Runtime.consoleAPICalled' && /^(error|warning|assert)$/.test(String(params.type))) {
    return JSON.stringify(params.args);
  }
  const entry = params.entry as { level: string; text: string; url?: string } | undefined;
  if (method === 'Log.entryAdded' && /^(error|warning)$/.test(entry!.level)) {
    return `${entry!.text} ${entry!.url ?? ''}`;
  }
  return undefined;
}

/** Opens an address in a new browser. */
export async function openPage(address: string): Promise<Page> {
  if (chromiumPath === undefined) throw new Error('There is no Chromium here.');
  const profile = mkdtempSync(join(tmpdir(), 'ganx-chromium-'));
  const browser = spawn(chromiumPath, [...FLAGS, `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    // A process group of its own, so that its helpers can be ended with it.
    detached: true,
  });
  const ended = new Promise<void>((resolve) => browser.once('exit', () => resolve()));
  const [toBrowser, fromBrowser] = [browser.stdio[3] as Duplex, browser.stdio[4] as Duplex];

  const complaints: string[] = [];
  const requests: string[] = [];
  const waiting = new Map<number, (message: Message) => void>();
  let sessionId: string | undefined;
  let rest = '';

  const receive = (message: Message): void => {
    if (message.id !== undefined) waiting.get(message.id)?.(message);
    const complaint = complaintOf(message);
    if (complaint !== undefined) complaints.push(complaint);
    if (message.method === 'Network.requestWillBeSent') {
      const { request } = message.params as { request: { url: string } };
      requests.push(request.url);
    }
  };
  fromBrowser.setEncoding('utf8').on('data', (chunk: string) => {
    const texts = (rest + chunk).split('\0');
    rest = texts.pop()!;
    for (const text of texts) receive(JSON.parse(text) as Message);
  });
  void ended.then(() => {
    for (const answer of waiting.values()) answer({ error: { message: 'Chromium has ended.' } });
  });

  let lastId = 0;
  const send = async (method: string, params: Json = {}): Promise<Json> => {
    const id = ++lastId;
    const message = await new Promise<Message>((resolve) => {
      waiting.set(id, resolve);
      toBrowser.write(`${JSON.stringify({ id, method, params, ...(sessionId ? { sessionId } : {}) })}\0`);
    });
    waiting.delete(id);
    if (message.error) throw new Error(`${method}: ${message.error.message}`);
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

  const evaluate = async (expression: string): Promise<unknown> => {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await send('Runtime.evaluate', options);
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { value?: unknown }).value;
  };

  const waitFor = async (expression: string, timeoutMs = 60_000): Promise<void> => {
    const until = Date.now() + timeoutMs;
    while (!(await evaluate(expression))) {
      if (Date.now() > until) throw new Error(`Never true: ${expression}. ${complaints.join(' ')}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  const screenshot = async (): Promise<Uint8Array> => {
    const { data } = await send('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(String(data), 'base64');
  };

  try {
    const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
    const attached = await send('Target.attachToTarget', { targetId, flatten: true });
    sessionId = String(attached.sessionId);
    for (const domain of ['Runtime', 'Log', 'Network', 'Page']) await send(`${domain}.enable`);
    await send('Page.navigate', { url: address });
  } catch (error) {
    await close();
    throw error;
  }
  return { complaints, requests, evaluate, waitFor, screenshot, close };
}
