/** `ganx info --adopt`: a copy of another tool's file that says of itself what it takes to draw from it. */
import { adoptMetadata } from '../../exporters/index.js';
import { writeFileAtomically } from '../checkpoint/index.js';
import { expected } from '../core/errors.js';
import { openGenerator } from '../load-generator.js';
import { type LatentDescription, makeGolden, readMetadata } from '../sample/index.js';
import { formatBytes } from './print.js';

/**
 * Runs the described file on the CPU, the reference for what it should draw, and writes a copy with the description
 * and a golden sample.
 *
 * @returns what was written, for people
 * @throws GanError `BAD_ARGUMENT` without a description, or for one that does not fit the file
 */
export async function adoptFile(
  file: string,
  bytes: Uint8Array,
  target: string,
  describe: LatentDescription | undefined,
): Promise<string> {
  if (describe === undefined) {
    // For a file without metadata this throws, with what its inputs look like.
    const { model } = readMetadata(bytes, file);
    throw expected(
      '--adopt',
      '--latent with it',
      'none',
      `The file has metadata (${model}) and needs no others.`,
    );
  }
  const generator = await openGenerator(bytes, { device: 'cpu', describe }, file);
  try {
    const { metadata, labelled, run } = generator;
    const golden = await makeGolden(
      (latents) => run(latents, labelled ? Int32Array.of(0) : undefined),
      metadata,
    );
    const copy = adoptMetadata(bytes, { ...metadata, golden });
    await writeFileAtomically(target, copy);
    return `${target}: ${formatBytes(copy.length)}, a copy of ${file} with metadata and a golden sample`;
  } finally {
    await generator.dispose();
  }
}
