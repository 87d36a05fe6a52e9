/** `ganx info`: what an .onnx file says of itself, ours or not. */
import { describeModel } from '../../exporters/index.js';
import { readWholeFile } from '../checkpoint/index.js';
import { decodeMetadata } from '../core/metadata.js';
import { readModelFile } from '../sample/index.js';
import type { FlagValues } from './flags.js';
import { formatBytes, formatTable, printLine } from './print.js';
import type { Verb } from './verb.js';

const flags = { json: { describe: 'print JSON' } };

async function runInfo({ json }: FlagValues<typeof flags>, file: string): Promise<void> {
  const bytes = await readWholeFile(file);
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
    const { golden, imageShape, imageRange, latentSize, latentDistribution } = metadata;
    rows.push(
      ['model', `${metadata.model}, after ${metadata.imagesSeen} images with seed ${metadata.seed}`],
      ['latents', `${latentSize}, ${latentDistribution}`],
      [metadata.kind, `${imageShape.join('×')}, ${metadata.layout}, range ${imageRange.join(' to ')}`],
      ...(metadata.labels ? [['labels', metadata.labels.join(', ')]] : []),
      ['data', `SHA-256 ${metadata.dataDigest}`],
      ['golden', `sample ${golden.index} of seed ${golden.seed}: SHA-256 ${golden.sha256}`],
    );
  } else {
    rows.push([
      'metadata',
      'none of ganx: any ONNX Runtime can run it, `ganx sample` cannot (it must know the latents).',
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
  ],
  run: runInfo,
};
