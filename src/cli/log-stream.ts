/** Log lines on stdout, written together a few times a second: a write for each of thousands a second would be felt. */
import { writeSync } from 'node:fs';

const EVERY_MS = 100;

/** The stream that a server's log is written to. */
export function openLogStream(): { write(line: string): void } {
  let lines: string[] = [];
  let isPlanned = false;
  const take = (): string => {
    const text = lines.join('');
    lines = [];
    isPlanned = false;
    return text;
  };
  // The end of a process does not wait for streams.
  process.on('exit', () => {
    if (lines.length > 0) writeSync(1, take());
  });
  return {
    write(line) {
      lines.push(line);
      if (isPlanned) return;
      isPlanned = true;
      setTimeout(() => process.stdout.write(take()), EVERY_MS);
    },
  };
}
