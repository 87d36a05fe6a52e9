/**
 * `npm run bench -- [train|sample|memory|export|page|serve|soak ...] [options]`: runs benchmarks one after the other and prints their tables.
 * It parses and prints; what is measured stands in the other files.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { expected, messageOf } from '../src/core/errors.js';
import { benchExport } from './export.js';
import { benchMemory } from './memory.js';
import { benchPage } from './page.js';
import { describeMachine, formatReport, type Report } from './report.js';
import { benchSample } from './sample.js';
import { benchServe } from './serve/saturate.js';
import { benchSoak } from './serve/soak.js';
import { benchTrain } from './train.js';
import { type Subject, TRAIN_SUBJECTS } from './workload.js';

/** Those that run when none is named; `soak` takes its minutes only when it is asked for. */
const USUAL = ['train', 'sample', 'memory', 'export', 'page', 'serve'];
const BENCHES = [...USUAL, 'soak'];

/** All, or those that `--only` names, separated by commas. */
function pickSubjects(only: string | undefined): Subject[] {
  const names = only?.split(',') ?? Object.keys(TRAIN_SUBJECTS);
  return names.map((name) => {
    if (Object.hasOwn(TRAIN_SUBJECTS, name)) return TRAIN_SUBJECTS[name]!;
    throw expected('bench', `--only with some of ${Object.keys(TRAIN_SUBJECTS).join(', ')}`, name);
  });
}

/** What runs now, on stderr, so that stdout holds tables alone. */
function tell(what: string): void {
  process.stderr.write(`${what}\n`);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      repetitions: { type: 'string', default: '5' },
      only: { type: 'string' },
      all: { type: 'boolean', default: false },
      steps: { type: 'string', default: '2000' },
      samples: { type: 'string', default: '100000' },
      images: { type: 'string', default: '10000' },
      seconds: { type: 'string', default: '60' },
      minutes: { type: 'string', default: '10' },
      out: { type: 'string', default: 'runs/bench' },
      json: { type: 'string' },
    },
  });
  const natural = (name: 'repetitions' | 'steps' | 'samples' | 'images' | 'seconds' | 'minutes'): number => {
    const value = Number(values[name]);
    if (Number.isSafeInteger(value) && value > 0) return value;
    throw expected('bench', `--${name} to be a whole number from 1`, values[name]);
  };
  const unknown = positionals.find((name) => !BENCHES.includes(name));
  if (unknown !== undefined) throw expected('bench', `one of ${BENCHES.join(', ')}`, unknown);
  const wanted = positionals.length > 0 ? positionals : USUAL;

  const machine = describeMachine();
  console.log(`${machine.description}; load average ${machine.load.toFixed(2)} at the start\n`);
  const reports: Report[] = [];
  const show = (report: Report): void => {
    reports.push(report);
    console.log(`${formatReport(report)}\n`);
  };
  if (wanted.includes('train'))
    for (const subject of pickSubjects(values.only))
      for (const report of await benchTrain(subject, {
        repetitions: natural('repetitions'),
        all: values.all,
        tell,
      }))
        show(report);
  if (wanted.includes('sample')) show(await benchSample(natural('images')));
  if (wanted.includes('export')) show(await benchExport());
  if (wanted.includes('page'))
    for (const report of await benchPage(natural('repetitions'), tell)) show(report);
  if (wanted.includes('serve')) for await (const report of benchServe(natural('seconds'), tell)) show(report);
  if (wanted.includes('soak')) show(await benchSoak(natural('minutes'), tell));
  if (wanted.includes('memory')) {
    const { report, picture } = await benchMemory(natural('steps'), natural('samples'));
    show(report);
    await mkdir(values.out, { recursive: true });
    await writeFile(join(values.out, 'memory.png'), picture);
    console.log(`Picture: ${join(values.out, 'memory.png')}`);
  }
  if (values.json === undefined) return;
  const date = new Date().toISOString().slice(0, 10);
  await writeFile(values.json, `${JSON.stringify({ date, machine, reports }, null, 2)}\n`);
}

try {
  await main();
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
