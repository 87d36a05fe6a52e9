/**
 * Runs the programs that the setup borrows (npm, pip, tar, a C++ compiler, an installer), the first of several that is
 * there, and turns their failures into one line. It knows nothing of what they do.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { GanError } from '../core/errors.js';

/** A program with the arguments that belong to its name: `['python3', '-m', 'pip']`. */
export type Program = readonly [string, ...string[]];

/** How programs are run. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** Lets them write their progress to this process's stderr, when that is a terminal. */
  readonly show?: boolean | undefined;
}

/** Only the end of what a program wrote is of interest. */
const KEPT_CHARACTERS = 64 * 1024;
const MAX_LINE = 300;

/** What a program wrote, as the one line that says what was wrong. */
export function findReason(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const errors = lines
    .filter((line) => /(?<!')\b\w*error\b(?!')|\bunexpected\b|contains '\.\.'/i.test(line))
    .slice(0, 2);
  const reason = errors.length > 0 ? errors.join('; ') : (lines.at(-1) ?? 'no output');
  return reason.replaceAll('`', "'").slice(0, MAX_LINE);
}

/** How it ended; `absent` when there is no such program. */
type Ending = { readonly code: number | null; readonly output: string } | 'absent';

async function runOne([name, ...arguments_]: Program, options: RunOptions): Promise<Ending> {
  const { cwd, env, signal, show } = options;
  return await new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(name, arguments_, {
      stdio: ['ignore', show ? 2 : 'pipe', 'pipe'],
      windowsHide: true,
      // npm is a script there, which only a shell can start. No argument comes from outside.
      shell: process.platform === 'win32' && name === 'npm',
      ...(cwd ? { cwd } : {}),
      ...(env ? { env } : {}),
      ...(signal ? { signal } : {}),
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-KEPT_CHARACTERS);
      });
    }
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve('absent');
      // One that was stopped is waited for, so that nobody writes any more when its folder goes away.
      else if (!signal?.aborted) reject(error);
    });
    child.once('close', (code) => {
      resolve(/No module named pip\b/.test(output) ? 'absent' : { code, output });
    });
  });
}

/** Programs that can stand for each other. */
export interface Tool {
  /** `a C++ compiler`. */
  readonly name: string;
  /** Best first. */
  readonly programs: readonly Program[];
  /** How to get one of them, as a sentence. */
  readonly remedy: string;
}

/**
 * Runs the first of a tool's programs that is installed, to its end.
 *
 * @throws GanError `RUNTIME_UNAVAILABLE` when none is there, or when it fails, with its own words
 */
export async function runTool(
  { name, programs, remedy }: Tool,
  arguments_: readonly string[],
  options: RunOptions,
): Promise<void> {
  for (const program of programs) {
    const ending = await runOne([...program, ...arguments_], options);
    options.signal?.throwIfAborted();
    if (ending === 'absent') continue;
    if (ending.code === 0) return;
    throw new GanError(
      'RUNTIME_UNAVAILABLE',
      'setup',
      `Expected ${name} to succeed, got \`${findReason(ending.output)}\`.`,
    );
  }
  const known = programs.map((program) => program.join(' ')).join(', ');
  throw new GanError('RUNTIME_UNAVAILABLE', 'setup', `Expected ${name}, got \`none of ${known}\`. ${remedy}`);
}
