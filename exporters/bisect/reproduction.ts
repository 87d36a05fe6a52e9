/**
 * A divergence as a folder that shows it to others: the minimal model, its inputs and expected output as .npy, and a
 * page that runs it in a browser. Only names and bytes; the caller writes them, with ONNX Runtime's own files beside.
 */
import { encodeNpy } from '../../src/core/npy.js';
import { readModel } from '../proto/read-model.js';
import { PAGE_STYLE, renderPage } from './reproduction-page.js';
import { PAGE_SCRIPT } from './reproduction-script.js';
import type { Divergence, Engine } from './types.js';

/** What the page fetches to know what to run. */
interface Manifest {
  readonly node: string;
  readonly operator: string;
  readonly model: string;
  readonly output: string;
  readonly tolerance: number;
  readonly feeds: readonly Tensor[];
  readonly expected: Tensor;
}

interface Tensor {
  readonly name: string;
  readonly file: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

function nameEngine({ runtime, device, version, engine }: Engine): string {
  return `${runtime} ${version}, ${device}${engine ? ` (${engine})` : ''}`;
}

/** A few digits of a value, enough to tell two apart. */
function formatValue(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(9)));
}

/** The facts in the order in which a reader wants them. */
function listFacts(divergence: Divergence, manifest: Manifest): [name: string, value: string][] {
  const { node, operator, reference, candidate, at, expected, got, tolerance, nodes } = divergence;
  const { proto } = readModel(divergence.model, 'reproduction');
  const opset = (proto.opsetImport ?? []).map(({ domain, version }) => `${domain || 'ai.onnx'} ${version}`);
  const inputs = manifest.feeds.map(
    ({ name, dtype, shape, file }) => `${name} ${dtype} [${shape.join(', ')}] (${file})`,
  );
  return [
    ['Node', `${node} (${operator})`],
    ['Reference', nameEngine(reference)],
    ['Candidate', candidate ? nameEngine(candidate) : 'did not open the model'],
    ['Largest difference', `${divergence.maxDifference.toPrecision(4)} (tolerance ${tolerance})`],
    ...(at.length > 0 || divergence.maxDifference < Number.POSITIVE_INFINITY
      ? [
          ['At', `[${at.join(', ')}]: ${formatValue(expected)} expected, got ${formatValue(got)}`] as [
            string,
            string,
          ],
        ]
      : []),
    ['How it was found', divergence.note],
    [
      'Model',
      `node.onnx, IR ${proto.irVersion}, opset ${opset.join(', ')}, ${nodes.length} of the original nodes`,
    ],
    ['Inputs', inputs.join('; ') || 'none'],
    ['Output', `${manifest.output} [${manifest.expected.shape.join(', ')}] (expected.npy)`],
  ];
}

/**
 * The files of a reproduction by name: open index.html from any web server.
 *
 * Beside them belong, from onnxruntime-web's dist folder: ort.wasm.min.mjs, ort-wasm-simd-threaded.mjs and .wasm,
 * ort.webgpu.min.mjs, ort-wasm-simd-threaded.asyncify.mjs and .wasm.
 */
export function writeReproduction(divergence: Divergence): Record<string, Uint8Array> {
  const feeds = Object.entries(divergence.feeds).map(([name, tensor], i) => ({
    tensor,
    entry: { name, file: `input-${i}.npy`, dtype: tensor.dtype, shape: tensor.shape },
  }));
  const { node, operator, output, tolerance, expectedOutput } = divergence;
  const { dtype, shape } = expectedOutput;
  const manifest: Manifest = {
    node,
    operator,
    model: 'node.onnx',
    output,
    tolerance,
    feeds: feeds.map(({ entry }) => entry),
    expected: { name: output, file: 'expected.npy', dtype, shape },
  };
  const facts = listFacts(divergence, manifest);
  const report = [
    `${operator} computes something else than it should`,
    '',
    ...facts.map(([name, value]) => `- ${name}: ${value}`),
    '',
  ].join('\n');
  const text = (content: string): Uint8Array => new TextEncoder().encode(content);
  return {
    'index.html': text(renderPage(operator, node, facts, report)),
    'style.css': text(PAGE_STYLE),
    'reproduce.js': text(PAGE_SCRIPT),
    'reproduction.json': text(`${JSON.stringify(manifest, null, 2)}\n`),
    'report.md': text(report),
    'node.onnx': divergence.model,
    ...Object.fromEntries(feeds.map(({ tensor, entry }) => [entry.file, encodeNpy(tensor)])),
    'expected.npy': encodeNpy(expectedOutput),
  };
}
