/** `ganx runtimes`: what works on this machine, and why the rest does not. */
import { probeAll } from '../../runtimes/index.js';
import type { FlagValues } from './flags.js';
import { formatTable, printLine } from './print.js';
import type { Verb } from './verb.js';

const flags = { json: { describe: 'print JSON' } };

async function runRuntimes({ json }: FlagValues<typeof flags>): Promise<void> {
  const reports = await probeAll();
  if (json) {
    printLine(JSON.stringify(reports, null, 2));
    return;
  }
  const rows = reports.map((report) => [
    report.runtime,
    report.device,
    report.ok ? 'works' : 'no',
    report.ok ? report.version : report.reason,
  ]);
  printLine(formatTable([['runtime', 'device', 'here', 'version, or why not'], ...rows]));
}

export const runtimesVerb: Verb<typeof flags> = {
  name: 'runtimes',
  describe: 'show which runtimes and devices work here',
  flags,
  examples: [
    ['runtimes', 'a table'],
    ['runtimes --json', 'for programs'],
  ],
  run: runRuntimes,
};
