/** `ganx export`: from a run or a snapshot to generator.onnx, written only if it is right. */
import type { ArgumentsCamelCase, CommandModule } from 'yargs';
import { type ExportResult, type ExportSource, exportGenerator } from '../../exporters/index.js';
import { findModel } from '../../models/index.js';
import { loadRuntime } from '../../runtimes/index.js';
import { type Checkpoint, expectModel, resolveSnapshot, writeFileAtomically } from '../checkpoint/index.js';
import type { FloatTensor } from '../core/tensor.js';
import { averageWeights } from '../train/engines/engine.js';
import { parseModelOptions } from '../train/index.js';
import { knownName, realNumber, wholeNumber } from './flags.js';
import { formatBytes, paint, printLine, printNote } from './print.js';

const options = {
  output: {
    alias: 'o',
    type: 'string',
    requiresArg: true,
    default: 'generator.onnx',
    describe: 'file to write',
  },
  opset: {
    type: 'string',
    requiresArg: true,
    coerce: wholeNumber('opset', 1, 99),
    describe: 'ONNX operator set [17]',
  },
  layout: {
    type: 'string',
    requiresArg: true,
    coerce: knownName('layout', ['nhwc', 'nchw'] as const),
    describe: 'layout of the images output [nhwc]',
  },
  tolerance: {
    type: 'string',
    requiresArg: true,
    coerce: realNumber('tolerance', 0, 1),
    describe: 'largest difference from the live network [1e-5]',
  },
} as const;

type Flags = ArgumentsCamelCase<{
  source: string;
  output: string;
  opset?: number;
  layout?: 'nhwc' | 'nchw';
  tolerance?: number;
}>;

/** The generator that a checkpoint holds; a training state holds the averaged one too. */
export function toExportSource(checkpoint: Checkpoint): ExportSource {
  const model = findModel(checkpoint.model);
  expectModel(checkpoint, model.name);
  const tensors = checkpoint.tensors as Record<string, FloatTensor>;
  return {
    model: model.name,
    gan: model.build(parseModelOptions(checkpoint.modelOptions)),
    weights: checkpoint.kind === 'snapshot' ? tensors : averageWeights(tensors),
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
  choices: {
    layout?: 'nhwc' | 'nchw' | undefined;
    tolerance?: number | undefined;
    opset?: number | undefined;
  },
): Promise<ExportResult> {
  const runtime = await loadRuntime('onnxruntime-node');
  const given = Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== undefined));
  return await exportGenerator(source, {
    ...given,
    openSession: (bytes) => runtime.open(bytes, { device: 'cpu' }),
  });
}

async function runExport({ source: pathOrRun, output, opset, layout, tolerance }: Flags): Promise<void> {
  const { path, source } = await findSource(pathOrRun);
  const result = await exportWithCheck(source, { opset, layout, tolerance });
  await writeFileAtomically(output, result.bytes);
  printLine(
    `${output}: ${source.model} after ${source.imagesSeen} images, ${formatBytes(result.bytes.length)}, from ${path}`,
  );
  printLine(
    `Within ${result.maxDifference.toExponential(1)} of the live generator on ${result.checkedLatents} latents (tolerance ${result.tolerance}).`,
  );
  printLine(`Next: ganx sample ${output} --count 64 --seed 7`);
}

export const exportCommand: CommandModule<object, Flags> = {
  command: 'export <source>',
  describe: 'write the trained generator as one ONNX file',
  builder: (yargs) =>
    yargs
      .positional('source', {
        type: 'string',
        demandOption: true,
        describe: 'run folder, or one of its snapshots',
      })
      .options(options)
      .example('$0 export runs/digits-dcgan', 'the newest snapshot, as generator.onnx')
      .example(
        '$0 export runs/digits-dcgan -o digits.onnx --layout nchw',
        'images as [batch, C, H, W]',
      ) as never,
  handler: runExport,
};
