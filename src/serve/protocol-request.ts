/**
 * An inference request as it comes over HTTP: JSON alone, or JSON and then the tensors as bytes. Everything in it is
 * held against the model before anything runs.
 * https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 */
import { messageOf } from '../core/errors.js';
import { sizeOf } from '../core/tensor.js';
import type { ServedModel } from './model.js';
import { Refusal } from './refusal.js';

/** How much of a body is JSON; the tensors follow. */
export const LENGTH_HEADER = 'inference-header-content-length';

/** A request that fits its model. */
export interface InferRequest {
  readonly id: string | undefined;
  readonly rows: number;
  /** [rows, latentSize] */
  readonly latents: Float32Array;
  readonly labels: Int32Array | undefined;
  /** The images come back as bytes. */
  readonly isBinary: boolean;
}

type Json = Readonly<Record<string, unknown>>;

const refuse = (message: string): Refusal => new Refusal(400, message);

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asObject(value: unknown, what: string): Json {
  if (isObject(value)) return value;
  throw refuse(`${what} has to be an object.`);
}

function parametersOf(holder: Json, what: string): Json {
  return holder.parameters === undefined ? {} : asObject(holder.parameters, `parameters of ${what}`);
}

/** Splits a body into its JSON and what follows. */
function splitBody(body: Buffer, stated: string | undefined): { message: Json; rest: Buffer } {
  const length = stated === undefined ? body.length : /^\d{1,10}$/.test(stated) ? Number(stated) : -1;
  if (length < 0 || length > body.length)
    throw refuse(`${LENGTH_HEADER} has to be a number of bytes within the body's ${body.length}.`);
  try {
    const message: unknown = JSON.parse(body.toString('utf8', 0, length));
    return { message: asObject(message, 'The request'), rest: body.subarray(length) };
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw refuse(`The request has to be JSON: ${messageOf(error).slice(0, 120)}`);
  }
}

/** Numbers of a flat or nested list, row by row; nesting is not checked against the shape, as the protocol has it. */
function fillNumbers(target: Float32Array | Int32Array, values: unknown, name: string): void {
  let at = 0;
  const isWhole = target instanceof Int32Array;
  const visit = (value: unknown, depth: number): void => {
    if (Array.isArray(value) && depth < 8) {
      for (const one of value) visit(one, depth + 1);
      return;
    }
    const isFit = typeof value === 'number' && (isWhole ? (value | 0) === value : Number.isFinite(value));
    if (!isFit) throw refuse(`data of ${name} has to hold ${isWhole ? 'INT32' : 'FP32'} numbers alone.`);
    if (at < target.length) target[at] = value;
    at += 1;
  };
  if (!Array.isArray(values)) throw refuse(`${name} has to have data, or binary_data_size.`);
  visit(values, 0);
  if (at !== target.length) throw refuse(`data of ${name} has to have ${target.length} numbers, not ${at}.`);
}

/** An input of the request, before its values are read. */
interface Input {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: unknown;
  readonly data: unknown;
  /** Its bytes, when it comes as bytes. */
  readonly bytes: Buffer | undefined;
}

/** Inputs by name, each with its bytes; all bytes must be used up. */
function readInputs(message: Json, rest: Buffer): Map<string, Input> {
  const { inputs } = message;
  if (!Array.isArray(inputs)) throw refuse('The request has to have a list of inputs.');
  const found = new Map<string, Input>();
  let at = 0;
  for (const one of inputs.slice(0, 8)) {
    const { name, shape, datatype, data, ...holder } = asObject(one, 'An input');
    if (typeof name !== 'string') throw refuse('An input has to have a name.');
    if (found.has(name)) throw refuse('An input may be given once.');
    const isShape =
      Array.isArray(shape) && shape.length <= 8 && shape.every((n) => Number.isSafeInteger(n) && n >= 0);
    if (!isShape) throw refuse('shape of an input has to be a list of whole numbers.');
    const { binary_data_size: size, ...others } = parametersOf(holder, 'an input');
    const unknown = Object.keys(others)[0];
    if (unknown !== undefined) throw refuse('An input may have the parameter binary_data_size alone.');
    let bytes: Buffer | undefined;
    if (size !== undefined) {
      if (!(Number.isSafeInteger(size) && Number(size) >= 0 && at + Number(size) <= rest.length))
        throw refuse(`binary_data_size has to be within the ${rest.length} bytes that follow the JSON.`);
      bytes = rest.subarray(at, at + Number(size));
      at += Number(size);
    }
    found.set(name, { name, shape: shape as number[], datatype, data, bytes });
  }
  if (at !== rest.length) throw refuse(`The inputs take ${at} bytes, but ${rest.length} follow the JSON.`);
  return found;
}

function readValues<A extends Float32Array | Int32Array>(target: A, { name, data, bytes }: Input): A {
  if (bytes === undefined) {
    fillNumbers(target, data, name);
    return target;
  }
  if (data !== undefined) throw refuse(`${name} has to have data or binary_data_size, not both.`);
  if (bytes.length !== target.byteLength)
    throw refuse(`${name} takes ${target.byteLength} bytes by its shape, not ${bytes.length}.`);
  new Uint8Array(target.buffer).set(bytes);
  if (target instanceof Float32Array && !target.every(Number.isFinite))
    throw refuse(`${name} has to hold finite numbers.`);
  return target;
}

/** Whether the images are wanted as bytes; refuses outputs and wishes that there are not. */
function readOutputs(message: Json, outputName: string): boolean {
  const { binary_data_output: all, ...others } = parametersOf(message, 'the request');
  // What Triton's clients send along with every request that has them; they change nothing here.
  const ignored = ['priority', 'timeout', 'triton_enable_empty_final_response'];
  const unknown = Object.keys(others).find((name) => !ignored.includes(name));
  if (unknown !== undefined) throw refuse('The request has parameters that this server does not have.');
  const { outputs } = message;
  if (outputs === undefined) return all === true;
  if (!Array.isArray(outputs)) throw refuse('outputs has to be a list.');
  if (outputs.length === 0) return all === true;
  const [output, second] = outputs.map((one) => asObject(one, 'An output'));
  if (output!.name !== outputName || second) throw refuse(`The one output is ${outputName}.`);
  const { binary_data: own, ...rest } = parametersOf(output!, 'an output');
  if (Object.keys(rest).length > 0) throw refuse('An output may have the parameter binary_data alone.');
  return own === undefined ? all === true : own === true;
}

/**
 * Reads a request.
 *
 * @param stated   the header that says how much of the body is JSON
 * @param maxCount most images in one request
 * @throws Refusal 400 for anything that the model does not take
 */
export function readInferRequest(
  body: Buffer,
  stated: string | undefined,
  { generator: { metadata, labelled } }: ServedModel,
  maxCount: number,
): InferRequest {
  const { message, rest } = splitBody(body, stated);
  const { id } = message;
  if (id !== undefined && !(typeof id === 'string' && id.length <= 256))
    throw refuse('id has to be a text of at most 256 characters.');
  const inputs = readInputs(message, rest);
  const { latentSize, latentShape = [latentSize], inputName = 'latents', labelName = 'labels' } = metadata;
  const wanted = labelled ? [inputName, labelName] : [inputName];
  if (inputs.size !== wanted.length || !wanted.every((name) => inputs.has(name)))
    throw refuse(`The inputs have to be ${wanted.join(' and ')}.`);

  const latents = inputs.get(inputName)!;
  const [rows = 0, ...extents] = latents.shape;
  if (latents.datatype !== 'FP32' || extents.join() !== latentShape.join() || rows < 1 || rows > maxCount) {
    const shape = [`1 to ${maxCount}`, ...latentShape].join(', ');
    throw refuse(`${inputName} has to be FP32 of shape [${shape}].`);
  }
  const isBinary = readOutputs(message, metadata.outputName ?? 'images');
  const values = readValues(new Float32Array(rows * sizeOf(latentShape)), latents);
  if (!labelled) return { id: id as string, rows, latents: values, labels: undefined, isBinary };

  const labels = inputs.get(labelName)!;
  // Triton has classes as a column, and a client that was made for it may keep to that.
  const isColumn = labels.shape.join() === `${rows},1`;
  if (labels.datatype !== 'INT32' || !(isColumn || labels.shape.join() === String(rows)))
    throw refuse(`${labelName} has to be INT32 of shape [${rows}].`);
  const classes = readValues(new Int32Array(rows), labels);
  const most = (metadata.labels?.length ?? 0) - 1;
  if (classes.some((label) => label < 0 || label > most))
    throw refuse(`${labelName} has to hold numbers from 0 to ${most}.`);
  return { id: id as string, rows, latents: values, labels: classes, isBinary };
}
