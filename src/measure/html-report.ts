/**
 * A parity matrix as one HTML page: no script, no other file, light and dark as the reader has it. It knows no file
 * system.
 */
import {
  countStatuses,
  describeReport,
  explainBounds,
  type ParityMatrix,
  STATUSES,
  type Table,
  tabulateMaxima,
  tabulateReport,
  titleOf,
  WHY,
} from './matrix.js';

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --faint: #60646c; --line: #d9d9e0; --paper: #fcfcfd; --band: #f0f0f3;
  --pass: #18794e; --fail: #c62a2f; --skip: #7a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #edeef0; --faint: #b0b4ba; --line: #363a3f; --paper: #111113;
  --band: #1b1c1f; --pass: #4cc38a; --fail: #ff8589; --skip: #f1b93b; } }
body { margin: 0 auto; max-width: 110rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 0.9375rem/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.5rem; }
h2 { margin: 2rem 0 0.25rem; font-size: 1.125rem; }
p { margin: 0.25rem 0 0.75rem; color: var(--faint); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 0.5rem; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.375rem 0.75rem; border-top: 1px solid var(--line); text-align: left; vertical-align: top;
  white-space: nowrap; }
thead th { border-top: 0; background: var(--band); font-weight: 600; }
td.why { min-width: 20rem; white-space: normal; }
.pass, .fail, .skip { font-weight: 600; }
.pass { color: var(--pass); }
.fail { color: var(--fail); }
.skip { color: var(--skip); }
`;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
}

/** A cell; one that begins with a status has its colour, a reason may take several lines. */
function writeCell(text: string, head: string): string {
  const status = STATUSES.find((one) => text.startsWith(one));
  const style = head === WHY ? 'why' : status?.toLowerCase();
  return `<td${style ? ` class="${style}"` : ''}>${escapeText(text)}</td>`;
}

function writeTable({ head, rows }: Table, caption: string): string {
  // Each table scrolls by itself, also by keyboard, so that the page never does sideways.
  return [
    `<div class="scroll" tabindex="0" role="region" aria-label="${escapeText(caption)}"><table>`,
    `<thead><tr>${head.map((cell) => `<th scope="col">${escapeText(cell)}</th>`).join('')}</tr></thead>`,
    `<tbody>${rows.map((row) => `<tr>${row.map((cell, i) => writeCell(cell, head[i]!)).join('')}</tr>`).join('\n')}</tbody>`,
    '</table></div>',
  ].join('\n');
}

/** @returns a whole page; ends with a line feed */
export function writeHtmlReport({ measuredAt, machine, ok, reports }: ParityMatrix): string {
  const outcome = `<span class="${ok ? 'pass' : 'fail'}">${countStatuses(reports)}</span>`;
  const parts = [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<title>Parity</title>',
    `<style>${STYLE}</style>`,
    '</head>',
    '<body>',
    '<h1>Parity</h1>',
    `<p>${outcome}. Measured on ${escapeText(measuredAt.slice(0, 10))}, ${escapeText(machine)}.</p>`,
    '<h2>Largest differences</h2>',
    writeTable(tabulateMaxima(reports), 'Largest differences'),
    ...reports.flatMap((report) => [
      `<h2>${escapeText(titleOf(report))}</h2>`,
      `<p>${escapeText(describeReport(report))}.</p>`,
      writeTable(tabulateReport(report), titleOf(report)),
    ]),
    '<h2>What is allowed, and why</h2>',
    `<ul>${explainBounds(reports)
      .map((line) => `<li>${escapeText(line)}</li>`)
      .join('')}</ul>`,
    '</body>',
    '</html>',
  ];
  return `${parts.join('\n')}\n`;
}
