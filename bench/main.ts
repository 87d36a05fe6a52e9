/**
 * `npm run bench -- [train|sample|memory ...] [options]`: runs benchmarks one after the other and prints their tables.
 * It parses and prints; what is measured stands in the other files.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { expected, messageOf } from '../src/core/errors.js';
import { benchMemory } from './memory.js';
import { describeMachine, formatReport, type Report } from './report.js';
import { benchSample } from './sample.js';
import { benchTrain } from './train.js';
import { dcganOf, MLP } from './workload.js';

const BENCHES = ['train', 'sample', 'memory'];

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      repetitions: { type: 'string', default: '5' },
      steps: { type: 'string', default: '2000' },
      samples: { type: 'string', default: '100000' },
      images: { type: 'string', default: '10000' },
      out: { type: 'string', default: 'runs/bench' },
      json: { type: 'string' },
    },
  });
  const natural = (name: 'repetitions' | 'steps' | 'samples' | 'images'): number => {
    const value = Number(values[name]);
    if (Number.isSafeInteger(value) && value > 0) return value;
    throw expected('bench', `--${name} to be a whole number from 1`, values[name]);
  };
  const unknown = positionals.find((name) => !BENCHES.includes(name));
  if (unknown !== undefined) throw expected('bench', `one of ${BENCHES.join(', ')}`, unknown);
  const wanted = positionals.length > 0 ? positionals : BENCHES;

  const machine = describeMachine();
  console.log(`${machine.description}; load average ${machine.load.toFixed(2)} at the start\n`);
  const reports: Report[] = [];
  const show = (report: Report): void => {
    reports.push(report);
    console.log(`${formatReport(report)}\n`);
  };
  if (wanted.includes('train'))
    for (const subject of [MLP, dcganOf(64)]) show(await benchTrain(subject, natural('repetitions')));
  if (wanted.includes('sample')) show(await benchSample(natural('images')));
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
