/**
 * The check itself, on the machine that it is about: which devices open, parity and speed of sampling, parity of training
 * steps, and their speed next to PyTorch on the same GPU. It parses and prints. Every section is printed as soon as it is done and
 * written again with those before it, so that a run that is cut off leaves what it has found.
 */
import { parseArgs } from 'node:util';
import { writeFileAtomically } from '../../src/checkpoint/index.js';
import { messageOf } from '../../src/core/errors.js';
import { describeMachine, formatReport, type Report } from '../report.js';
import { describeHardware, isSoftware } from './hardware.js';
import { CHECK_OPTIONS, type CheckChoices, keepTraining, readChoices } from './options.js';
import { type Place, titleOf } from './places.js';
import { emptyRow, type Row, reportRows } from './rows.js';
import { runJob } from './run-job.js';
import { GENERATOR } from './sampling.js';
import {
  checkDevices,
  checkSampling,
  checkTraining,
  ENVIRONMENTS,
  judgeFirstLosses,
  NOT_OPEN,
  TRAINING_TITLE,
  type Usable,
} from './sections.js';
import { checkThroughput } from './throughput-section.js';

/** A SKIP of a device that was required is a FAIL. */
function enforce(rows: readonly Row[], required: readonly string[]): Row[] {
  return rows.map((row) => {
    const isRequired = required.some((device) => row.what === titleOf({ engine: 'onnxruntime', device }));
    return row.status === 'SKIP' && isRequired
      ? { ...row, status: 'FAIL', remark: `Required. ${row.remark}` }
      : row;
  });
}

/** Who takes part in the benchmark, and lines for those who do not. */
async function chooseRacers(usable: Usable): Promise<{ places: Place[]; rows: Row[] }> {
  const places: Place[] = [];
  const rows: Row[] = [];
  for (const [place, reason] of usable) {
    if (reason !== undefined) rows.push(emptyRow('SKIP', titleOf(place), NOT_OPEN));
    else if (await isSoftware(place.device))
      rows.push(emptyRow('SKIP', titleOf(place), 'A driver in software, which is slow.'));
    else places.push(place);
  }
  return { places, rows };
}

async function checkSpeed(
  usable: Usable,
  { subjects, precisions, repetitions }: CheckChoices,
  show: (report: Report) => Promise<void>,
): Promise<Row[]> {
  const { places, rows } = await chooseRacers(usable);
  const hasCuda = places.some(({ device }) => device === 'cuda');
  if (rows.length > 0) await show(reportRows('Training speed: who does not take part', rows));
  const first: Row[] = [];
  for (const precision of hasCuda ? keepTraining(precisions) : (['float32'] as const)) {
    for (const subject of subjects) {
      const given = { subject, places, precision, repetitions };
      const ending = await runJob('speed', given, ENVIRONMENTS[precision]);
      if ('result' in ending) {
        const { report, firstLosses } = ending.result;
        await show(report);
        first.push(...judgeFirstLosses(firstLosses, places, subject, precision));
      } else first.push(emptyRow('FAIL', `${subject}, ${precision}`, ending.failure));
    }
  }
  await show(reportRows('The first step at full size, its lossD relative to the CPU', first));
  return [...rows, ...first];
}

async function main(): Promise<void> {
  const choices = readChoices(parseArgs({ options: CHECK_OPTIONS }).values);
  const machine = describeMachine();
  const hardware = await describeHardware();
  console.log(`${[machine.description, ...hardware].join('\n')}\n`);
  const reports: Report[] = [];
  const date = new Date().toISOString().slice(0, 10);
  const show = async (report: Report): Promise<void> => {
    reports.push(report);
    console.log(`${formatReport(report)}\n`);
    if (choices.json === undefined) return;
    const text = `${JSON.stringify({ date, machine, hardware, reports }, null, 2)}\n`;
    await writeFileAtomically(choices.json, new TextEncoder().encode(text));
  };
  const wants = (section: string): boolean => choices.sections.includes(section);

  // All others need to know what opens, asked for or not.
  const devices = await checkDevices();
  const opened = enforce(devices.rows, choices.require);
  await show(reportRows('Which devices open', opened));
  const rows = [...opened];
  if (wants('sampling')) {
    const sampled = await checkSampling(devices.usable, choices.precisions);
    await show(
      reportRows(`Parity of sampling, ${GENERATOR}, absolute; levels of 8 bits in float16`, sampled),
    );
    rows.push(...sampled);
  }
  if (wants('throughput')) rows.push(...(await checkThroughput(devices.usable, choices, show)));
  if (wants('training')) {
    const trained = await checkTraining(devices.usable, choices.precisions);
    await show(reportRows(TRAINING_TITLE, trained));
    rows.push(...trained);
  }
  if (wants('speed')) rows.push(...(await checkSpeed(devices.usable, choices, show)));
  const count = (status: Row['status']): number => rows.filter((row) => row.status === status).length;
  console.log(`${count('PASS')} passed, ${count('FAIL')} failed, ${count('SKIP')} skipped`);
  if (count('FAIL') > 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
