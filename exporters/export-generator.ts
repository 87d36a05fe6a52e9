/**
 * The whole way from weights to a file that is right: trace, fold, compare with the live network, add the metadata.
 * It writes nothing to disk; bytes come out, or an error.
 */
import type { Gan } from '../models/types.js';
import { expected, GanError } from '../src/core/errors.js';
import { encodeMetadata, type GeneratorMetadata } from '../src/core/metadata.js';
import { type FloatTensor, plainTensor } from '../src/core/tensor.js';
import type { Session } from '../src/core/types.js';
import { makeGolden } from '../src/sample/golden.js';
import { drawLatents } from '../src/sample/latents.js';
import { toNhwc } from '../src/sample/layout.js';
import { findDivergence, maxDifference } from './find-divergence.js';
import { type GeneratorWeights, traceGenerator } from './generator.js';
import { openLiveGenerator } from './live-generator.js';
import { encodeModel, OPSET } from './model-proto.js';

/** Latents on which a file is compared before it may exist, and the batches in which they are drawn. */
export const CHECKED_LATENTS = 64;
const CHECK_BATCHES = [1, 5, 58] as const;
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

export interface ExportOptions {
  readonly layout?: 'nhwc' | 'nchw';
  /** Largest absolute difference from the live network; default 1e-5, some 80 units in the last place of 1. */
  readonly tolerance?: number;
  readonly opset?: number;
  /** Opens ONNX bytes in the runtime that checks the file. */
  readonly openSession: (bytes: Uint8Array) => Promise<Session>;
}

/** A file that passed, and by how much. */
export interface ExportResult {
  readonly bytes: Uint8Array;
  readonly metadata: GeneratorMetadata;
  readonly maxDifference: number;
  readonly tolerance: number;
  readonly checkedLatents: number;
}

/** @throws GanError `DIVERGED` that names the first weight that holds no number */
function checkFinite(weights: GeneratorWeights): void {
  for (const [name, { data }] of Object.entries(weights)) {
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    const message = `Expected finite weights, got \`${data[at]}\` at ${at}. Use an earlier checkpoint.`;
    throw new GanError('DIVERGED', name, message);
  }
}

/**
 * Exports a generator as ONNX bytes.
 *
 * @throws GanError `PARITY` with the first diverging node when the graph does not agree with the live network,
 *         `DIVERGED` for weights that are no numbers, `UNSUPPORTED_OP` or `BAKED_RANDOMNESS` from the trace
 */
export async function exportGenerator(source: ExportSource, options: ExportOptions): Promise<ExportResult> {
  const { layout = 'nhwc', tolerance = 1e-5, opset = OPSET, openSession } = options;
  if (opset !== OPSET) throw expected('export', `opset ${OPSET}`, opset, 'Every current runtime reads it.');
  if (!(tolerance >= 0 && Number.isFinite(tolerance)))
    throw expected('export', 'a tolerance of at least 0', tolerance);
  const { gan, weights } = source;
  checkFinite(weights);
  const live = await openLiveGenerator(gan, weights);
  let session: Session | undefined;
  try {
    const graph = traceGenerator(gan, weights, layout);
    const opened = await openSession(encodeModel(graph));
    session = opened;
    const run = async (latents: FloatTensor): Promise<FloatTensor> => {
      const images = (await opened.run({ latents })).images as FloatTensor;
      const { imageShape } = gan.shape;
      if (layout === 'nhwc') return images;
      return plainTensor(toNhwc(images.data, imageShape), [images.shape[0]!, ...imageShape]);
    };
    let worst = 0;
    let from = 0;
    for (const count of CHECK_BATCHES) {
      const latents = drawLatents(gan.shape, CHECK_SEED, from, count);
      const reference = (await live.run({ latents })).images!;
      worst = Math.max(worst, maxDifference((await run(latents)).data, reference.data));
      from += count;
    }
    if (!(worst <= tolerance)) {
      const latents = drawLatents(gan.shape, CHECK_SEED, 0, 5);
      const divergence = await findDivergence(graph, live, openSession, latents, tolerance);
      throw new GanError(
        'PARITY',
        divergence?.node ?? 'export',
        `Expected images within ${tolerance} of the live generator, got a difference of \`${worst}\`. ` +
          `${divergence ? `The first node that diverges is ${divergence.node} (by ${divergence.maxDifference}).` : 'No single layer diverges by as much: the error adds up.'} ` +
          'No file was written.',
      );
    }
    const metadata: GeneratorMetadata = {
      ...gan.shape,
      model: source.model,
      layout,
      imagesSeen: source.imagesSeen,
      seed: source.seed,
      dataDigest: source.dataDigest,
      golden: await makeGolden(run, gan.shape),
    };
    const bytes = encodeModel(graph, encodeMetadata(metadata));
    return { bytes, metadata, maxDifference: worst, tolerance, checkedLatents: from };
  } finally {
    await session?.dispose();
    await live.dispose();
  }
}
