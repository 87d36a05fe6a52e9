/** `ganx demo`: the whole way on built-in digits, as the four commands that a user would type. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FlagValues, wholeNumber } from './flags.js';
import { formatDuration, paint, printLine, printNote } from './print.js';
import type { Verb } from './verb.js';

/** A narrow network and many small steps: readable digits in less than two minutes on two cores. */
const IMAGES = 72_000;
const RECIPE = '--width 32 --batch 32 --learning-rate 4e-4';

const flags = {
  images: { describe: 'real images to show', initially: IMAGES, read: wholeNumber(1, 1e9) },
};

/** `demo`, or the first of `demo-2`, `demo-3`, … that is free. */
function freeFolder(): string {
  for (let i = 1; ; i++) {
    const path = i === 1 ? 'demo' : `demo-${i}`;
    if (!existsSync(path)) return path;
  }
}

async function runDemo({ images = IMAGES }: FlagValues<typeof flags>): Promise<void> {
  const start = performance.now();
  const main = fileURLToPath(new URL('./main.js', import.meta.url));
  const folder = freeFolder();
  const run = join(folder, 'run');
  const file = join(folder, 'generator.onnx');
  const sheet = join(folder, 'samples.png');
  const commands = [
    `train --data digits --model dcgan ${RECIPE} --images ${images} --out ${run}`,
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

export const demoVerb: Verb<typeof flags> = {
  name: 'demo',
  describe: 'train, export, sample and check, on built-in digits in a few minutes',
  flags,
  examples: [
    ['demo', 'writes demo/run, demo/generator.onnx and demo/samples.png'],
    ['demo --images 300000', 'longer, and better digits'],
  ],
  run: runDemo,
};
