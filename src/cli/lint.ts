/** `ganx lint`: what in an .onnx file is known to go wrong somewhere. Exit code 1 on errors, not on warnings. */
import { stat } from 'node:fs/promises';
import { type Finding, lintModel, lintSize } from '../../exporters/lint/index.js';
import { readWholeFile } from '../checkpoint/index.js';
import type { FlagValues } from './flags.js';
import { paint, printLine } from './print.js';
import type { Verb } from './verb.js';

const flags = { json: { describe: 'print JSON' } };

function printFinding({ rule, severity, where, message, remedy, thread }: Finding): void {
  const label = paint(severity === 'error' ? 'red' : 'yellow', severity, process.stdout);
  printLine(`${label} ${rule} at ${where}: ${message}`);
  printLine(`  ${remedy} ${paint('dim', thread, process.stdout)}`);
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

async function runLint({ json }: FlagValues<typeof flags>, file: string): Promise<void> {
  // A missing file has no size to complain about: reading it says so.
  const { size } = await stat(file).catch(() => ({ size: 0 }));
  const tooLarge = lintSize(size, file);
  const findings = tooLarge.length > 0 ? tooLarge : lintModel(await readWholeFile(file), file);
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  if (json) printLine(JSON.stringify({ file, errors, warnings, findings }, null, 2));
  else {
    findings.forEach(printFinding);
    printLine(`${file}: ${count(errors, 'error')}, ${count(warnings, 'warning')}.`);
  }
  if (errors > 0) process.exitCode = 1;
}

export const lintVerb: Verb<typeof flags> = {
  name: 'lint',
  describe: 'check an .onnx file for what goes wrong elsewhere',
  path: { name: 'file', describe: 'an .onnx file, of ganx or not' },
  flags,
  examples: [
    ['lint generator.onnx', 'each finding with what to do and a thread about it'],
    ['lint other.onnx --json', 'for programs'],
  ],
  run: runLint,
};
