/** `ganx serve` as a user starts it: the built program in a child process, on a free port. */
import type { Socket } from 'node:net';
import { afterAll } from 'vitest';
import { type Running, startGanx, waitUntil } from './cli.js';

/** A server that runs. */
export interface Served extends Running {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** What it has written to stdout so far: its log, a JSON object a line. */
  log(): string;
}

/** Starts it and waits until it listens; it is ended with the file's tests. */
export async function startServe(
  arguments_: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Served> {
  const line = ['serve', ...arguments_, '--port', '0', '--device', 'cpu'];
  const running = startGanx(line, cwd, { env: { GANX_TOKEN: '', ...env } });
  let log = '';
  running.child.stdout!.on('data', (chunk) => {
    log += chunk;
  });
  afterAll(async () => {
    running.child.kill('SIGKILL');
    await running.ended;
  });
  await waitUntil(running, () => /Listening on \S+/.test(running.stderr()));
  const [, url] = /Listening on (\S+)/.exec(running.stderr()) ?? [];
  if (url === undefined) throw new Error(`The server did not start: ${running.stderr()}`);
  return { ...running, url, port: Number(new URL(url).port), log: () => log };
}

/** Ends it as a supervisor does; gives its exit code. */
export async function stopServe({ child, ended }: Served): Promise<number | null> {
  child.kill('SIGTERM');
  return (await ended).code;
}

/** The value of a line of `/metrics`; 0 when it is not there. */
export async function readMetric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `) || one.startsWith(`${name}{`));
  return Number(line?.split(' ').at(-1) ?? 0);
}

/** Ends with what a connection received until the other side closed it. */
export function readToEnd(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
  });
  // A server may cut the connection while the client still writes, which is an error to Node and none here.
  socket.on('error', () => {});
  return new Promise((resolve) => socket.once('close', () => resolve(text)));
}
