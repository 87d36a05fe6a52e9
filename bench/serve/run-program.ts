/**
 * Programs of this benchmark in processes of their own: one that ends and tells its result as JSON, and `ganx serve`
 * itself. It knows neither loads nor tables.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { GanError } from '../../src/core/errors.js';

const DIST = new URL('../../', import.meta.url);
const LARGEST_RESULT = 2 ** 26;

/**
 * Runs a program of this folder to its end.
 *
 * @param dist folder of the built package, ending in a slash
 * @returns what it printed, read as JSON
 */
export async function runProgram<T>(script: string, options: object, dist: URL = DIST): Promise<T> {
  const program = fileURLToPath(new URL(`bench/serve/${script}`, dist));
  const line = [program, JSON.stringify(options)];
  const { stdout } = await promisify(execFile)(process.execPath, line, { maxBuffer: LARGEST_RESULT });
  return JSON.parse(stdout) as T;
}

/** What such a program was given. */
export function readOptions<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T;
}

/** A server that is ready. */
export interface Served {
  readonly url: string;
  readonly pid: number;
  /** What all of its threads have worked so far; NaN where there is no /proc. */
  cpuMs(): number;
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>;
}

/** Clock ticks a second in /proc, on every Linux that Node runs on. */
const TICKS = 100;

function readCpuMs(pid: number): number {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return Number.NaN;
  // After the program's name, which may hold spaces: state is field 3, utime 14, stime 15.
  const fields = readFileSync(path, 'utf8').split(') ')[1]!.split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS) * 1000;
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

async function waitUntilReady(child: ChildProcess, url: string, said: () => string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/v2/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    if (child.exitCode !== null)
      throw new GanError('IO', 'bench', `Expected ganx serve to start, got \`${said()}\`.`);
    await sleep(50);
  }
}

/** Starts `ganx serve` with some files and flags. @throws GanError `IO` when it ends before it is ready */
export async function startServer(line: readonly string[]): Promise<Served> {
  const port = await findFreePort();
  const main = fileURLToPath(new URL('src/cli/main.js', DIST));
  const flags = ['--port', String(port), '--log-level', 'error'];
  const child = spawn(process.execPath, [main, 'serve', ...line, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-1000);
    });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const url = `http://127.0.0.1:${port}`;
  await waitUntilReady(child, url, () => text);
  return {
    url,
    pid: child.pid!,
    cpuMs: () => readCpuMs(child.pid!),
    async stop() {
      child.kill('SIGTERM');
      return (await ended)[0];
    },
  };
}
