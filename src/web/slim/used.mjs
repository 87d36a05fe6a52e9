/**
 * used.json: what of one build of ONNX Runtime's module runs for generators, as record.mjs found it. Lists of yes and
 * no are bits, as base64.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Path of the file. */
export const USED = fileURLToPath(new URL('used.json', import.meta.url));

/** The checksum by which a list knows its module. */
export function checksumOf(module) {
  return createHash('sha256').update(module).digest('hex');
}

export function packBits(flags) {
  const bytes = Buffer.alloc(Math.ceil(flags.length / 8));
  for (let i = 0; i < flags.length; i++) if (flags[i]) bytes[i >> 3] |= 1 << (i & 7);
  return bytes.toString('base64');
}

function unpackBits(text) {
  const bytes = Buffer.from(text, 'base64');
  return Uint8Array.from({ length: bytes.length * 8 }, (_, i) => (bytes[i >> 3] >> (i & 7)) & 1);
}

/** What runs, for {@link file:./trim.mjs}. */
export function readUse(module) {
  const { runtime, functions, traced, places } = JSON.parse(readFileSync(USED, 'utf8'));
  if (runtime !== checksumOf(module)) {
    throw new Error(
      'src/web/slim/used.json was recorded for another onnxruntime-web. Record it again: ' +
        'npx tsc -p tsconfig.build.json && node src/web/slim/record.mjs',
    );
  }
  return { functions: unpackBits(functions), isTraced: unpackBits(traced), places: unpackBits(places) };
}
