/** `ganx export`: from a run or a snapshot to generator.onnx, written only if it is right. */
import {
  type ExportOptions,
  type ExportResult,
  type ExportSource,
  exportGenerator,
} from '../../exporters/index.js';
import { findModel } from '../../models/index.js';
import { loadRuntime } from '../../runtimes/index.js';
import { type Checkpoint, expectModel, resolveSnapshot, writeFileAtomically } from '../checkpoint/index.js';
import type { FloatTensor } from '../core/tensor.js';
import { parseModelOptions } from '../train/index.js';
import { anyText, type FlagValues, knownName, realNumber, wholeNumber } from './flags.js';
import { formatBytes, paint, printLine, printNote } from './print.js';
import type { Verb } from './verb.js';

const flags = {
  output: { alias: 'o', describe: 'file to write', initially: 'generator.onnx', read: anyText },
  opset: { describe: 'ONNX operator set', initially: 17, read: wholeNumber(1, 99) },
  layout: {
    describe: 'layout of the images output: nhwc or nchw',
    initially: 'nhwc',
    read: knownName(['nhwc', 'nchw']),
  },
  tolerance: {
    describe: 'largest difference from the live network',
    initially: '1e-5',
    read: realNumber(0, 1),
  },
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

/** Exports through ONNX Runtime on the CPU, which checks the file. */
export async function exportWithCheck(
  source: ExportSource,
  choices: Omit<ExportOptions, 'openSession'> = {},
): Promise<ExportResult> {
  const runtime = await loadRuntime('onnxruntime-node');
  return await exportGenerator(source, {
    ...choices,
    openSession: (bytes) => runtime.open(bytes, { device: 'cpu' }),
  });
}

async function runExport(values: FlagValues<typeof flags>, pathOrRun: string): Promise<void> {
  const { output = 'generator.onnx', ...choices } = values;
  const { path, source } = await findSource(pathOrRun);
  const result = await exportWithCheck(source, choices);
  await writeFileAtomically(output, result.bytes);
  printLine(
    `${output}: ${source.model} after ${source.imagesSeen} images, ${formatBytes(result.bytes.length)}, from ${path}`,
  );
  printLine(
    `Within ${result.maxDifference.toExponential(1)} of the live generator on ${result.checkedLatents} latents (tolerance ${result.tolerance}).`,
  );
  printLine(`Next: ganx sample ${output} --count 64 --seed 7`);
}

export const exportVerb: Verb<typeof flags> = {
  name: 'export',
  describe: 'write the trained generator as one ONNX file',
  path: { name: 'source', describe: 'run folder, or one of its snapshots' },
  flags,
  examples: [
    ['export runs/digits-dcgan', 'the newest snapshot, as generator.onnx'],
    ['export runs/digits-dcgan -o digits.onnx --layout nchw', 'images as [batch, C, H, W]'],
  ],
  run: runExport,
};
