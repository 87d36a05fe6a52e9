/**
 * Room for others between two batches: a runtime that answers without leaving the thread (WebAssembly) would let
 * neither a signal nor a message nor a click through until the last sample is drawn. It knows no generator.
 */

/** Seldom enough to cost nothing, often enough to feel immediate. */
const EVERY_MS = 30;

/** A task of its own; unlike a timer, browsers do not delay it. */
async function waitForTask(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  await new Promise<void>((resolve) => {
    port1.onmessage = () => resolve();
    port2.postMessage(undefined);
  });
  port1.close();
}

/** Makes a function that lets other tasks run when it is called, if they have waited for a while. */
export function makeWay(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < EVERY_MS) return;
    await waitForTask();
    since = performance.now();
  };
}
