/**
 * The whole way from weights to a file that is right: trace, fold, compare with the live network, add the metadata.
 * It writes nothing to disk; bytes come out, whole or piece by piece, or an error.
 */
import type { Gan } from '../models/types.js';
import { expected, GanError } from '../src/core/errors.js';
import { encodeMetadata, type GeneratorMetadata } from '../src/core/metadata.js';
import { type FloatTensor, sizeOf } from '../src/core/tensor.js';
import type { Session } from '../src/core/types.js';
import { makeGolden } from '../src/sample/golden.js';
import {
  askLive,
  compareWithLive,
  drawAndClose,
  drawBatches,
  MOST_LATENTS,
  type OpenFile,
  planBatches,
} from './check-file.js';
import { compareLevels, isWithinBound, type LevelDifference, refuseHalf, worstLevels } from './check-half.js';
import { findDivergence, findLoss } from './find-divergence.js';
import { expectWeights, type GeneratorWeights, traceGenerator } from './generator.js';
import type { Graph } from './graph.js';
import { expectFileSize, inSequence, joinFile, type ModelFile, wholePart } from './model-file.js';
import { encodeProperties, layOutModel, OPSET } from './model-proto.js';
import { toHalf } from './passes/half.js';
import { spellHalf } from './passes/spell-half.js';

/** What is exported. */
export interface ExportSource {
  readonly model: string;
  readonly gan: Gan;
  /** By full names, `generator/project/kernel`. */
  readonly weights: GeneratorWeights;
  readonly imagesSeen: number;
  readonly seed: number;
  readonly dataDigest: string;
}

/**
 * What an export does, in order: `trace` the network, `open` and `run` the graph, draw in `half` precision where it is
 * asked for, `compare` with the live network.
 */
export type ExportPhase = 'trace' | 'open' | 'run' | 'half' | 'compare';

export interface ExportChoices {
  readonly layout?: 'nhwc' | 'nchw';
  /** Type of weights and compute; default float32. Inputs and outputs are float32 in any case. */
  readonly dtype?: 'float32' | 'float16';
  /**
   * Largest difference from the live network in float32, as a share of the largest value where that exceeds 1 (an
   * output that ends linear has no bound); default 1e-5, some 80 units in the last place of 1.
   * What half precision may add to it is fixed: 2 levels of 8-bit images anywhere, 0.5 on average.
   */
  readonly tolerance?: number;
  readonly opset?: number;
  /** Called when a phase begins, with the number of latents that will be drawn in it. */
  readonly onPhase?: (phase: ExportPhase, latents: number) => void;
}

export interface ExportOptions extends ExportChoices {
  /** Opens ONNX bytes in the runtime that checks the file. */
  readonly openSession: (bytes: Uint8Array) => Promise<Session>;
}

/** How well a file agrees with the live network, and what it says of itself. */
export interface ExportCheck {
  readonly metadata: GeneratorMetadata;
  /** From the live network, in float32; a share of the largest value where that exceeds 1. */
  readonly maxDifference: number;
  readonly tolerance: number;
  /** Latents that the live network drew. */
  readonly checkedLatents: number;
  /** What half precision changed; absent for a file in float32. */
  readonly half?: HalfCheck;
}

/** How well a file in half precision agrees, and what it saves. */
export interface HalfCheck {
  readonly levels: LevelDifference;
  readonly checkedLatents: number;
  /** What the file would take in float32. */
  readonly float32Bytes: number;
}

/** A file that passed, and by how much. */
export interface ExportResult extends ExportCheck {
  readonly bytes: Uint8Array;
}

/** @throws GanError `DIVERGED` that names the first weight that holds no number */
function checkFinite(weights: GeneratorWeights): void {
  for (const [name, { data }] of Object.entries(weights)) {
    for (let at = 0; at < data.length; at++) {
      if (Number.isFinite(data[at])) continue;
      const message = `Expected finite weights, got \`${data[at]}\` at ${at}. Use an earlier checkpoint.`;
      throw new GanError('DIVERGED', name, message);
    }
  }
}

/** The error for a graph that computes something else, with the first node that does. */
async function explainDivergence(
  source: ExportSource,
  graph: Graph,
  openFile: OpenFile,
  worst: number,
  tolerance: number,
): Promise<GanError> {
  const [latents] = drawBatches(source.gan, [5]);
  const found = await askLive(source, (live) => findDivergence(graph, live, openFile, latents!, tolerance));
  const cause = found
    ? `The first node that diverges is ${found.node} (by ${found.maxDifference}).`
    : 'No single layer diverges by as much: the error adds up.';
  const what = `Expected images within ${tolerance} of the live generator, got a difference of \`${worst}\`.`;
  return new GanError('PARITY', found?.node ?? 'export', `${what} ${cause} No file was written.`);
}

/** The error for a network that needs more than half precision, with the layer that loses most. */
async function explainLoss(
  source: ExportSource,
  graph: Graph,
  openFile: OpenFile,
  levels: LevelDifference,
): Promise<GanError> {
  const [latents] = drawBatches(source.gan, [5]);
  return refuseHalf(levels, await askLive(source, (live) => findLoss(graph, live, openFile, latents!)));
}

/** The files in which a graph is checked: in float32; for half precision also as a device rounds; last as it is written. */
function layOutFiles(graph: Graph, dtype: 'float32' | 'float16'): ModelFile[] {
  if (dtype === 'float32') return [layOutModel(graph)];
  const half = toHalf(graph);
  return [graph, spellHalf(half), half].map(layOutModel);
}

/**
 * Exports a generator as a file that is still to be written: large weights are read from where they lie, a piece at a
 * time. Each session is closed before the next one and the live network take their turns, so that one of them at a time
 * holds weights.
 *
 * @param openFile writes the file somewhere and opens it in the runtime that checks it; called again in half precision,
 *                 and with a file of other outputs when a check fails
 * @returns the file that was opened last, and what is to be appended to it: its metadata, which hold a checked image
 * @throws GanError as {@link exportGenerator}
 */
export async function exportInParts(
  source: ExportSource,
  openFile: OpenFile,
  choices: ExportChoices = {},
): Promise<ExportCheck & { readonly file: ModelFile; readonly properties: Uint8Array }> {
  const { layout = 'nhwc', dtype = 'float32', tolerance = 1e-5, opset = OPSET, onPhase } = choices;
  if (opset !== OPSET) throw expected('export', `opset ${OPSET}`, opset, 'Every current runtime reads it.');
  if (!(tolerance >= 0 && Number.isFinite(tolerance)))
    throw expected('export', 'a tolerance of at least 0', tolerance);
  const { gan, weights } = source;
  // Known before any work is done; what little stands beside the weights is counted when the file is laid out.
  expectFileSize(source.model, 4 * gan.generator.weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0));
  expectWeights(gan, weights);
  checkFinite(weights);

  onPhase?.('trace', 0);
  const graph = traceGenerator(gan, weights, layout);
  const files = layOutFiles(graph, dtype);
  const batches = planBatches(gan);
  const checkedLatents = batches.reduce((sum, batch) => sum + batch, 0);
  // What the live network cannot draw in time, the graph draws that has agreed with it.
  const rest = dtype === 'float16' ? Array<number>(MOST_LATENTS - checkedLatents).fill(1) : [];
  const latents = drawBatches(gan, [...batches, ...rest]);

  const drawn: FloatTensor[][] = [];
  onPhase?.('open', 0);
  for (const [i, file] of files.entries()) {
    if (i === 1) onPhase?.('half', MOST_LATENTS);
    const session = await openFile(file);
    if (i === 0) onPhase?.('run', checkedLatents + rest.length);
    drawn.push(await drawAndClose(session, latents, gan.shape, layout));
  }

  onPhase?.('compare', checkedLatents);
  const { references, worst } = await askLive(source, (live) =>
    compareWithLive(live, latents.slice(0, batches.length), drawn[0]!),
  );
  if (!(worst <= tolerance)) throw await explainDivergence(source, graph, openFile, worst, tolerance);
  const all = [...references, ...drawn[0]!.slice(batches.length)];
  const levels = worstLevels(drawn.slice(1).map((images) => compareLevels(images, all, gan.shape)));
  if (!isWithinBound(levels)) throw await explainLoss(source, graph, openFile, levels);

  const metadata: GeneratorMetadata = {
    ...gan.shape,
    model: source.model,
    layout,
    ...(dtype === 'float32' ? {} : { dtype }),
    imagesSeen: source.imagesSeen,
    seed: source.seed,
    dataDigest: source.dataDigest,
    // The first batch is the golden sample's: seed 0, index 0.
    golden: await makeGolden(() => Promise.resolve(drawn.at(-1)![0]!), gan.shape),
  };
  const properties = encodeProperties(encodeMetadata(metadata));
  const half = { levels, checkedLatents: MOST_LATENTS, float32Bytes: files[0]!.sizeBytes };
  const check = { metadata, maxDifference: worst, tolerance, checkedLatents };
  return { file: files.at(-1)!, properties, ...check, ...(dtype === 'float32' ? {} : { half }) };
}

/**
 * Exports a generator as ONNX bytes.
 *
 * @throws GanError `PARITY` with the first diverging node when the graph does not agree with the live network, and with
 *         the layer that loses most when half precision is not enough,
 *         `DIVERGED` for weights that are no numbers, `BAD_MODEL_FILE` for more of them than one file can hold,
 *         `UNSUPPORTED_OP` or `BAKED_RANDOMNESS` from the trace
 */
export async function exportGenerator(source: ExportSource, options: ExportOptions): Promise<ExportResult> {
  const { openSession, ...choices } = options;
  const openFile = (file: ModelFile) => openSession(joinFile(file));
  const { file, properties, ...check } = await exportInParts(source, openFile, choices);
  return { ...check, bytes: joinFile(inSequence([file, wholePart(properties)])) };
}
