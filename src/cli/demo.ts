/** `ganx demo`: the whole way on built-in digits, as the four commands that a user would type. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ArgumentsCamelCase, Argv, CommandModule } from 'yargs';
import { wholeNumber } from './flags.js';
import { formatDuration, paint, printLine, printNote } from './print.js';

/** A narrow network and few images: some digits in about two minutes on two cores. */
const IMAGES = 64_000;
const WIDTH = 32;

type Flags = ArgumentsCamelCase<{ images: number | undefined }>;

/** `demo`, or the first of `demo-2`, `demo-3`, … that is free. */
function freeFolder(): string {
  for (let i = 1; ; i++) {
    const path = i === 1 ? 'demo' : `demo-${i}`;
    if (!existsSync(path)) return path;
  }
}

function runDemo({ images = IMAGES }: Flags): void {
  const start = performance.now();
  const main = fileURLToPath(new URL('./main.js', import.meta.url));
  const folder = freeFolder();
  const run = join(folder, 'run');
  const file = join(folder, 'generator.onnx');
  const sheet = join(folder, 'samples.png');
  const commands = [
    `train --data digits --model dcgan --width ${WIDTH} --images ${images} --out ${run}`,
    `export ${run} -o ${file}`,
    `sample ${file} --count 64 --seed 7 -o ${sheet}`,
    `parity ${run}`,
  ];
  for (const command of commands) {
    printNote(paint('bold', `\n$ ganx ${command}`));
    const { status } = spawnSync(process.execPath, [main, ...command.split(' ')], { stdio: 'inherit' });
    if (status !== 0) {
      process.exitCode = status ?? 1;
      return;
    }
  }
  printLine(
    `\nDone in ${formatDuration(performance.now() - start)}. Look at ${sheet}; ${file} runs in any ONNX Runtime.`,
  );
}

export const demoCommand: CommandModule<object, Flags> = {
  command: 'demo',
  describe: 'train, export, sample and check, on built-in digits in a few minutes',
  builder: (yargs): Argv<Flags> =>
    yargs
      .option('images', {
        type: 'string',
        requiresArg: true,
        coerce: wholeNumber('images', 1, 1e9),
        describe: `real images to show [${IMAGES}]`,
      })
      .example('$0 demo', 'writes demo/run, demo/generator.onnx and demo/samples.png')
      .example('$0 demo --images 300000', 'longer, and better digits') as Argv<Flags>,
  handler: runDemo,
};
