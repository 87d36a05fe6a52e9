/**
 * A page of dist/site/session-page.js in a Chromium of its own, started when it is first called and again after it
 * broke down: calls of its functions as JSON. It knows what travels, not what it means.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GanError, type GanErrorCode, messageOf } from '../core/errors.js';
import { openPage, type Page } from './chromium.js';
import { type FolderServer, serveFolder } from './serve-folder.js';

const SCRIPT = 'session-page.js';

/** The page's functions, called from Node. */
export interface SessionPage {
  /**
   * Calls `ganxSessions[name]`; arguments and result are JSON.
   *
   * @throws GanError as thrown there; `RUNTIME_UNAVAILABLE` when the page broke down, and then the next call starts anew
   */
  call(name: string, ...values: readonly unknown[]): Promise<unknown>;
  /** Counts the pages that have ended: what they held is gone. */
  readonly ended: number;
  close(): Promise<void>;
}

/**
 * The folder of the bundled page, from the package or from a checkout that was built.
 *
 * @throws GanError `RUNTIME_UNAVAILABLE` when it is not there
 */
function findSite(): string {
  const places = ['../../site/', '../../dist/site/'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const found = places.find((place) => existsSync(join(place, SCRIPT)));
  if (found !== undefined) return found;
  const message = `Expected ${SCRIPT} in dist/site, got \`none\`. Run npm run build.`;
  throw new GanError('RUNTIME_UNAVAILABLE', 'chromium', message);
}

/** ONNX Runtime's own files for pages. */
function findRuntimeFiles(): string {
  return dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
}

/** What comes back of a call; see src/web/session-page.ts. */
interface Answer {
  readonly value?: unknown;
  readonly error?: { readonly code?: GanErrorCode; readonly where?: string; readonly message: string };
}

function brokenDown(cause: string): GanError {
  const message = `Expected the page to answer, got \`${cause}\`. Open the model again; a smaller one may fit.`;
  return new GanError('RUNTIME_UNAVAILABLE', 'chromium', message);
}

/** @throws GanError as the page sent it, its place taken out of the message since it is put there again */
function unwrap({ value, error }: Answer): unknown {
  if (!error) return value;
  const { code, where = '', message } = error;
  if (code === undefined) throw brokenDown(message);
  throw new GanError(code, where, message.slice(`[${where}] `.length));
}

/** Prepares a page; nothing runs until the first call. */
export function prepareSessionPage(options: { readonly webgpu: boolean }): SessionPage {
  let running: Promise<{ server: FolderServer; page: Page }> | undefined;
  let ended = 0;

  const start = async (): Promise<{ server: FolderServer; page: Page }> => {
    const server = await serveFolder(findSite(), { mounts: { '/ort/': findRuntimeFiles() } });
    try {
      // Any document of this origin will do.
      const page = await openPage(`${server.origin}/${SCRIPT}`, options);
      try {
        await page.evaluate(`import('/${SCRIPT}').then(() => true)`);
      } catch (error) {
        await page.close();
        throw error;
      }
      return { server, page };
    } catch (error) {
      await server.close();
      throw error;
    }
  };

  const close = async (): Promise<void> => {
    if (!running) return;
    const ending = running;
    running = undefined;
    ended++;
    // One that did not start has closed what it opened.
    const started = await ending.catch(() => undefined);
    await started?.page.close();
    await started?.server.close();
  };

  const call = async (name: string, ...values: readonly unknown[]): Promise<unknown> => {
    running ??= start();
    const mine = running;
    let answer: Answer;
    try {
      const { page } = await mine;
      const words = values.map((value) => JSON.stringify(value)).join(', ');
      answer = ((await page.evaluate(`ganxSessions.${name}(${words})`)) ?? {}) as Answer;
    } catch (error) {
      if (running === mine) await close();
      if (error instanceof GanError && error.code === 'RUNTIME_UNAVAILABLE') throw error;
      throw brokenDown(error instanceof GanError ? String(error.cause) : messageOf(error));
    }
    if (answer.error && answer.error.code === undefined && running === mine) await close();
    return unwrap(answer);
  };

  return {
    call,
    close,
    get ended() {
      return ended;
    },
  };
}
