/** `ganx runtimes`: what works on this machine, and why the rest does not. */
import type { ArgumentsCamelCase, CommandModule } from 'yargs';
import { probeAll } from '../../runtimes/index.js';
import { formatTable, printLine } from './print.js';

type Flags = ArgumentsCamelCase<{ json: boolean }>;

async function runRuntimes({ json }: Flags): Promise<void> {
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

export const runtimesCommand: CommandModule<object, Flags> = {
  command: 'runtimes',
  describe: 'show which runtimes and devices work here',
  builder: (yargs) =>
    yargs
      .option('json', { type: 'boolean', default: false, describe: 'as JSON' })
      .example('$0 runtimes', 'a table')
      .example('$0 runtimes --json', 'for programs') as never,
  handler: runRuntimes,
};
