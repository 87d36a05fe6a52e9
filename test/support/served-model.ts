/** Small generators for the server's tests, each with a golden sample that it really draws, or not any more. */
import { createGenerator, makeGolden } from '../../src/sample/index.js';
import { encodeTinyGenerator, METADATA, openSession } from './sample-model.js';

export interface GoldenOptions {
  readonly seed?: number;
  readonly layout?: 'nhwc' | 'nchw';
  /** Changes the weights after the golden sample was made. */
  readonly damage?: number;
}

/** The file of a generator of 6 × 5 pixels in colour. */
export async function encodeGoldenGenerator(options: GoldenOptions = {}): Promise<Uint8Array> {
  const { seed = 11, layout = 'nhwc', damage = 0 } = options;
  const { golden: _, ...rest } = METADATA;
  const metadata = { ...rest, seed, layout };
  const generator = createGenerator(await openSession(encodeTinyGenerator({ metadata })), metadata);
  const golden = await makeGolden((latents) => generator.run(latents), metadata);
  await generator.dispose();
  return encodeTinyGenerator({ metadata: { ...metadata, golden }, damage });
}
