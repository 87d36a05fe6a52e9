/** Starts a job in a process of its own and waits for its answer; whatever becomes of the process is an answer too. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { decodeEnding } from './answer.js';
import { ANSWER_STREAM, type Ending, type Jobs } from './jobs.js';

/** Longer than any job takes on a machine that is worth it; a driver that hangs must not take the others along. */
const LIMIT_MS = 10 * 60_000;
const KEPT_CHARACTERS = 4096;

/**
 * @param environment variables over this process's own; an undefined one is taken away
 * @returns the result, or why there is none
 */
export async function runJob<Name extends keyof Jobs>(
  name: Name,
  given: Jobs[Name]['given'],
  environment: Readonly<Record<string, string | undefined>> = {},
): Promise<Ending<Jobs[Name]['result']>> {
  process.stderr.write(`${name} ${JSON.stringify(given)}\n`);
  const program = fileURLToPath(new URL('job.js', import.meta.url));
  const child = spawn(process.execPath, [program, name, JSON.stringify(given)], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    process.stderr.write(chunk);
    said = (said + chunk).slice(-KEPT_CHARACTERS);
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', ({ message }) => resolve(message));
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const answer = await text(child.stdio[ANSWER_STREAM] as NodeJS.ReadableStream);
  const ending = await ended;
  if (answer !== '') return decodeEnding(answer);
  const last = said.trimEnd().split('\n').at(-1) ?? '';
  return { failure: `Its process ended with ${ending}. ${last}`.trimEnd() };
}
