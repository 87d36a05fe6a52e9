/**
 * The ganx checkpoint format, version 1: a safetensors file whose `__metadata__` holds `format`, `version`,
 * `sha256` and `ganx` (JSON of everything that is no tensor). Bytes only; disks are files.ts's business.
 * The checksum covers every byte of the file, itself counted as 64 zeros.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { GanError } from '../core/errors.js';
import { canonicalJson } from './canonical-json.js';
import {
  badCheckpoint,
  DAMAGED,
  HEADER_START,
  isObject,
  locateTensors,
  readHeader,
  readTensors,
  writeSafetensors,
} from './safetensors.js';
import type { Checkpoint } from './types.js';

/** The version this code writes, and the only one it reads. */
export const CHECKPOINT_VERSION = '1';

const FORMAT = 'ganx-checkpoint';
const CHECKSUM_LENGTH = 64;
const NO_CHECKSUM = '0'.repeat(CHECKSUM_LENGTH);
// Quotes inside JSON strings are escaped, so this can only be the key itself.
const CHECKSUM_KEY = Buffer.from('"sha256":"');

const size = z.number().int().positive();
const counter = z.number().int().nonnegative();
const jsonObject = z.custom<Record<string, unknown>>(isObject, 'Expected a JSON object');

const factsSchema = z.strictObject({
  kind: z.enum(['snapshot', 'training-state']),
  model: z.string().min(1),
  modelOptions: jsonObject,
  shape: z.strictObject({
    latentSize: size,
    latentDistribution: z.enum(['normal', 'uniform']),
    imageShape: z.tuple([size, size, size]),
    imageRange: z.tuple([z.number(), z.number()]),
    kind: z.enum(['images', 'points']),
    labels: z.array(z.string()).exactOptional(),
  }),
  imagesSeen: counter,
  steps: counter,
  seed: counter,
  dataDigest: z.string(),
  progress: jsonObject.exactOptional(),
});

/** Checks everything of a checkpoint that is no tensor; the message names the first thing that is wrong. */
function parseFacts(facts: unknown, fail: (problem: string) => GanError): Omit<Checkpoint, 'tensors'> {
  const parsed = factsSchema.safeParse(facts);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw fail(`${issue?.path.join('.')}: ${issue?.message}`);
}

/** Index of the checksum's first digit, or -1. */
function findChecksum(bytes: Uint8Array, dataStart: number): number {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, dataStart);
  const at = header.indexOf(CHECKSUM_KEY, HEADER_START);
  return at < 0 || at + CHECKSUM_KEY.length + CHECKSUM_LENGTH > dataStart ? -1 : at + CHECKSUM_KEY.length;
}

function computeChecksum(bytes: Uint8Array, at: number): string {
  return createHash('sha256')
    .update(bytes.subarray(0, at))
    .update(NO_CHECKSUM)
    .update(bytes.subarray(at + CHECKSUM_LENGTH))
    .digest('hex');
}

/**
 * The bytes of a checkpoint file; equal checkpoints give equal bytes.
 *
 * @throws GanError `BAD_ARGUMENT` for anything that would not be read back as it is
 */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { tensors, ...facts } = checkpoint;
  const json = canonicalJson(facts, 'checkpoint');
  parseFacts(
    JSON.parse(json),
    (problem) => new GanError('BAD_ARGUMENT', 'checkpoint', `Expected valid fields, got \`${problem}\`.`),
  );
  const metadata = { format: FORMAT, ganx: json, sha256: NO_CHECKSUM, version: CHECKPOINT_VERSION };
  const bytes = writeSafetensors(metadata, tensors);
  const at = findChecksum(bytes, bytes.length);
  bytes.set(Buffer.from(computeChecksum(bytes, at)), at);
  return bytes;
}

/**
 * Reads a checkpoint file's bytes; a file that differs in one bit from what was saved is refused.
 *
 * @param where   the file's path, for messages
 * @param tensors `views` where nobody else has the bytes: weights then stay where they were read, once in memory
 * @throws GanError `BAD_CHECKPOINT` for a file that is foreign, of another version, cut short or damaged
 */
export function decodeCheckpoint(
  bytes: Uint8Array,
  where: string,
  tensors: 'copies' | 'views' = 'copies',
): Checkpoint {
  const header = readHeader(bytes, where);
  const { format, version, ganx } = header.metadata;
  if (format !== FORMAT) {
    const got = `a safetensors file of format ${format ?? 'unknown'}`;
    throw badCheckpoint(where, 'a ganx checkpoint', got, 'Name a .safetensors file that ganx has saved.');
  }
  if (version !== CHECKPOINT_VERSION) {
    const remedy = 'Read it with the version of ganx that saved it.';
    throw badCheckpoint(where, `format version ${CHECKPOINT_VERSION}`, version ?? 'none', remedy);
  }
  // This comes before the checksum: a file that is cut short should be called that, and not merely damaged.
  const places = locateTensors(bytes, header, where);
  const at = findChecksum(bytes, header.dataStart);
  if (at < 0) throw badCheckpoint(where, 'a checksum in the header', 'none', DAMAGED);
  const stored = Buffer.from(bytes.subarray(at, at + CHECKSUM_LENGTH)).toString('latin1');
  const computed = computeChecksum(bytes, at);
  if (stored !== computed) throw badCheckpoint(where, `checksum ${stored}`, computed, DAMAGED);
  const fail = (problem: string) => badCheckpoint(where, 'valid fields', problem, DAMAGED);
  let facts: unknown;
  try {
    facts = JSON.parse(ganx ?? '');
  } catch {
    throw fail('text that is not JSON');
  }
  const valid = parseFacts(facts, fail);
  return { ...valid, tensors: readTensors(bytes, places, tensors) };
}

/**
 * Refuses a checkpoint of another model.
 *
 * @throws GanError `BAD_CHECKPOINT`
 */
export function expectModel(checkpoint: Checkpoint, model: string): void {
  if (checkpoint.model === model) return;
  throw badCheckpoint(
    'checkpoint',
    `a checkpoint of model ${model}`,
    checkpoint.model,
    `Choose model ${checkpoint.model}, or a checkpoint of ${model}.`,
  );
}
