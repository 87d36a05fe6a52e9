/**
 * The whole way from weights to a file that is right: trace, fold, compare with the live network, add the metadata.
 * It writes nothing to disk; bytes come out, whole or piece by piece, or an error.
 */
import type { Gan } from '../models/types.js';
import { expected, GanError } from '../src/core/errors.js';
import { encodeMetadata, type GeneratorMetadata } from '../src/core/metadata.js';
import { type FloatTensor, plainTensor, sizeOf } from '../src/core/tensor.js';
import type { Session } from '../src/core/types.js';
import { makeGolden } from '../src/sample/golden.js';
import { drawLatents } from '../src/sample/latents.js';
import { toNhwc } from '../src/sample/layout.js';
import { countMultiplications } from './count-multiplications.js';
import { findDivergence, maxDifference } from './find-divergence.js';
import { expectWeights, type GeneratorWeights, traceGenerator } from './generator.js';
import type { Graph } from './graph.js';
import { openLiveGenerator } from './live-generator.js';
import { expectFileSize, inSequence, joinFile, type ModelFile, wholePart } from './model-file.js';
import { encodeProperties, layOutModel, OPSET } from './model-proto.js';

const CHECK_SEED = 0;

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

/** What an export does, in order: `trace` the network, `open` and `run` the graph, `compare` with the live network. */
export type ExportPhase = 'trace' | 'open' | 'run' | 'compare';

export interface ExportChoices {
  readonly layout?: 'nhwc' | 'nchw';
  /** Largest absolute difference from the live network; default 1e-5, some 80 units in the last place of 1. */
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
  readonly maxDifference: number;
  readonly tolerance: number;
  readonly checkedLatents: number;
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

/** Latents on which a file is compared before it may exist, and what the live network may compute for them. */
const MOST_LATENTS = 64;
const FEWEST_LATENTS = 3;
const LIVE_MULTIPLICATIONS = 4e9; // some 3 s in WebAssembly, 20 s in pure JS

/**
 * The batches in which a network is checked: 64 latents, fewer where an image takes long. Three are enough for what an
 * export can get wrong: a pad, a layout or a factor that is wrong shows in every image. Two sizes of batch must agree.
 */
function planBatches(gan: Gan): number[] {
  const affordable = Math.floor(LIVE_MULTIPLICATIONS / countMultiplications(gan));
  const count = Math.min(MOST_LATENTS, Math.max(FEWEST_LATENTS, affordable));
  const second = Math.min(5, count - 1);
  return [1, second, count - 1 - second].filter((batch) => batch > 0);
}

/** Draws images with an open file: latents [n, L] -> [n, H, W, C], whatever the file's own layout. */
async function runNhwc(session: Session, latents: FloatTensor, source: ExportSource, layout: string) {
  const images = (await session.run({ latents })).images as FloatTensor;
  const { imageShape } = source.gan.shape;
  if (layout === 'nhwc') return images;
  return plainTensor(toNhwc(images.data, imageShape), [images.shape[0]!, ...imageShape]);
}

/** The error for a graph that computes something else, with the first node that does. */
async function explainDivergence(
  source: ExportSource,
  graph: Graph,
  openFile: (file: ModelFile) => Promise<Session>,
  worst: number,
  tolerance: number,
): Promise<GanError> {
  const { gan, weights } = source;
  const live = await openLiveGenerator(gan, weights);
  try {
    const latents = drawLatents(gan.shape, CHECK_SEED, 0, 5);
    const found = await findDivergence(graph, live, openFile, latents, tolerance);
    const cause = found
      ? `The first node that diverges is ${found.node} (by ${found.maxDifference}).`
      : 'No single layer diverges by as much: the error adds up.';
    const what = `Expected images within ${tolerance} of the live generator, got a difference of \`${worst}\`.`;
    return new GanError('PARITY', found?.node ?? 'export', `${what} ${cause} No file was written.`);
  } finally {
    await live.dispose();
  }
}

/**
 * Exports a generator as a file that is still to be written: large weights are read from where they lie, a piece at a
 * time. The graph's session is closed before the live network takes its turn, so that only one of them holds weights.
 *
 * @param openFile writes the file somewhere and opens it in the runtime that checks it; called again with a file of
 *                 other outputs when the check fails
 * @returns the file that was opened, and what is to be appended to it: its metadata, which hold a checked image
 * @throws GanError as {@link exportGenerator}
 */
export async function exportInParts(
  source: ExportSource,
  openFile: (file: ModelFile) => Promise<Session>,
  choices: ExportChoices = {},
): Promise<ExportCheck & { readonly file: ModelFile; readonly properties: Uint8Array }> {
  const { layout = 'nhwc', tolerance = 1e-5, opset = OPSET, onPhase } = choices;
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
  const file = layOutModel(graph);
  const batches = planBatches(gan);
  const checkedLatents = batches.reduce((sum, batch) => sum + batch, 0);
  const latents = batches.map((batch, i) =>
    drawLatents(
      gan.shape,
      CHECK_SEED,
      batches.slice(0, i).reduce((a, b) => a + b, 0),
      batch,
    ),
  );

  onPhase?.('open', 0);
  const session = await openFile(file);
  const images: FloatTensor[] = [];
  try {
    onPhase?.('run', checkedLatents);
    for (const batch of latents) images.push(await runNhwc(session, batch, source, layout));
  } finally {
    await session.dispose();
  }

  onPhase?.('compare', checkedLatents);
  const live = await openLiveGenerator(gan, weights);
  let worst = 0;
  try {
    for (const [i, batch] of latents.entries()) {
      const reference = (await live.run({ latents: batch })).images!;
      worst = Math.max(worst, maxDifference(images[i]!.data, reference.data));
    }
  } finally {
    await live.dispose();
  }
  if (!(worst <= tolerance)) throw await explainDivergence(source, graph, openFile, worst, tolerance);

  const metadata: GeneratorMetadata = {
    ...gan.shape,
    model: source.model,
    layout,
    imagesSeen: source.imagesSeen,
    seed: source.seed,
    dataDigest: source.dataDigest,
    // The first batch is the golden sample's: seed 0, index 0.
    golden: await makeGolden(() => Promise.resolve(images[0]!), gan.shape),
  };
  const properties = encodeProperties(encodeMetadata(metadata));
  return { file, properties, metadata, maxDifference: worst, tolerance, checkedLatents };
}

/**
 * Exports a generator as ONNX bytes.
 *
 * @throws GanError `PARITY` with the first diverging node when the graph does not agree with the live network,
 *         `DIVERGED` for weights that are no numbers, `BAD_MODEL_FILE` for more of them than one file can hold,
 *         `UNSUPPORTED_OP` or `BAKED_RANDOMNESS` from the trace
 */
export async function exportGenerator(source: ExportSource, options: ExportOptions): Promise<ExportResult> {
  const { openSession, ...choices } = options;
  const openFile = (file: ModelFile) => openSession(joinFile(file));
  const { file, properties, ...check } = await exportInParts(source, openFile, choices);
  return { ...check, bytes: joinFile(inSequence([file, wholePart(properties)])) };
}
