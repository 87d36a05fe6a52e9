/**
 * The page's side of a worker: each request is a promise. It knows no tab.
 */
import type { ExportedFile, FromWorker, Plan, Request, ToWorker, View } from './messages.js';

/** A worker that trains. */
export interface Trainer {
  begin(plan: Plan, keep: boolean): Promise<View>;
  advance(steps: number): Promise<View>;
  exportFile(): Promise<ExportedFile>;
}

/** Starts a worker. @param onCrash told when the worker itself fails */
export function startTrainer(onCrash: (reason: string) => void): Trainer {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  const waiting = new Map<
    number,
    { resolve(result: View | ExportedFile): void; reject(error: Error): void }
  >();
  let lastId = 0;

  worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
    const asker = waiting.get(data.id);
    waiting.delete(data.id);
    if ('failure' in data) asker?.reject(new Error(data.failure));
    else asker?.resolve(data.result);
  });
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    onCrash(event.message || 'The worker did not start.');
  });

  const ask = (request: Request): Promise<View | ExportedFile> =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, request } satisfies ToWorker);
    });
  return {
    begin: (plan, keep) => ask({ type: 'begin', plan, keep }) as Promise<View>,
    advance: (steps) => ask({ type: 'advance', steps }) as Promise<View>,
    exportFile: () => ask({ type: 'export' }) as Promise<ExportedFile>,
  };
}
