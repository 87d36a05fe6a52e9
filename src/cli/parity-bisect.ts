/**
 * From a FAIL to the node to blame: the failing device against one that is right, node by node on the latents of the
 * largest difference; and a folder that reproduces it in any browser.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bisectDivergence, type Divergence, writeReproduction } from '../../exporters/bisect/index.js';
import { loadRuntime } from '../../runtimes/index.js';
import { ioError, makeFolder, readWholeFile, writeFileAtomically } from '../checkpoint/index.js';
import { plainTensor, type TensorMap } from '../core/tensor.js';
import {
  type Candidate,
  labelsOf,
  nameOf,
  PARITY_SEED,
  type ParityReport,
  type ParityRow,
} from '../measure/index.js';
import { drawLatents } from '../sample/index.js';
import type { Subject } from './parity-subjects.js';

/** A failing row and the first node that diverges there; none where every node by itself agrees. */
export interface Fault {
  readonly report: ParityReport;
  readonly row: ParityRow;
  readonly divergence?: Divergence;
}

/** What a reproduction's page loads beside its own files: ONNX Runtime for WebAssembly and for WebGPU. */
const ASSETS = [
  'ort.wasm.min.mjs',
  'ort-wasm-simd-threaded.mjs',
  'ort-wasm-simd-threaded.wasm',
  'ort.webgpu.min.mjs',
  'ort-wasm-simd-threaded.asyncify.mjs',
  'ort-wasm-simd-threaded.asyncify.wasm',
];

/** For nodes of float16 files: far above their rounding, below what makes two levels of an 8-bit image. */
const HALF_TOLERANCE = 5e-3;

/** The latents of the run in which the largest difference was; without one the first `most`. */
function feedsOf({ metadata, reference }: Subject, { worst }: ParityRow, most: number): TensorMap {
  const { inputName = 'latents', labelName = 'labels', latentShape, latentSize } = metadata;
  const batch = worst?.batch ?? most;
  const from = worst ? worst.latent - (worst.latent % batch) : 0;
  const { data } = drawLatents(metadata, PARITY_SEED, from, batch);
  const isLabelled = reference.inputs.some(({ name }) => name === labelName);
  return {
    [inputName]: plainTensor(data, [batch, ...(latentShape ?? [latentSize])]),
    ...(isLabelled ? { [labelName]: plainTensor(labelsOf(metadata, from, batch), [batch]) } : {}),
  };
}

/**
 * Looks for the first diverging node of every failing candidate that is usable here; of one only, where all fail, since
 * then the file is to blame.
 *
 * @param most the largest batch that was to be run
 */
export async function bisectFailures(
  subject: Subject,
  report: ParityReport,
  candidates: readonly Candidate[],
  most: number,
): Promise<Fault[]> {
  const ran = report.rows.filter(({ unavailable }) => !unavailable);
  const failed = ran.filter(({ status }) => status === 'FAIL');
  const rows = failed.length === ran.length ? failed.slice(0, 1) : failed;
  const faults: Fault[] = [];
  for (const row of rows) {
    const candidate = candidates.find((one) => nameOf(one) === nameOf(row))!;
    const bytes = subject.fresh ?? subject.bytes;
    // A file that was given is held against a fresh one; one file on two devices against an engine that shares nothing.
    const [runtime, device] = subject.fresh ? ['onnxruntime-node', 'cpu'] : ['tensorflow', 'cpu'];
    const judge = await loadRuntime(runtime);
    const divergence = await bisectDivergence(
      { bytes, open: (model) => judge.open(model, { device }) },
      { bytes: subject.bytes, open: (model) => candidate.open(model) },
      feedsOf(subject, row, most),
      { tolerance: row.unit === 'value' ? row.tolerance : HALF_TOLERANCE },
    );
    faults.push({ report, row, ...(divergence ? { divergence } : {}) });
  }
  return faults;
}

/** Writes the reproduction, ONNX Runtime's files beside it, and last the page that needs them. @throws GanError `IO` */
export async function saveReproduction(folder: string, divergence: Divergence): Promise<void> {
  const { 'index.html': page, ...files } = writeReproduction(divergence);
  const library = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
  await makeFolder(folder).catch((error: unknown) => {
    throw ioError('bisect', `to make the folder ${folder}`, error);
  });
  for (const name of ASSETS)
    await writeFileAtomically(join(folder, name), await readWholeFile(join(library, name)));
  for (const [name, bytes] of Object.entries({ ...files, 'index.html': page! }))
    await writeFileAtomically(join(folder, name), bytes);
}
