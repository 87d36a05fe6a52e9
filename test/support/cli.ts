/**
 * The command line as a user has it: the built program in a child process, in a temporary folder.
 * It runs `dist/`, so `npm run build` comes first; `npm test` does that.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

/** How a program ended, and what it said. */
export interface Outcome {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs. */
export interface Running {
  readonly child: ChildProcess;
  /** What it has written to stderr so far. */
  stderr(): string;
  readonly ended: Promise<Outcome>;
}

/** A folder that goes away when the file's tests are done. Call it at the top of a file. */
export function makeWorkplace(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ganx-cli-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** How to start it otherwise than usual. */
export interface StartOptions {
  /** Variables of the environment, over the test's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** The program of another copy of ganx. */
  readonly main?: string;
}

/** Starts `ganx`. */
export function startGanx(
  arguments_: readonly string[],
  cwd: string,
  { env = {}, main = MAIN }: StartOptions = {},
): Running {
  if (!existsSync(MAIN)) throw new Error('dist/ is missing: run `npm run build` first.');
  const child = spawn(process.execPath, [main, ...arguments_], {
    cwd,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, stderr: () => stderr, ended };
}

/** Runs `ganx` to its end. */
export function ganx(
  arguments_: readonly string[],
  cwd: string,
  options: StartOptions = {},
): Promise<Outcome> {
  return startGanx(arguments_, cwd, options).ended;
}

/** Runs `ganx` and expects success; gives what it printed. */
export async function ganxOk(arguments_: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await ganx(arguments_, cwd);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** Expects an error for people: exit code 1, one message with every part, no results, no stack. */
export function expectRefusal({ code, stdout, stderr }: Outcome, ...parts: readonly string[]): void {
  for (const part of parts) expect(stderr).toContain(part);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  const message = stderr.slice(stderr.indexOf('error ['));
  expect(message).toMatch(/^error \[[^\n]+\] Expected [^\n]+\n$/);
  expect(stderr).not.toMatch(/^\s+at /m);
}

/** Waits until the condition holds or the program has ended. */
export async function waitUntil({ child }: Running, condition: () => boolean): Promise<void> {
  while (!condition() && child.exitCode === null && child.signalCode === null) await sleep(1);
}
