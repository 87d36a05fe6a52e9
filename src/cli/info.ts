/** `ganx info`: what an .onnx file says of itself, ours or not. */
import { describeModel } from '../../exporters/index.js';
import { readWholeFile } from '../checkpoint/index.js';
import { expected } from '../core/errors.js';
import { decodeMetadata, type GeneratorMetadata } from '../core/metadata.js';
import { readModelFile } from '../sample/index.js';
import { adoptFile } from './adopt-file.js';
import { anyText, type FlagValues } from './flags.js';
import { latentFlags, readDescription } from './latent-flags.js';
import { formatBytes, formatTable, printLine } from './print.js';
import type { Verb } from './verb.js';

const flags = {
  json: { describe: 'print JSON' },
  adopt: {
    describe: 'write a copy with metadata to this path, for a file from another tool; needs --latent',
    read: anyText,
  },
  ...latentFlags,
};

/** What the file says of itself, in rows. */
function describeMetadata(metadata: GeneratorMetadata): string[][] {
  const { golden, imageShape, imageRange, latentSize, latentDistribution, labels } = metadata;
  const { dtype = 'float32', inputName = 'latents', outputName = 'images', labelName = 'labels' } = metadata;
  const { latentShape = [latentSize], latentRange } = metadata;
  // Who trained a file that another tool wrote, and on what, nobody has said.
  const isTrainingKnown = metadata.dataDigest !== '';
  const training = isTrainingKnown ? `, after ${metadata.imagesSeen} images with seed ${metadata.seed}` : '';
  const bounds = latentRange ? ` from ${latentRange.join(' to ')}` : '';
  return [
    ['model', `${metadata.model}${training}`],
    ['compute', dtype],
    ['latents', `${inputName}: ${latentShape.join('×')}, ${latentDistribution}${bounds}`],
    [
      metadata.kind,
      `${outputName}: ${imageShape.join('×')}, ${metadata.layout}, range ${imageRange.join(' to ')}`,
    ],
    ...(labels ? [['labels', `${labelName}: ${labels.join(', ')}`]] : []),
    ...(isTrainingKnown ? [['data', `SHA-256 ${metadata.dataDigest}`]] : []),
    [
      'golden',
      golden
        ? `sample ${golden.index} of seed ${golden.seed}: SHA-256 ${golden.sha256}`
        : 'none: devices can only be asked for finite values',
    ],
  ];
}

async function runInfo(values: FlagValues<typeof flags>, file: string): Promise<void> {
  const { json, adopt } = values;
  const describe = readDescription(values);
  if (describe && adopt === undefined) {
    throw expected('--latent', '--adopt with it', 'none', 'Give a path for the copy, as --adopt out.onnx.');
  }
  const bytes = await readWholeFile(file);
  if (adopt !== undefined) {
    printLine(await adoptFile(file, bytes, adopt, describe));
    return;
  }
  const model = readModelFile(bytes);
  const metadata = decodeMetadata(model.properties);
  const { inputs, outputs, parameters } = describeModel(bytes, file);
  const { irVersion, opset, producer, operators, sizeBytes } = model;
  if (json) {
    printLine(
      JSON.stringify(
        {
          file,
          irVersion,
          opset,
          producer,
          sizeBytes,
          parameters,
          inputs,
          outputs,
          operators,
          metadata: metadata ?? null,
        },
        null,
        2,
      ),
    );
    return;
  }
  const show = (values: typeof inputs): string =>
    values.map(({ name, dtype, shape }) => `${name} ${dtype} [${shape.join(', ')}]`).join('; ');
  const rows: string[][] = [
    ['file', `${file}, ${formatBytes(sizeBytes)}`],
    ['format', `ONNX IR ${irVersion}, opset ${opset}, by ${producer || 'unknown'}`],
    ['inputs', show(inputs)],
    ['outputs', show(outputs)],
    ['parameters', parameters.toLocaleString('en')],
    [
      'operators',
      Object.entries(operators)
        .map(([op, count]) => `${op} ×${count}`)
        .join(', '),
    ],
  ];
  if (metadata) {
    rows.push(...describeMetadata(metadata));
  } else {
    rows.push([
      'metadata',
      'none of ganx: any ONNX Runtime can run it; `ganx sample` must be told the latents, as --latent 1x512.',
    ]);
  }
  printLine(formatTable(rows));
}

export const infoVerb: Verb<typeof flags> = {
  name: 'info',
  describe: 'show what an .onnx file holds',
  path: { name: 'file', describe: 'an .onnx file, of ganx or not' },
  flags,
  examples: [
    ['info generator.onnx', 'a table'],
    ['info generator.onnx --json', 'for programs'],
    ['info stylegan.onnx --adopt generator.onnx --latent 1x512', 'a copy that ganx can draw from'],
  ],
  run: runInfo,
};
