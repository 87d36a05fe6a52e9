/**
 * A server as its owner starts it: in a process of its own, on a free port, ended by a signal. It knows nothing of what
 * is served.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A port that nobody uses at the moment. */
async function findPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A server that answers. */
export interface Running {
  readonly origin: string;
  /** Ends it by SIGTERM; the exit code, null where the signal itself ended it. */
  stop(): Promise<number | null>;
}

/**
 * Starts a program that listens on `PORT`, and waits until it answers anything at all.
 *
 * @throws Error with what it said, when it ends instead
 */
export async function startServer(
  file: string,
  parameters: readonly string[],
  cwd: string,
): Promise<Running> {
  const port = await findPort();
  const child: ChildProcess = spawn(process.execPath, [file, ...parameters], {
    cwd,
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr!.on('data', (text) => {
    said += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const origin = `http://127.0.0.1:${port}`;
  for (;;) {
    const answered = await fetch(`${origin}/`).then(
      () => true,
      () => false,
    );
    if (answered) break;
    if (child.exitCode !== null) throw new Error(`The server ended: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const stop = async (): Promise<number | null> => {
    child.kill('SIGTERM');
    return await ended;
  };
  return { origin, stop };
}
