#!/usr/bin/env node
/**
 * The command line. One file per verb parses its own flags, calls the library and prints; this one only gathers them
 * and turns errors into a message and exit code 1.
 */
import { readFileSync } from 'node:fs';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { GanError } from '../core/errors.js';
import { demoCommand } from './demo.js';
import { exportCommand } from './export.js';
import { infoCommand } from './info.js';
import { parityCommand } from './parity.js';
import { printError } from './print.js';
import { runtimesCommand } from './runtimes.js';
import { sampleCommand } from './sample.js';
import { trainCommand } from './train.js';

/** The version in package.json, which lies beside `dist`. */
function readVersion(): string {
  const manifest = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

const verbose = process.argv.includes('--verbose');
try {
  await yargs(hideBin(process.argv))
    .scriptName('ganx')
    .usage('$0 <verb> [options]\n\nTrain a GAN, ship one generator.onnx, sample it anywhere.')
    .command(demoCommand)
    .command(trainCommand)
    .command(exportCommand)
    .command(sampleCommand)
    .command(parityCommand)
    .command(infoCommand)
    .command(runtimesCommand)
    .option('verbose', {
      type: 'boolean',
      default: false,
      describe: 'show the stack of an error',
      global: true,
    })
    .example('$0 train --data digits --model dcgan', 'train on the built-in handwritten-like digits')
    .example('$0 sample generator.onnx --count 64 --seed 7', 'draw a contact sheet of 64 images')
    .demandCommand(1, 'Name a verb.')
    .recommendCommands()
    .strict()
    .version(readVersion())
    .alias({ h: 'help', v: 'version' })
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .fail((message, error) => {
      throw error ?? new GanError('BAD_ARGUMENT', 'ganx', `${message} See \`ganx --help\`.`);
    })
    .parseAsync();
} catch (error) {
  printError(error, verbose);
  process.exitCode = 1;
}
