/**
 * The worker of one tab: requests in, views and files out, one after the other. What it does is in training.ts.
 */
import { messageOf } from '../../src/core/errors.js';
import type { ExportedFile, FromWorker, Request, ToWorker, View } from './messages.js';
import { openTraining, type Training } from './training.js';

let training: Training | undefined;

async function perform(request: Request): Promise<View | ExportedFile> {
  if (request.type === 'begin') {
    if (request.keep && training?.adopt(request.plan)) return await training.advance(0);
    const before = request.keep ? await training?.readProgress() : undefined;
    // Only then is the old one let go, so that it goes on where the new one cannot be.
    const next = await openTraining(request.plan, before);
    await training?.dispose();
    training = next;
    return await training.advance(0);
  }
  if (!training) throw new Error('There is no training yet.');
  return request.type === 'advance' ? await training.advance(request.steps) : await training.exportFile();
}

function post(message: FromWorker, transfer: Transferable[] = []): void {
  globalThis.postMessage(message, { transfer });
}

let turn: Promise<void> = Promise.resolve();

globalThis.addEventListener('message', ({ data: { id, request } }: MessageEvent<ToWorker>) => {
  turn = turn.then(async () => {
    try {
      post({ id, result: await perform(request) });
    } catch (error) {
      post({ id, failure: messageOf(error) });
    }
  });
});
