/** What `ganx parity` prints and writes: tables for people, JSON for programs, a page for both. */
import { arch, type } from 'node:os';
import { extname } from 'node:path';
import { writeFileAtomically } from '../checkpoint/index.js';
import { expected } from '../core/errors.js';
import {
  countStatuses,
  describeReport,
  explainBounds,
  nameOf,
  type ParityMatrix,
  type ParityReport,
  tabulateMaxima,
  tabulateReport,
  titleOf,
  writeHtmlReport,
  writeMarkdownReport,
} from '../measure/index.js';
import type { Fault } from './parity-bisect.js';
import { formatDuration, formatTable, paint, printLine } from './print.js';

const COLOUR = { PASS: 'green', FAIL: 'red', SKIP: 'yellow' } as const;

const WRITERS: Readonly<Record<string, (matrix: ParityMatrix) => string>> = {
  '.md': writeMarkdownReport,
  '.html': writeHtmlReport,
};

/** Reads the name of a report's file. @throws GanError `BAD_ARGUMENT` for another kind of file than can be written */
export function reportPath(text: string, flag: string): string {
  if (Object.hasOwn(WRITERS, extname(text))) return text;
  throw expected(flag, `a file name that ends in ${Object.keys(WRITERS).join(' or ')}`, text);
}

/** Writes the report as the kind of file that its name says. @throws GanError `IO` */
export async function saveReport(path: string, matrix: ParityMatrix): Promise<void> {
  await writeFileAtomically(path, new TextEncoder().encode(WRITERS[extname(path)]!(matrix)));
}

/** Reports of one measurement, with where and when. */
export function makeMatrix(reports: readonly ParityReport[], durationMs: number): ParityMatrix {
  return {
    measuredAt: new Date().toISOString(),
    machine: `${type()} ${arch()}, Node ${process.versions.node}`,
    durationMs,
    reports,
    ok: reports.every(({ ok }) => ok),
  };
}

function printReport(report: ParityReport): void {
  const { head, rows } = tabulateReport(report);
  printLine(`${titleOf(report)}: ${describeReport(report)}`);
  for (const line of formatTable([head, ...rows]).split('\n')) {
    const status = /^(PASS|FAIL|SKIP)/.exec(line)?.[1] as keyof typeof COLOUR | undefined;
    printLine(status ? `${paint(COLOUR[status], status, process.stdout)}${line.slice(status.length)}` : line);
  }
}

/** Prints every report and, where there are several, the largest differences next to each other. */
export function printMatrix({ reports, durationMs }: ParityMatrix): void {
  for (const report of reports) {
    printReport(report);
    printLine();
  }
  if (reports.length > 1) {
    const { head, rows } = tabulateMaxima(reports);
    printLine('Largest differences');
    printLine(formatTable([head, ...rows]));
    printLine();
  }
  for (const line of explainBounds(reports)) printLine(line);
  printLine(`${countStatuses(reports)} in ${formatDuration(durationMs)}`);
}

/** A fault without the bytes that reproduce it. */
export function describeFault({ report, row, divergence }: Fault, folder: string | undefined): object {
  const file = { model: report.model, imageShape: report.imageShape, dtype: report.dtype };
  const where = { ...file, runtime: row.runtime, device: row.device };
  if (!divergence) return where;
  const { node, operator, tensor, maxDifference, at, expected, got, note } = divergence;
  return { ...where, node, operator, tensor, maxDifference, at, expected, got, note, folder };
}

/** Prints the node to blame and where it can be seen. */
export function printFault({ report, row, divergence }: Fault, folder: string | undefined): void {
  const where = `${titleOf(report)} on ${nameOf(row)}`;
  if (!divergence) {
    printLine(`${where}: the output agrees when it is run again; nothing to bisect.`);
    return;
  }
  const { node, operator, maxDifference, at, note } = divergence;
  const place = at.length > 0 ? ` at [${at.join(', ')}]` : '';
  printLine(
    `${where}: the first node that diverges is ${node} (${operator}), by ${maxDifference.toExponential(1)}${place}.`,
  );
  printLine(note);
  printLine(`Reproduction: ${folder}. Serve that folder with any static web server and open index.html.`);
}
