#!/usr/bin/env node
/**
 * The command line. One file per verb reads its own flags, calls the library and prints; this one only gathers them
 * and turns errors into a message and exit code 1.
 */
import yargs, { type CommandModule } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { expected, GanError } from '../core/errors.js';
import { readManifest } from './manifest.js';
import { printError } from './print.js';
import { makeCommand } from './verb.js';

/** The verbs in the order of the help; a command line loads only its own, so that it starts at once. */
const VERBS: Readonly<Record<string, () => Promise<CommandModule>>> = {
  train: async () => makeCommand((await import('./train.js')).trainVerb),
  export: async () => makeCommand((await import('./export.js')).exportVerb),
  sample: async () => makeCommand((await import('./sample.js')).sampleVerb),
  merge: async () => makeCommand((await import('./merge.js')).mergeVerb),
  serve: async () => makeCommand((await import('./serve.js')).serveVerb),
  embed: async () => makeCommand((await import('./embed.js')).embedVerb),
  measure: async () => makeCommand((await import('./measure.js')).measureVerb),
  figures: async () => makeCommand((await import('./figures.js')).figuresVerb),
  parity: async () => makeCommand((await import('./parity.js')).parityVerb),
  lint: async () => makeCommand((await import('./lint.js')).lintVerb),
  info: async () => makeCommand((await import('./info.js')).infoVerb),
  doctor: async () => makeCommand((await import('./doctor.js')).doctorVerb),
  setup: async () => makeCommand((await import('./setup.js')).setupVerb),
  demo: async () => makeCommand((await import('./demo.js')).demoVerb),
};

async function loadCommands(line: readonly string[]): Promise<CommandModule[]> {
  const named = line.find((word) => Object.hasOwn(VERBS, word));
  return await Promise.all((named ? [VERBS[named]!] : Object.values(VERBS)).map((load) => load()));
}

// A reader that has seen enough (`ganx info x.onnx | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  const line = hideBin(process.argv);
  await yargs(line)
    .scriptName('ganx')
    .usage('$0 <verb> [options]\n\nTrain a GAN, ship one generator.onnx, sample it anywhere.')
    .parserConfiguration({ 'parse-numbers': false, 'parse-positional-numbers': false })
    .command(await loadCommands(line))
    .command('*', false, {}, (argv) => {
      throw expected(
        'ganx',
        `a verb: ${Object.keys(VERBS).join(', ')}`,
        argv._[0] ?? 'none',
        'See `ganx --help`.',
      );
    })
    .option('verbose', { type: 'boolean', describe: 'show where an error comes from', global: true })
    .example('$0 train --data digits --model dcgan', 'train on the built-in handwritten-like digits')
    .example('$0 sample generator.onnx --count 64 --seed 7', 'draw a contact sheet of 64 images')
    .version(readManifest().version)
    .alias({ h: 'help', v: 'version' })
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .fail((message, error) => {
      if (error instanceof GanError || (error && error.name !== 'YError')) throw error;
      throw expected('ganx', 'a whole command line', message, 'See `ganx --help`, or --help of the verb.');
    })
    .parseAsync();
} catch (error) {
  printError(error, process.argv.includes('--verbose'));
  process.exitCode = 1;
}
