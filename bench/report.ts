/**
 * What every benchmark hands back and how it is shown: a table, notes, and the same numbers for JSON.
 * It knows no benchmark.
 */
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** One benchmark's result. */
export interface Report {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly notes: readonly string[];
  /** The numbers behind the table. */
  readonly numbers: unknown;
}

/** The middle value, or the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Three significant digits, without an exponent. */
export function formatNumber(value: number): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toFixed(Math.min(digits, 3));
}

/** The report as a Markdown table under its title. */
export function formatReport({ title, head, rows, notes }: Report): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const text = [`### ${title}`, '', line(head), rule, ...rows.map(line)];
  return [...text, ...(notes.length > 0 ? ['', ...notes.map((note) => `- ${note}`)] : [])].join('\n');
}

/** A row of small bars from 0 to the largest value. */
export function drawSparkline(values: readonly number[]): string {
  const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
  const largest = Math.max(...values);
  return values.map((value) => bars[Math.min(7, Math.floor((value / largest) * 8))]).join('');
}

/** Processor, cores, memory, Node, and how busy the machine is; never its name. */
export function describeMachine(): { description: string; load: number } {
  const load = loadavg()[0]!;
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const processor = cpus()[0]?.model.trim() ?? 'unknown processor';
  const description = `${availableParallelism()} cores of ${processor}, ${memory}, ${process.platform} ${process.arch}, Node ${process.version}`;
  return { description, load };
}
