/**
 * What an ONNX file says of itself, read straight from its bytes: ONNX Runtime's JavaScript does not hand out
 * metadata_props, and a page should not need a protobuf library for it.
 * Field numbers are those of ModelProto and GraphProto: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
import { GanError } from '../core/errors.js';
import { decodeMetadata, type GeneratorMetadata } from '../core/metadata.js';
import { readFields, readText, WireError, type WireField } from '../core/protobuf.js';
import type { MetadataSource } from './choose-device.js';
import { describeForeign, type LatentDescription } from './describe-foreign.js';
import { hasComputedWeights } from './find-computed-weights.js';
import { type FileValue, readValue } from './read-values.js';

/** The outline of an ONNX file. */
export interface ModelFile {
  readonly irVersion: number;
  /** Name and version of the program that wrote it; empty when it does not say. */
  readonly producer: string;
  readonly producerVersion: string;
  readonly modelVersion: number;
  /** Version of the standard operator set. */
  readonly opset: number;
  /** Version of each other operator set by domain. */
  readonly otherOpsets: Readonly<Record<string, number>>;
  readonly graphName: string;
  /** How many nodes there are of each operator, in order of first use. */
  readonly operators: Readonly<Record<string, number>>;
  /** What has to be fed; initializers that a graph lists among its inputs are left out. */
  readonly inputs: readonly FileValue[];
  readonly outputs: readonly FileValue[];
  readonly sizeBytes: number;
  /** Some of its weights are float16. */
  readonly hasHalfWeights: boolean;
  /** Somewhere two matrices are multiplied that are both computed. */
  readonly hasComputedWeights: boolean;
  /** The file's metadata_props. */
  readonly properties: Readonly<Record<string, string>>;
}

function refuse(message: string, cause?: unknown): GanError {
  return new GanError('BAD_MODEL_FILE', 'model file', message, cause === undefined ? {} : { cause });
}

/** The first field with this number as text, '' when there is none. */
function textOf(message: Uint8Array, number: number): string {
  for (const field of readFields(message)) if (field.number === number) return readText(field);
  return '';
}

/** An OperatorSetIdProto: domain = 1, version = 2. */
function readOpset(message: Uint8Array): [domain: string, version: number] {
  let version = 0;
  for (const field of readFields(message)) if (field.number === 2) version = field.value;
  return [textOf(message, 1), version];
}

/** Whether a TensorProto has data_type (2) FLOAT16 (10). */
function isHalf(message: Uint8Array): boolean {
  for (const field of readFields(message)) if (field.number === 2) return field.value === 10;
  return false;
}

/** GraphProto: node = 1 (op_type = 4), name = 2, initializer = 5 (data_type = 2, name = 8), input = 11, output = 12. */
function readGraph(message: Uint8Array) {
  const operators = new Map<string, number>();
  const nodes: Uint8Array[] = [];
  const constants = new Set<string>();
  const inputs: FileValue[] = [];
  const outputs: FileValue[] = [];
  let graphName = '';
  let hasHalfWeights = false;
  for (const field of readFields(message)) {
    if (field.number === 1) {
      nodes.push(field.payload);
      const operator = textOf(field.payload, 4);
      operators.set(operator, (operators.get(operator) ?? 0) + 1);
    } else if (field.number === 2) graphName = readText(field);
    else if (field.number === 5) {
      constants.add(textOf(field.payload, 8));
      hasHalfWeights ||= isHalf(field.payload);
    } else if (field.number === 11) inputs.push(readValue(field.payload));
    else if (field.number === 12) outputs.push(readValue(field.payload));
  }
  const fed = inputs.filter(({ name }) => !constants.has(name));
  // An initializer that is also an input is only a default, which a caller may replace.
  const fixed = new Set(constants);
  for (const { name } of inputs) fixed.delete(name);
  return {
    graphName,
    operators: Object.fromEntries(operators),
    inputs: fed,
    outputs,
    hasHalfWeights,
    hasComputedWeights: hasComputedWeights(nodes, fixed),
  };
}

/** Wire types of the ModelProto fields that are read; another type there means that it is no ModelProto. */
const MODEL_FIELDS: Readonly<Record<number, number>> = { 1: 0, 2: 2, 3: 2, 5: 0, 7: 2, 8: 2, 14: 2 };

/** All fields of the ModelProto, or as far as they can be read together with what stopped the reading. */
function readModelFields(bytes: Uint8Array): { fields: WireField[]; stopped: WireError | undefined } {
  const fields: WireField[] = [];
  try {
    for (const field of readFields(bytes)) {
      const type = MODEL_FIELDS[field.number];
      if (type !== undefined && type !== field.type) {
        return { fields, stopped: new WireError(`field ${field.number} is of another type`, false) };
      }
      fields.push(field);
    }
  } catch (error) {
    if (error instanceof WireError) return { fields, stopped: error };
    throw error;
  }
  return { fields, stopped: undefined };
}

/**
 * Reads the outline of any ONNX file.
 *
 * @throws GanError `BAD_MODEL_FILE` for an empty file, one that is cut off, and one that is no ONNX model
 */
export function readModelFile(bytes: Uint8Array): ModelFile {
  if (bytes.length === 0) throw refuse('Expected an ONNX file, got `0 bytes`. Export or download it again.');
  const { fields, stopped } = readModelFields(bytes);
  const last = (number: number) => fields.findLast((field) => field.number === number);
  const irVersion = last(1)?.value;
  const graph = last(7);
  // An ONNX file begins with its IR version: a field that runs over the end after that one means a cut.
  if (irVersion === undefined || (stopped !== undefined && !stopped.cut)) {
    const got = stopped?.message ?? `a protobuf of ${bytes.length} bytes without an IR version`;
    throw refuse(`Expected an ONNX file, got \`${got}\`. Check that this is the right file.`, stopped);
  }
  const opsets = fields.filter((field) => field.number === 8);
  if (stopped !== undefined || graph === undefined || opsets.length === 0) {
    const got = stopped?.message ?? (graph ? 'no operator set' : 'no graph');
    throw refuse(
      `Expected a whole ONNX file, got \`${got}\`. The file is cut off: copy or download it again.`,
      stopped,
    );
  }
  try {
    const versions = new Map(opsets.map((field) => readOpset(field.payload)));
    const opset = versions.get('') ?? versions.get('ai.onnx') ?? 0;
    versions.delete('');
    versions.delete('ai.onnx');
    const property = ({ payload }: WireField) => [textOf(payload, 1), textOf(payload, 2)] as const;
    return {
      irVersion,
      producer: textOf(bytes, 2),
      producerVersion: textOf(bytes, 3),
      modelVersion: last(5)?.value ?? 0,
      opset,
      otherOpsets: Object.fromEntries(versions),
      ...readGraph(graph.payload),
      sizeBytes: bytes.length,
      properties: Object.fromEntries(fields.filter((field) => field.number === 14).map(property)),
    };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw refuse(
      `Expected an ONNX file, got \`${error.message}\` inside. Check that this is the right file.`,
      error,
    );
  }
}

/** `z float32 [batch, 512]; …` */
function showValues(values: readonly FileValue[]): string {
  const show = ({ name, dtype, shape }: FileValue): string =>
    `${name} ${dtype}${shape ? ` [${shape.join(', ')}]` : ''}`;
  return values.map(show).join('; ') || 'none';
}

/** The flag that describes the latents of a file without metadata, as far as its first float32 input tells. */
function suggestFlags({ inputs }: ModelFile): string {
  const shape = inputs.find(({ dtype }) => dtype === 'float32')?.shape ?? [];
  const latent = shape.slice(1).map((extent) => (typeof extent === 'number' && extent > 0 ? extent : 'SIZE'));
  const labels = inputs.some(({ dtype, shape: own }) => dtype === 'int32' && own?.length === 1);
  return `--latent ${['1', ...(latent.length > 0 ? latent : ['SIZE'])].join('x')} --range -1,1${labels ? ' --labels a,b,c' : ''}`;
}

/**
 * Reads what ganx wrote about a generator into its file.
 *
 * @param path what the file is called in the command line that an error suggests
 * @throws GanError `BAD_MODEL_FILE` as {@link readModelFile}, and for a model without (valid) ganx metadata
 */
export function readMetadata(bytes: Uint8Array, path = 'generator.onnx'): GeneratorMetadata {
  const file = readModelFile(bytes);
  const metadata = decodeMetadata(file.properties);
  if (metadata) return file.hasComputedWeights ? { ...metadata, hasComputedWeights: true } : metadata;
  throw refuse(
    `Expected ganx metadata in the file, got \`${file.producer || 'an ONNX file without a producer'}\`. ` +
      `Its inputs are ${showValues(file.inputs)}; its outputs ${showValues(file.outputs)}. ` +
      `Describe its latents to sample it: \`ganx sample ${path} ${suggestFlags(file)}\`; ` +
      '`ganx info --adopt` writes the description into a copy.',
  );
}

/**
 * The metadata of a file, or, when it is described, how to get them from a session of it.
 *
 * @param describe stands above what the file says of itself
 * @param path     as in {@link readMetadata}
 * @throws GanError `BAD_MODEL_FILE` as {@link readMetadata}
 */
export function findMetadata(bytes: Uint8Array, describe?: LatentDescription, path?: string): MetadataSource {
  if (describe === undefined) return readMetadata(bytes, path);
  const { producer, hasHalfWeights, hasComputedWeights: isComputed } = readModelFile(bytes);
  return async (session) => ({
    ...(await describeForeign(describe, session)),
    ...(producer ? { model: producer } : {}),
    ...(hasHalfWeights ? { dtype: 'float16' } : {}),
    ...(isComputed ? { hasComputedWeights: true } : {}),
  });
}
