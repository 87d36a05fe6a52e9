/**
 * Many parity reports as one matrix, and its words and numbers as tables of text: each report row by row, and the
 * largest differences of all files next to each other. It knows no way of writing a table down.
 */
import { nameOf } from './compare-images.js';
import type { ParityReport, ParityRow } from './parity.js';

/** Parity of several files: models and dtypes times runtimes, devices and batch sizes. */
export interface ParityMatrix {
  /** When it ended, ISO 8601. */
  readonly measuredAt: string;
  /** Where: system, processor, Node. */
  readonly machine: string;
  readonly durationMs: number;
  readonly reports: readonly ParityReport[];
  /** No report holds a FAIL. */
  readonly ok: boolean;
}

/** A table: its head, and rows that are as long as the head. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export const STATUSES = ['PASS', 'FAIL', 'SKIP'] as const;

/** The column of reasons. */
export const WHY = 'why not';

function exponential(value: number | undefined): string {
  return value === 0 ? '0' : (value?.toExponential(1) ?? '');
}

/** `dcgan 64×64×3, float16`. */
export function titleOf({
  model,
  imageShape,
  dtype,
}: Omit<ParityReport, 'reference' | 'rows' | 'latents' | 'ok'>): string {
  return `${model} ${imageShape.join('×')}, ${dtype}`;
}

/** What a file was compared with, and on how much. */
export function describeReport({ reference, latents }: ParityReport): string {
  if (latents === 0) return 'there is no file';
  return `${latents} latents against ${reference.runtime} ${reference.version} on ${reference.device}`;
}

/** `12 PASS, 0 FAIL, 3 SKIP`. */
export function countStatuses(reports: readonly ParityReport[]): string {
  const rows = reports.flatMap((report) => report.rows);
  return STATUSES.map((status) => `${rows.filter((row) => row.status === status).length} ${status}`).join(
    ', ',
  );
}

/** The bound of a row: `1.0e-5`, or `2 levels, 0.5 on average`. */
function describeBound({ tolerance, meanTolerance, unit }: ParityRow): string {
  if (unit === 'value') return exponential(tolerance);
  return `${tolerance} levels${meanTolerance === undefined ? '' : `, ${meanTolerance} on average`}`;
}

/** A report row by row: the largest difference at each batch size, and why a row is no PASS. */
export function tabulateReport({ rows }: ParityReport): Table {
  const batches = [...new Set(rows.flatMap((row) => row.batches))];
  return {
    head: [
      '',
      'runtime/device',
      'version, engine',
      ...batches.map((batch) => `batch ${batch}`),
      'mean',
      'levels',
      'allowed',
      'seconds',
      WHY,
    ],
    rows: rows.map((row) => [
      row.status,
      nameOf(row),
      [row.version, row.engine].filter((part) => part !== undefined).join(', '),
      ...batches.map((batch) => exponential(row.byBatch?.find((one) => one.batch === batch)?.max)),
      exponential(row.meanDifference),
      row.maxLevels === undefined ? '' : String(Number(row.maxLevels.toPrecision(3))),
      row.maxDifference === undefined ? '' : describeBound(row),
      row.status === 'SKIP' ? '' : (row.durationMs / 1000).toFixed(1),
      row.reason ?? '',
    ]),
  };
}

/** The reasons for the bounds that were used, each once: `allowed 1.0e-5: …`. */
export function explainBounds(reports: readonly ParityReport[]): string[] {
  const used = reports.flatMap(({ rows }) => rows).filter((row) => row.maxDifference !== undefined);
  return [...new Set(used.map((row) => `allowed ${describeBound(row)}: ${row.toleranceWhy}.`))];
}

/** Largest differences, a line for each device and a column for each file; a status where there is no number. */
export function tabulateMaxima(reports: readonly ParityReport[]): Table {
  const names = [...new Set(reports.flatMap(({ rows }) => rows.map(nameOf)))];
  const cell = (report: ParityReport, name: string): string => {
    const row = report.rows.find((one) => nameOf(one) === name);
    if (row?.maxDifference === undefined) return row?.status ?? '';
    const number =
      row.unit === 'level'
        ? `${Number(row.maxLevels?.toPrecision(3))} of 255, mean ${row.meanLevels?.toFixed(3)}`
        : exponential(row.maxDifference);
    return row.status === 'FAIL' ? `FAIL ${number}` : number;
  };
  return {
    head: ['runtime/device', ...reports.map(titleOf)],
    rows: names.map((name) => [name, ...reports.map((report) => cell(report, name))]),
  };
}
