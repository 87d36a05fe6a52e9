/** `ganx doctor`: what works on this machine, what is missing, and the commands that mend it. */
import { expected } from '../core/errors.js';
import { type AutoChoices, type Check, checkAll, chooseAutos } from './checks.js';
import { anyText, type FlagValues } from './flags.js';
import { describeMachine, isNodeNewEnough, type Machine } from './machine.js';
import { formatBytes, formatTable, paint, printLine } from './print.js';
import type { Verb } from './verb.js';

const flags = {
  json: { describe: 'print JSON' },
  require: {
    describe: 'engines, runtimes (name or name/device, by commas) or chromium without which to fail',
    read: anyText,
  },
};

/** The checks that a name means: all of an engine or runtime, or one device of it. @throws GanError for an unknown name */
function findNamed(checks: readonly Check[], name: string): Check[] {
  const namesOf = ({ engine, runtime, browser }: Check): string[] =>
    [engine, runtime, browser].flatMap((one) => (one ? [one, one.split('/')[0]!] : []));
  const found = checks.filter((check) => namesOf(check).includes(name));
  if (found.length > 0) return found;
  const known = [...new Set(checks.flatMap(namesOf))].sort();
  throw expected(
    '--require',
    'an engine or runtime, one of their devices, or chromium',
    name,
    `Known: ${known.join(', ')}.`,
  );
}

/** The browser's version, or that there is none. */
function describeBrowser(checks: readonly Check[]): string {
  const check = checks.find(({ browser }) => browser)!;
  return check.ok ? check.version : check.reason.replace(/\.$/, '');
}

function printMachine(machine: Machine, checks: readonly Check[]): void {
  const { ganx, node, nodeNeeded, platform, arch, libc, cores, memoryBytes, nvidiaDriver } = machine;
  const rows = [
    ['ganx', ganx],
    ['Node', isNodeNewEnough(machine) ? node : `${node}; ganx needs ${nodeNeeded} or newer, see nodejs.org`],
    ['system', `${platform} ${arch}${libc ? `, ${libc}` : ''}`],
    ['machine', `${cores} cores, ${formatBytes(memoryBytes)} of memory`],
    ['NVIDIA driver', nvidiaDriver ? 'found' : 'none'],
    ['Chromium', describeBrowser(checks)],
  ];
  printLine(formatTable(rows));
}

function printChecks(checks: readonly Check[]): void {
  const libraries = checks.filter(({ browser }) => browser === undefined);
  const rows = libraries.map((check) => [
    check.ok ? 'works' : 'no',
    check.engine ?? '',
    check.runtime ?? '',
    check.ok ? check.version : check.reason,
  ]);
  const [head, ...lines] = formatTable([
    ['', 'train --engine', 'sample --runtime', 'version, or why not'],
    ...rows,
  ]).split('\n');
  printLine(head);
  for (const line of lines) {
    const status = line.startsWith('works') ? 'works' : 'no';
    printLine(
      `${paint(status === 'works' ? 'green' : 'yellow', status, process.stdout)}${line.slice(status.length)}`,
    );
  }
}

/** Each remedy once, under all that it mends. */
function printRemedies(checks: readonly Check[]): void {
  const mended = new Map<string, string[]>();
  for (const check of checks) {
    if (check.ok || !check.remedy) continue;
    const { say, commands } = check.remedy;
    const text = [`  ${say}`, ...commands.map((command) => `    ${command}`)].join('\n');
    const names = [check.engine, check.runtime, check.browser].flatMap((name) => (name ? [name] : []));
    mended.set(text, [...(mended.get(text) ?? []), ...names]);
  }
  if (mended.size === 0) return;
  printLine('\nTo mend, if you need it:');
  for (const [text, names] of mended) printLine(`${names.join(', ')}\n${text}`);
}

function printAutos({ train, sample }: AutoChoices): void {
  const taken = train
    ? `${train.engine} on ${train.device}, since ${train.why}`
    : 'nothing: no engine works here';
  printLine(`\n--engine auto takes ${taken}.`);
  printLine(
    `sample takes ${sample ? `${sample.runtime} on ${sample.device}` : 'nothing: no runtime works here'}.`,
  );
}

async function runDoctor({ json, require }: FlagValues<typeof flags>): Promise<void> {
  const machine = describeMachine();
  const checks = await checkAll(machine);
  const required = (require ?? '')
    .split(',')
    .flatMap((name) => (name.trim() ? findNamed(checks, name.trim()) : []));
  const auto = await chooseAutos(checks);
  if (json) {
    printLine(JSON.stringify({ machine, checks, auto }, null, 2));
  } else {
    printMachine(machine, checks);
    printLine();
    printChecks(checks);
    printAutos(auto);
    printRemedies(checks);
  }
  if (required.some(({ ok }) => !ok)) process.exitCode = 1;
}

export const doctorVerb: Verb<typeof flags> = {
  name: 'doctor',
  describe: 'show what works here, and how to mend what does not',
  flags,
  examples: [
    ['doctor', 'engines, runtimes, devices, and commands to type'],
    ['doctor --json', 'for programs'],
    ['doctor --require onnxruntime/cuda', 'exit code 1 when CUDA does not work'],
  ],
  run: runDoctor,
};
