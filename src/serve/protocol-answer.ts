/**
 * What the protocol says of the server and its models, and the answer to an inference request.
 * https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
import { sizeOf } from '../core/tensor.js';
import { toNchw } from '../sample/layout.js';
import type { ServedModel } from './model.js';
import { LENGTH_HEADER } from './protocol-request.js';
import { ganxVersion } from './version.js';

/** Extents of one image as the file has them, which is what a client of the model expects. */
function imageExtents({ file, generator: { metadata } }: ServedModel): readonly number[] {
  const { outputName = 'images', imageShape, layout } = metadata;
  const [height, width, channels] = imageShape;
  const stated = file.outputs.find(({ name }) => name === outputName)?.shape?.slice(1);
  if (stated?.every((extent): extent is number => typeof extent === 'number' && extent > 0)) return stated;
  return layout === 'nchw' ? [channels, height, width] : [height, width, channels];
}

export function describeServer(): object {
  return { name: 'ganx', version: ganxVersion(), extensions: ['binary_tensor_data'] };
}

/** Names, types and shapes; the batch is free, whatever the file says, since requests are batched here. */
export function describeModel(model: ServedModel): object {
  const { metadata, labelled } = model.generator;
  const { latentSize, latentShape = [latentSize] } = metadata;
  const { inputName = 'latents', labelName = 'labels', outputName = 'images' } = metadata;
  const labels = { name: labelName, datatype: 'INT32', shape: [-1] };
  return {
    name: model.name,
    versions: ['1', model.version],
    platform: 'onnxruntime_onnx',
    inputs: [
      { name: inputName, datatype: 'FP32', shape: [-1, ...latentShape] },
      ...(labelled ? [labels] : []),
    ],
    outputs: [{ name: outputName, datatype: 'FP32', shape: [-1, ...imageExtents(model)] }],
  };
}

/** The images in the axes of the file. */
export function toFileLayout(images: Float32Array, { generator: { metadata } }: ServedModel): Float32Array {
  return metadata.layout === 'nchw' ? toNchw(images, metadata.imageShape) : images;
}

/** A whole answer, in the parts that it is made of. */
export interface InferAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: readonly Uint8Array[];
}

function describeAnswer(model: ServedModel, id: string | undefined, output: object): object {
  const head = { model_name: model.name, model_version: model.version };
  return { ...head, ...(id === undefined ? {} : { id }), outputs: [output] };
}

function describeOutput(model: ServedModel, count: number): object {
  const shape = [count / sizeOf(model.generator.metadata.imageShape), ...imageExtents(model)];
  return { name: model.generator.metadata.outputName ?? 'images', datatype: 'FP32', shape };
}

/** Images as bytes behind the JSON. */
export function answerInBytes(model: ServedModel, id: string | undefined, images: Float32Array): InferAnswer {
  const { buffer, byteOffset, byteLength } = images;
  const output = { ...describeOutput(model, images.length), parameters: { binary_data_size: byteLength } };
  const head = Buffer.from(JSON.stringify(describeAnswer(model, id, output)));
  return {
    headers: { 'content-type': 'application/octet-stream', [LENGTH_HEADER]: String(head.length) },
    parts: [head, new Uint8Array(buffer, byteOffset, byteLength)],
  };
}

/** Images as numbers; `data` is the list of them in JSON, which may be long and is written elsewhere. */
export function answerInJson(
  model: ServedModel,
  id: string | undefined,
  count: number,
  data: Uint8Array,
): InferAnswer {
  const text = JSON.stringify(describeAnswer(model, id, { ...describeOutput(model, count), data: [] }));
  // The list is the last thing in the text.
  const end = text.lastIndexOf('[]');
  const parts = [Buffer.from(text.slice(0, end)), data, Buffer.from(text.slice(end + 2))];
  return { headers: { 'content-type': 'application/json; charset=utf-8' }, parts };
}
