/**
 * All figures of a run as one HTML page: pictures as data URLs, charts as SVG, no script and no other file; light and
 * dark as the reader has it. It knows no file system.
 */
import { type Chart, drawChart, escapeText, OF_PAGE } from './chart.js';
import { formatLikelihood, type TableRow } from './table-one.js';

/** A picture of the page. */
export interface PagePicture {
  readonly heading: string;
  /** What a reader who does not see it is told. */
  readonly alt: string;
  readonly caption: string;
  readonly png: Uint8Array;
  readonly size: readonly [width: number, height: number];
}

/** Everything on the page. */
export interface Page {
  readonly title: string;
  /** One sentence on the run. */
  readonly summary: string;
  readonly pictures: readonly PagePicture[];
  readonly charts: readonly Chart[];
  readonly table: {
    readonly rows: readonly TableRow[];
    readonly dataName: string;
    readonly notes: readonly string[];
  };
}

// Nothing can be asked for from elsewhere, whatever stands in the page.
const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --faint: #60646c; --line: #e3e4e8; --paper: #fcfcfd; --band: #f0f4fb;
  --first: #1f5fbf; --second: #c2510a; }
@media (prefers-color-scheme: dark) { :root { --ink: #edeef0; --faint: #b0b4ba; --line: #33363c; --paper: #111113;
  --band: #17202e; --first: #74a9ff; --second: #ff9d5c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 1.5rem 1rem 3rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; }
h2 { margin: 2.5rem 0 0.75rem; font-size: 1.15rem; }
p { margin: 0.5rem 0; max-width: 44rem; color: var(--faint); }
figure { margin: 0; }
figcaption { margin-top: 0.5rem; max-width: 44rem; color: var(--faint); font-size: 0.9375rem; }
img { display: block; max-width: 100%; height: auto; border-radius: 0.375rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }
.charts svg { display: block; width: 100%; height: auto; max-width: 40rem; }
.scroll { overflow-x: auto; max-width: 44rem; border: 1px solid var(--line); border-radius: 0.5rem; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.5rem 0.75rem; border-top: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child { text-align: left; white-space: normal; min-width: 9rem; }
thead th { border-top: 0; }
tbody th { font-weight: 400; }
tr.run { background: var(--band); }
tr.run th, tr.run td { font-weight: 600; }
@media (max-width: 30rem) { th, td { padding: 0.375rem 0.5rem; font-size: 0.875rem; } th:first-child { min-width: 6rem; } }
`;

function writePicture({ heading, alt, caption, png, size: [width, height] }: PagePicture): string {
  const address = `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
  return [
    `<section><h2>${escapeText(heading)}</h2>`,
    `<figure><img src="${address}" width="${width}" height="${height}" alt="${escapeText(alt)}">`,
    `<figcaption>${escapeText(caption)}</figcaption></figure></section>`,
  ].join('\n');
}

function writeRow({ model, source, mnist, tfd, other }: TableRow, hasOther: boolean): string {
  const cells = [...(hasOther ? [other] : []), mnist, tfd].map(
    (likelihood) => `<td>${formatLikelihood(likelihood, source)}</td>`,
  );
  const style = source === 'run' ? ' class="run"' : '';
  return `<tr${style}><th scope="row">${escapeText(model)}</th>${cells.join('')}</tr>`;
}

function writeTable({ rows, dataName, notes }: Page['table']): string {
  const hasOther = rows.some(({ other }) => other !== undefined);
  const head = ['Model', ...(hasOther ? [dataName] : []), 'MNIST', 'TFD'];
  return [
    '<section><h2>Table 1: Parzen window-based log-likelihood</h2>',
    '<div class="scroll" tabindex="0" role="region" aria-label="Table 1"><table>',
    `<thead><tr>${head.map((cell) => `<th scope="col">${escapeText(cell)}</th>`).join('')}</tr></thead>`,
    `<tbody>${rows.map((row) => writeRow(row, hasOther)).join('\n')}</tbody>`,
    '</table></div>',
    ...notes.map((note) => `<p>${escapeText(note)}</p>`),
    '</section>',
  ].join('\n');
}

function writeCharts(charts: readonly Chart[]): string[] {
  if (charts.length === 0) return [];
  const drawn = charts.map((chart) => drawChart(chart, OF_PAGE));
  return ['<section><h2>Training</h2>', `<div class="charts">${drawn.join('\n')}</div></section>`];
}

/** @returns a whole page; ends with a line feed */
export function writePage({ title, summary, pictures, charts, table }: Page): string {
  const parts = [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeText(title)}</title>`,
    `<style>${STYLE}</style>`,
    '</head>',
    '<body>',
    '<main>',
    `<h1>${escapeText(title)}</h1>`,
    `<p>${escapeText(summary)}</p>`,
    ...pictures.map(writePicture),
    ...writeCharts(charts),
    writeTable(table),
    '</main>',
    '</body>',
    '</html>',
  ];
  return `${parts.join('\n')}\n`;
}
