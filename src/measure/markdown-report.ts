/** A parity matrix as Markdown: the largest differences first, then every file's rows. It knows no file system. */
import {
  countStatuses,
  describeReport,
  explainBounds,
  type ParityMatrix,
  type Table,
  tabulateMaxima,
  tabulateReport,
  titleOf,
} from './matrix.js';

/** Bars and line ends would break a row. */
function toCell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ');
}

function toRow(cells: readonly string[]): string {
  return `| ${cells.map(toCell).join(' | ')} |`;
}

function writeTable({ head, rows }: Table): string {
  return [toRow(head), toRow(head.map(() => '---')), ...rows.map(toRow)].join('\n');
}

/** @returns a whole page; ends with a line feed */
export function writeMarkdownReport({ measuredAt, machine, reports }: ParityMatrix): string {
  const parts = [
    '# Parity',
    `${countStatuses(reports)}. Measured on ${measuredAt.slice(0, 10)}, ${machine}.`,
    '## Largest differences',
    writeTable(tabulateMaxima(reports)),
    ...reports.flatMap((report) => [
      `## ${titleOf(report)}`,
      `${describeReport(report)}.`,
      writeTable(tabulateReport(report)),
    ]),
    '## What is allowed, and why',
    explainBounds(reports)
      .map((line) => `- ${line}`)
      .join('\n'),
  ];
  return `${parts.join('\n\n')}\n`;
}
