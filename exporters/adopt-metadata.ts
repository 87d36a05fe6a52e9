/**
 * Metadata for a file that is already there: its bytes stay as they are, only the pairs of ganx are exchanged.
 * It decodes no graph, so that a file of a gigabyte is done in no time, and knows not what the pairs mean.
 */
import { encodeMetadata, type GeneratorMetadata } from '../src/core/metadata.js';
import { readFields, readText, type WireField } from '../src/core/protobuf.js';
import { expectFileSize, inSequence, joinFile, wholePart } from './model-file.js';
import { encodeProperties } from './model-proto.js';

/** ModelProto.metadata_props, and StringStringEntryProto.key in it. */
const FIELD = { metadataProps: 14, key: 1 } as const;

/** Whether a field of the ModelProto is a pair that ganx wrote. */
function isOwnPair({ number, payload }: WireField): boolean {
  if (number !== FIELD.metadataProps) return false;
  for (const field of readFields(payload)) {
    if (field.number === FIELD.key) return readText(field).startsWith('ganx.');
  }
  return false;
}

/**
 * A copy of an ONNX file that says these metadata of itself, whatever it said before.
 *
 * @param bytes a whole ONNX file
 * @throws GanError `BAD_MODEL_FILE` when the copy would have 2 GiB or more
 */
export function adoptMetadata(bytes: Uint8Array, metadata: GeneratorMetadata): Uint8Array {
  const kept: Uint8Array[] = [];
  let start = 0;
  let end = 0;
  for (const field of readFields(bytes)) {
    const begin = end;
    end = field.payload.byteOffset - bytes.byteOffset + field.payload.length;
    if (!isOwnPair(field)) continue;
    kept.push(bytes.subarray(start, begin));
    start = end;
  }
  kept.push(bytes.subarray(start), encodeProperties(encodeMetadata(metadata)));
  const file = inSequence(kept.map(wholePart));
  expectFileSize('adopt', file.sizeBytes);
  return joinFile(file);
}
