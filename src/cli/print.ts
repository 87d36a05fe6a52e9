/** What the verbs print with: errors, tables, progress bars, sizes and times. Progress and remarks go to stderr. */
import { styleText } from 'node:util';
import { type Options, SingleBar } from 'cli-progress';
import { GanError } from '../core/errors.js';

/** A result, on stdout. */
export function printLine(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** A remark, on stderr, so that it never mixes with results. */
export function printNote(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Message and remedy of an error; the stack only when it is asked for, or when the error is not one of ours. */
export function printError(error: unknown, verbose: boolean): void {
  const known = error instanceof GanError;
  const message = error instanceof Error ? error.message : String(error);
  printNote(`${paint('red', 'error')} ${message}`);
  if (!known && !verbose)
    printNote('This is not an error that ganx knows: run again with --verbose for its origin.');
  if (verbose && error instanceof Error) printNote(error.stack ?? '');
}

/** Colours text for a stream that is a terminal and shows colours. */
export function paint(
  style: 'red' | 'green' | 'yellow' | 'dim' | 'bold',
  text: string,
  stream: NodeJS.WriteStream = process.stderr,
): string {
  return stream.isTTY && !process.env.NO_COLOR ? styleText(style, text) : text;
}

/** Columns padded to their widest cell. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `1.2 MB`. */
export function formatBytes(sizeBytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let value = sizeBytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** `42 s`, `3 min 7 s`, `2 h 5 min`. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** A bar on stderr with images/s and ETA; on a stream that is no terminal, a line now and then. */
export interface Bar {
  update(done: number, total: number | undefined, text?: string): void;
  stop(): void;
}

const LINE_EVERY_MS = 15_000;

/** @param unit what is counted, such as `images` */
export function openBar(label: string, unit: string): Bar {
  const start = performance.now();
  let first: number | undefined;
  const speed = (done: number): number => {
    first ??= done;
    return (done - first) / Math.max(1e-3, (performance.now() - start) / 1000);
  };
  if (!process.stderr.isTTY) {
    let printedAt = start;
    return {
      update(done, total, text = '') {
        const perSecond = speed(done);
        if (performance.now() - printedAt < LINE_EVERY_MS) return;
        printedAt = performance.now();
        const left =
          total && perSecond > 0 ? `, ${formatDuration(((total - done) / perSecond) * 1000)} left` : '';
        printNote(
          `${label} ${done}${total ? `/${total}` : ''} ${unit}, ${perSecond.toFixed(0)} ${unit}/s${left}${text ? `, ${text}` : ''}`,
        );
      },
      stop() {},
    };
  }
  const format = `${label} {bar} {percentage}% | {value}/{total} ${unit} | {perSecond} ${unit}/s | {left} left{text}`;
  const options: Options = {
    format,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: false,
    etaBuffer: 50,
  };
  const bar = new SingleBar(options);
  let started = false;
  return {
    update(done, total, text = '') {
      const perSecond = speed(done);
      const left = total && perSecond > 0 ? formatDuration(((total - done) / perSecond) * 1000) : '…';
      const payload = { perSecond: perSecond.toFixed(0), left, text: text ? ` | ${text}` : '' };
      if (!started) bar.start(total ?? done, done, payload);
      started = true;
      if (total) bar.setTotal(total);
      bar.update(done, payload);
    },
    stop() {
      if (started) bar.stop();
    },
  };
}
