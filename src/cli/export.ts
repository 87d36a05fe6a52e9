/** `ganx export`: from a run or a snapshot to generator.onnx, written only if it is right. */
import { appendFile, writeFile } from 'node:fs/promises';
import {
  type ExportCheck,
  type ExportChoices,
  type ExportPhase,
  type ExportResult,
  type ExportSource,
  exportGenerator,
  exportInParts,
  HALF_BOUND,
  type HalfCheck,
  type ModelFile,
} from '../../exporters/index.js';
import { findModel } from '../../models/index.js';
import { loadRuntime } from '../../runtimes/index.js';
import { type Checkpoint, expectModel, resolveSnapshot } from '../checkpoint/index.js';
import type { FloatTensor } from '../core/tensor.js';
import type { Session } from '../core/types.js';
import { parseModelOptions } from '../train/index.js';
import { chooseTarget, copyGenerator } from './export-target.js';
import { anyText, type FlagValues, knownName, realNumber, wholeNumber } from './flags.js';
import { formatBytes, paint, printLine, printNote } from './print.js';
import { readModelName } from './triton-repository.js';
import type { Verb } from './verb.js';

const DTYPES = { fp32: 'float32', float32: 'float32', fp16: 'float16', float16: 'float16' } as const;

/** A type by either of its names. */
export function readDtype(text: string, flag: string): 'float32' | 'float16' {
  const names = Object.keys(DTYPES) as (keyof typeof DTYPES)[];
  return DTYPES[knownName(names)(text, flag)];
}

const flags = {
  output: { alias: 'o', describe: 'file to write', initially: 'generator.onnx', read: anyText },
  opset: { describe: 'ONNX operator set', initially: 17, read: wholeNumber(1, 99) },
  layout: {
    describe: 'layout of the images output: nhwc or nchw',
    initially: 'nhwc',
    read: knownName(['nhwc', 'nchw']),
  },
  dtype: {
    describe: 'type of weights and compute: fp32 or fp16 (half the bytes)',
    initially: 'fp32',
    read: readDtype,
  },
  tolerance: {
    describe: 'largest difference from the live network, in fp32',
    initially: '1e-5',
    read: realNumber(0, 1),
  },
  triton: { describe: 'write a model repository for NVIDIA Triton instead, into this folder', read: anyText },
  name: { describe: 'its name there', initially: 'generator', read: readModelName },
  replace: { describe: 'another model of that name may lie there' },
};

/** The generator that a snapshot holds. */
function toExportSource(checkpoint: Checkpoint): ExportSource {
  const model = findModel(checkpoint.model);
  expectModel(checkpoint, model.name);
  return {
    model: model.name,
    gan: model.build(parseModelOptions(checkpoint.modelOptions)),
    weights: checkpoint.tensors as Record<string, FloatTensor>,
    imagesSeen: checkpoint.imagesSeen,
    seed: checkpoint.seed,
    dataDigest: checkpoint.dataDigest,
  };
}

/** Finds the newest snapshot of a run (or reads the file), and says which files were passed over. */
export async function findSource(pathOrRun: string): Promise<{ path: string; source: ExportSource }> {
  const { path, checkpoint, skipped } = await resolveSnapshot(pathOrRun);
  for (const { path: broken, reason } of skipped)
    printNote(paint('yellow', `Passed over ${broken}: ${reason}`));
  return { path, source: toExportSource(checkpoint) };
}

/** Exports to memory through ONNX Runtime on the CPU, which checks the bytes. */
export async function exportWithCheck(
  source: ExportSource,
  choices: ExportChoices = {},
): Promise<ExportResult> {
  const runtime = await loadRuntime('onnxruntime-node');
  const openSession = (bytes: Uint8Array): Promise<Session> => runtime.open(bytes, { device: 'cpu' });
  return await exportGenerator(source, { ...choices, openSession });
}

/** Exports to a file that ONNX Runtime opens and checks where it lies. */
async function exportToFile(
  path: string,
  source: ExportSource,
  choices: ExportChoices,
): Promise<ExportCheck & { readonly sizeBytes: number }> {
  const { openModel } = await import('../../runtimes/onnxruntime-node.js');
  const openFile = async ({ chunks }: ModelFile): Promise<Session> => {
    await writeFile(path, chunks());
    return openModel(path, { device: 'cpu' });
  };
  const { file, properties, ...check } = await exportInParts(source, openFile, choices);
  await appendFile(path, properties);
  return { ...check, sizeBytes: file.sizeBytes + properties.length };
}

const PHASES: Readonly<Record<ExportPhase, (latents: number) => string>> = {
  trace: () => 'Tracing the generator',
  open: () => 'Writing the file and opening it in ONNX Runtime',
  run: (latents) => `Drawing ${latents} images with it`,
  half: (latents) => `Drawing ${latents} images in half precision`,
  compare: (latents) => `Drawing ${latents} images with the live generator`,
};

/** From this many weights on, an export takes long enough to say what it is at where nobody watches. */
const LARGE = 1e7;

/** Says what an export is at: on a terminal in one line that goes away, elsewhere a line a phase, if it takes long. */
function openPhases(source: ExportSource): { onPhase: NonNullable<ExportChoices['onPhase']>; stop(): void } {
  const parameters = Object.values(source.weights).reduce((sum, { data }) => sum + data.length, 0);
  const { isTTY } = process.stderr;
  return {
    onPhase(phase, latents) {
      const text = `${PHASES[phase](latents)} …`;
      if (isTTY) process.stderr.write(`\r\x1b[K${text}`);
      else if (parameters >= LARGE) printNote(text);
    },
    stop() {
      if (isTTY) process.stderr.write('\r\x1b[K');
    },
  };
}

/** What half precision changed, and what it saves. */
function printHalf({ levels, checkedLatents, float32Bytes }: HalfCheck, sizeBytes: number): void {
  const share = Math.round((100 * sizeBytes) / float32Bytes);
  printLine(
    `In float16, 8-bit images are within ${levels.max} of 255 levels, ${levels.mean.toFixed(3)} on average, ` +
      `on ${checkedLatents} latents (bound ${HALF_BOUND.max} and ${HALF_BOUND.mean}).`,
  );
  printLine(`The file is ${share}% of its ${formatBytes(float32Bytes)} in float32.`);
}

async function runExport(values: FlagValues<typeof flags>, pathOrRun: string): Promise<void> {
  if (pathOrRun.endsWith('.onnx')) return await copyGenerator(pathOrRun, values);
  const { output: _, triton: __, name: ___, replace: ____, ...choices } = values;
  const { target, next, fill } = chooseTarget(values);
  const { path, source } = await findSource(pathOrRun);
  const { onPhase, stop } = openPhases(source);
  const result = await fill((temporary) => exportToFile(temporary, source, { ...choices, onPhase })).finally(
    stop,
  );
  printLine(
    `${target}: ${source.model} after ${source.imagesSeen} images, ${formatBytes(result.sizeBytes)}, from ${path}`,
  );
  printLine(
    `Within ${result.maxDifference.toExponential(1)} of the live generator on ${result.checkedLatents} latents${result.half ? ' in float32' : ''} (tolerance ${result.tolerance}).`,
  );
  if (result.half) printHalf(result.half, result.sizeBytes);
  printLine(`Next: ${next}`);
}

export const exportVerb: Verb<typeof flags> = {
  name: 'export',
  describe: 'write the trained generator as one ONNX file',
  path: { name: 'source', describe: 'run folder, or one of its snapshots' },
  flags,
  examples: [
    ['export runs/digits-dcgan', 'the newest snapshot, as generator.onnx'],
    ['export runs/digits-dcgan -o digits.onnx --layout nchw', 'images as [batch, C, H, W]'],
    ['export runs/digits-dcgan --triton models --name digits', 'models/digits, for NVIDIA Triton'],
    ['export runs/digits-dcgan --dtype fp16', 'half the bytes, if the images stay the same to the eye'],
  ],
  run: runExport,
};
