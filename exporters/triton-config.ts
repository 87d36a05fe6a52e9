/**
 * The `config.pbtxt` of a generator in a model repository of NVIDIA Triton, in protobuf's text format. It knows no
 * files. Fields: https://github.com/triton-inference-server/common/blob/main/protobuf/model_config.proto
 * Meaning: https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/model_configuration.html
 */
import { expected } from '../src/core/errors.js';
import type { FileValue, ModelFile } from '../src/sample/index.js';

/** Images in one run at most; memory grows with it. */
const MAX_BATCH = 64;
/** Sizes at which a waiting batch starts at once. */
const PREFERRED_BATCHES = [16, 32, MAX_BATCH];
/** How long a request waits for others: less than a run of the smallest generators with a full batch. */
const QUEUE_DELAY_MICROSECONDS = 2000;

const TYPES: Readonly<Record<string, string>> = {
  float16: 'TYPE_FP16',
  float32: 'TYPE_FP32',
  float64: 'TYPE_FP64',
  int8: 'TYPE_INT8',
  int16: 'TYPE_INT16',
  int32: 'TYPE_INT32',
  int64: 'TYPE_INT64',
  uint8: 'TYPE_UINT8',
  uint16: 'TYPE_UINT16',
  bool: 'TYPE_BOOL',
};

const isFree = (extent: number | string | undefined): boolean => typeof extent === 'string' || extent === -1;
const quote = (text: string): string => JSON.stringify(text);
const list = (values: readonly (number | string)[]): string => `[ ${values.join(', ')} ]`;

function typeOf({ name, dtype }: FileValue): string {
  const type = TYPES[dtype];
  if (type !== undefined) return type;
  throw expected('triton', `\`${name}\` as one of ${Object.keys(TYPES).join(', ')}`, dtype, 'Cast it.');
}

/** Extents without the batch; a value with nothing but a batch, as classes are, travels as a column. */
function dimsOf({ name, shape }: FileValue, isBatched: boolean): { dims: number[]; isColumn: boolean } {
  if (shape === undefined) throw expected('triton', `the file to state the shape of \`${name}\``, 'none');
  const extents = shape.slice(isBatched ? 1 : 0).map((extent) => (isFree(extent) ? -1 : Number(extent)));
  return extents.length > 0 ? { dims: extents, isColumn: false } : { dims: [1], isColumn: true };
}

function formatValue(value: FileValue, isBatched: boolean): string {
  const { dims, isColumn } = dimsOf(value, isBatched);
  const reshape = isColumn && isBatched ? '\n    reshape: { shape: [ ] }' : '';
  return `  {
    name: ${quote(value.name)}
    data_type: ${typeOf(value)}
    dims: ${list(dims)}${reshape}
  }`;
}

/** A run before the first request; classes are zeros, since a random number is rarely one of them. */
function formatWarmup(inputs: readonly FileValue[], batch: number, isBatched: boolean): string {
  const fed = inputs.map((value) => {
    const dims = dimsOf(value, isBatched).dims.map((extent) => (extent < 0 ? 1 : extent));
    const data = value.dtype.startsWith('float') ? 'random_data' : 'zero_data';
    return `    inputs: {
      key: ${quote(value.name)}
      value: { data_type: ${typeOf(value)} dims: ${list(dims)} ${data}: true }
    }`;
  });
  return `  {
    name: "batch of ${batch}"
    batch_size: ${batch}
${fed.join('\n')}
  }`;
}

/**
 * The configuration of one model: inputs and outputs as the file states them, batches that gather by themselves, a
 * warm-up for the smallest and the largest, and everything that ganx says of the generator as parameters.
 *
 * @param name of the model, which is that of its folder
 * @throws GanError `BAD_ARGUMENT` for a file whose types Triton has not, or without shapes
 */
export function formatTritonConfig(
  name: string,
  { inputs, outputs, properties }: Pick<ModelFile, 'inputs' | 'outputs' | 'properties'>,
): string {
  const isBatched = [...inputs, ...outputs].every(({ shape }) => isFree(shape?.[0]));
  const batches = isBatched ? [1, MAX_BATCH] : [1];
  const batching = `
dynamic_batching {
  preferred_batch_size: ${list(PREFERRED_BATCHES)}
  max_queue_delay_microseconds: ${QUEUE_DELAY_MICROSECONDS}
}`;
  // Class names among them: a label_filename would name the pixels of the images instead.
  const parameters = Object.entries(properties)
    .filter(([key]) => key.startsWith('ganx.'))
    .map(([key, value]) => `parameters { key: ${quote(key)} value { string_value: ${quote(value)} } }`);
  return `name: ${quote(name)}
platform: "onnxruntime_onnx"
backend: "onnxruntime"
default_model_filename: "model.onnx"
max_batch_size: ${isBatched ? MAX_BATCH : 0}
input [
${inputs.map((value) => formatValue(value, isBatched)).join(',\n')}
]
output [
${outputs.map((value) => formatValue(value, isBatched)).join(',\n')}
]${isBatched ? batching : ''}
instance_group [ { kind: KIND_AUTO count: 1 } ]
model_warmup [
${batches.map((batch) => formatWarmup(inputs, batch, isBatched)).join(',\n')}
]
${parameters.join('\n')}
`;
}
