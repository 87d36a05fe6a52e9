/** Opens a data set for a verb: a progress bar while it is read, and a summary of the files that were skipped. */

import type { Dataset } from '../core/types.js';
import { type DataOptions, openData } from '../data/index.js';
import { openBar, paint, printNote } from './print.js';

const NAMED = 5;

export async function openDataWithBar(source: string, options: DataOptions): Promise<Dataset> {
  const bar = openBar('Reading ', 'images');
  try {
    const data = await openData(source, { ...options, onProgress: (done, total) => bar.update(done, total) });
    bar.stop();
    if (data.skipped.length > 0) {
      printNote(
        paint('yellow', `Skipped ${data.skipped.length} files that cannot be used (--strict refuses them):`),
      );
      for (const { name, reason } of data.skipped.slice(0, NAMED)) printNote(`  ${name}: ${reason}`);
      if (data.skipped.length > NAMED) printNote(`  and ${data.skipped.length - NAMED} more`);
    }
    return data;
  } finally {
    bar.stop();
  }
}
