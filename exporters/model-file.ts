/**
 * Protobuf messages that are laid out before they are written: their size is known and their bytes come piece by piece,
 * so that large weights need not be held as bytes as well. It knows nothing of ONNX.
 * Wire format: https://protobuf.dev/programming-guides/encoding/
 */
import { GanError } from '../src/core/errors.js';

/** Bytes that are not put together yet: a whole file, or a part of one. */
export interface ModelFile {
  readonly sizeBytes: number;
  /** The bytes in order, as often as they are asked for; each chunk may be overwritten by the next. */
  chunks(): Iterable<Uint8Array>;
}

/** Bytes as they are. */
export function wholePart(bytes: Uint8Array): ModelFile {
  return { sizeBytes: bytes.length, chunks: () => [bytes] };
}

/** One part after the other; messages that are put in sequence are one message. */
export function inSequence(parts: readonly ModelFile[]): ModelFile {
  return {
    sizeBytes: parts.reduce((sum, part) => sum + part.sizeBytes, 0),
    *chunks() {
      for (const part of parts) yield* part.chunks();
    },
  };
}

/** A field that holds bytes or a message (wire type 2), by its number. */
export function asField(number: number, content: ModelFile): ModelFile {
  const head = Uint8Array.from([...varint(number * 8 + 2), ...varint(content.sizeBytes)]);
  return inSequence([wholePart(head), content]);
}

/** Seven bits a byte, lowest first. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

/** All bytes in one array. */
export function joinFile({ sizeBytes, chunks }: ModelFile): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  let at = 0;
  for (const chunk of chunks()) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** The largest message that protobuf can hold. */
const LARGEST_BYTES = 2 ** 31 - 1;

/** @throws GanError `BAD_MODEL_FILE` for a file of 2 GiB or more */
export function expectFileSize(where: string, sizeBytes: number): void {
  if (sizeBytes <= LARGEST_BYTES) return;
  const message = `Expected less than 2 GiB in one ONNX file, got \`${sizeBytes}\` bytes. Make the network narrower.`;
  throw new GanError('BAD_MODEL_FILE', where, message);
}
