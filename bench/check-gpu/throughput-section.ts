/**
 * The section about the speed of sampling: a table for each generator, with a line for every device and precision, and
 * SKIP with the reason where one cannot take part. The files are made once and drawn from in processes of their own.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatNumber, type Report } from '../report.js';
import { TRAIN_SUBJECTS } from '../workload.js';
import { isSoftware } from './hardware.js';
import type { CheckChoices } from './options.js';
import { emptyRow, type Row, remarkOf } from './rows.js';
import { runJob } from './run-job.js';
import { ENVIRONMENTS, listCases, NOT_OPEN, type Usable } from './sections.js';
import type { Rate } from './throughput.js';

/** The model and the image of a training subject's title, without what only training has. */
function titleOfGenerator(subject: string): string {
  const { model, build } = TRAIN_SUBJECTS[subject]!;
  const [height, width, channels] = build.imageShape;
  return `${model} ${height}x${width}x${channels}, width ${build.width}`;
}

/** One line, and the same for JSON. */
interface Line {
  readonly row: Row;
  readonly rates: readonly Rate[];
}

async function measureCases(
  files: Readonly<Record<'float32' | 'float16', string | undefined>>,
  usable: Usable,
  { precisions, batches, repetitions }: CheckChoices,
): Promise<Line[]> {
  const lines: Line[] = [];
  for (const { place, precision, title, isOpen } of listCases(usable, precisions)) {
    if (place.engine !== 'onnxruntime') continue;
    const what = isOpen && (await isSoftware(place.device)) ? `${title} (in software)` : title;
    const path = files[precision === 'float16' ? 'float16' : 'float32'];
    const leaveOut = (status: Row['status'], reason: string) =>
      lines.push({ row: emptyRow(status, what, reason), rates: [] });
    if (!isOpen) leaveOut('SKIP', NOT_OPEN);
    else if (path === undefined) leaveOut('FAIL', 'Its file could not be exported.');
    else {
      const given = { path, device: place.device, batches, turns: repetitions };
      const ending = await runJob('throughput', given, ENVIRONMENTS[precision]);
      if ('result' in ending) lines.push({ row: emptyRow('TOLD', what, ''), rates: ending.result });
      // A device without half precision says so when it runs; everything else worked a moment ago.
      else leaveOut(ending.code === 'RUNTIME_UNAVAILABLE' ? 'SKIP' : 'FAIL', remarkOf(ending.failure));
    }
  }
  return lines;
}

function report(subject: string, batches: readonly number[], lines: readonly Line[]): Report {
  const rateOf = (rates: readonly Rate[], batch: number): string => {
    const rate = rates.find((one) => one.batch === batch);
    return rate ? formatNumber(rate.imagesPerSecond) : '-';
  };
  return {
    title: `Speed of sampling, images a second: ${titleOfGenerator(subject)}`,
    head: ['', 'what', ...batches.map((batch) => `batch ${batch}`), 'remark'],
    rows: lines.map(({ row, rates }) => [
      row.status,
      row.what,
      ...batches.map((batch) => rateOf(rates, batch)),
      row.remark,
    ]),
    notes: [
      'From latents on the host to images on the host, one run after the other; the median of all turns.',
    ],
    numbers: lines.map(({ row, rates }) => ({ ...row, rates })),
  };
}

/** Measures every chosen generator on every usable device of ONNX Runtime. */
export async function checkThroughput(
  usable: Usable,
  choices: CheckChoices,
  show: (report: Report) => Promise<void>,
): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ganx-check-gpu-files-'));
  const rows: Row[] = [];
  try {
    for (const subject of choices.subjects) {
      const files: Record<'float32' | 'float16', string | undefined> = {
        float32: undefined,
        float16: undefined,
      };
      for (const dtype of ['float32', 'float16'] as const) {
        if (dtype === 'float16' && !choices.precisions.includes(dtype)) continue;
        const path = join(folder, `${subject}-${dtype}.onnx`);
        const ending = await runJob('export', { subject, dtype, path });
        if ('result' in ending) files[dtype] = path;
        else rows.push(emptyRow('FAIL', `${subject}, ${dtype}: its export`, ending.failure));
      }
      const lines = await measureCases(files, usable, choices);
      await show(report(subject, choices.batches, lines));
      rows.push(...lines.map(({ row }) => row));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return rows;
}
