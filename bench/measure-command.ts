/**
 * Runs a built program to its end in a process of its own and measures it from outside: time, what it says when, and
 * the most memory that it held. It knows no benchmark.
 */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { GanError } from '../src/core/errors.js';

/** What a process took. */
export interface Measured {
  readonly seconds: number;
  /** Lines on stderr, and seconds from the start until each came. */
  readonly notes: readonly { readonly line: string; readonly atSeconds: number }[];
  readonly stdout: string;
  /** The most memory that was resident. */
  readonly peakBytes: number;
}

/**
 * @param dist   folder of the built package, ending in a slash
 * @param script path of the program inside it
 * @throws GanError `IO` when the program fails, with what it said last
 */
export async function measureCommand(
  dist: URL,
  script: string,
  arguments_: readonly string[],
): Promise<Measured> {
  const hook = new URL('bench/tell-peak.js', dist).href;
  const start = performance.now();
  const seconds = (): number => (performance.now() - start) / 1000;
  const program = fileURLToPath(new URL(script, dist));
  const child = spawn(process.execPath, ['--import', hook, program, ...arguments_], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const notes: { line: string; atSeconds: number }[] = [];
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    for (const line of chunk.split('\n').filter(Boolean)) notes.push({ line, atSeconds: seconds() });
  });
  const [code, stdout, peak] = await Promise.all([
    ended,
    text(child.stdout!),
    text(child.stdio[3] as NodeJS.ReadableStream),
  ]);
  if (code !== 0) {
    const last = notes.at(-1)?.line ?? '';
    throw new GanError('IO', 'bench', `Expected ${script} to end well, got exit code \`${code}\`. ${last}`);
  }
  return { seconds: seconds(), notes, stdout, peakBytes: Number(peak) };
}
