/**
 * Parity of sampling: a generator at full size is drawn from on one device and compared with the live network.
 */
import { openLiveGenerator } from '../../exporters/index.js';
import { listDevices } from '../../runtimes/index.js';
import { onnxruntimeNode } from '../../runtimes/onnxruntime-node.js';
import { measureParity, type ParityRow } from '../../src/measure/index.js';
import { exportSubject } from './generators.js';

const SUBJECT = 'dcgan28';
const LATENTS = 32;
const BATCHES = [1, 5, 32];

/** What {@link compareSampling} draws from, for titles. */
export const GENERATOR = 'DCGAN 28x28, width 64';

/**
 * Draws on one device of onnxruntime-node and compares.
 *
 * @param tolerance instead of the one for the device
 */
export async function compareSampling(
  device: string,
  dtype: 'float32' | 'float16',
  tolerance?: number,
): Promise<ParityRow> {
  const { bytes, metadata, gan, weights } = await exportSubject(SUBJECT, dtype);
  const candidates = (await listDevices()).filter(
    (candidate) => candidate.runtime === onnxruntimeNode.name && candidate.device === device,
  );
  const live = await openLiveGenerator(gan, weights);
  try {
    const tolerances = tolerance === undefined ? {} : { [device]: tolerance };
    const report = await measureParity(bytes, metadata, live, candidates, {
      latents: LATENTS,
      batches: BATCHES,
      tolerances,
    });
    return report.rows[0]!;
  } finally {
    await live.dispose();
  }
}
