/** `ganx setup`: gets what an ordinary install leaves out, and proves that it works. */
import { type Setup, setUpTensorflow } from '../tensorflow/setup.js';
import { type FlagValues, knownName } from './flags.js';
import { type Bar, formatDuration, openBar, paint, printLine, printNote } from './print.js';
import { abortOnSignal, EXIT_STOPPED } from './stop.js';
import type { Verb } from './verb.js';

const flags = {
  gpu: { describe: 'the one that can use an NVIDIA GPU; CUDA itself must be there' },
  again: { describe: 'set up anew even if it works' },
};

const MEGABYTE = 1e6;

/** Steps as lines, and a bar under the one that knows how far it is. */
function openProgress() {
  let bar: Bar | undefined;
  let label = '';
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    stop,
    say(text: string): void {
      stop();
      label = text;
      printNote(`  ${text}`);
    },
    advance(doneBytes: number, totalBytes: number | undefined): void {
      bar ??= openBar(`  ${label}`, 'MB');
      bar.update(
        Math.floor(doneBytes / MEGABYTE),
        totalBytes === undefined ? undefined : Math.ceil(totalBytes / MEGABYTE),
      );
    },
  };
}

function printSetup({ way, native }: Setup, gpu: boolean, durationMs: number): void {
  const { package: name, tensorflowVersion, usesGpu } = native;
  printLine(
    `TensorFlow ${tensorflowVersion} works through ${name}, on ${usesGpu ? 'the GPU' : 'the CPU'}: it multiplied two matrices.`,
  );
  printLine(way ? `Got by ${way}, in ${formatDuration(durationMs)}.` : 'It was here already.');
  if (gpu && !usesGpu) {
    printNote(
      paint(
        'yellow',
        'No CUDA device was found: it takes an NVIDIA driver, CUDA 12 and cuDNN 9. See `ganx doctor`.',
      ),
    );
  }
}

async function runSetup({ gpu = false, again = false }: FlagValues<typeof flags>, what: string) {
  knownName(['tensorflow'])(what, 'setup');
  const start = performance.now();
  const progress = openProgress();
  const { signal, release } = abortOnSignal(() => printNote('Stopping.'));
  printNote('Setting up the native TensorFlow:');
  try {
    const showPrograms = process.stderr.isTTY === true;
    const setup = await setUpTensorflow({ gpu, again, progress, showPrograms, signal });
    progress.stop();
    printSetup(setup, gpu, performance.now() - start);
  } catch (error) {
    if (!signal.aborted) throw error;
    process.exitCode = EXIT_STOPPED;
  } finally {
    progress.stop();
    release();
  }
}

export const setupVerb: Verb<typeof flags> = {
  name: 'setup',
  describe: 'get the native TensorFlow by the first way that works, and prove it',
  path: { name: 'what', describe: 'tensorflow' },
  flags,
  examples: [
    ['setup tensorflow', 'for the CPU; a second time takes a moment'],
    ['setup tensorflow --gpu', 'for an NVIDIA GPU'],
    [
      'setup tensorflow --again',
      'with the libtensorflow (folder, .tar.gz, wheel or URL) that GANX_LIBTENSORFLOW names',
    ],
  ],
  run: runSetup,
};
