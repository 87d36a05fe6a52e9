/**
 * The request and the answer of one inference, as bytes: JSON alone, or JSON and then the tensors as bytes where the
 * server has that extension. It asks nobody.
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 */

import { messageOf } from '../../src/core/errors.js';
import { sizeOf, type TensorData, type TensorMap } from '../../src/core/tensor.js';
import type { ValueInfo } from '../../src/core/types.js';
import type { Answer } from './connection.js';
import { badAnswer, fromBytes, fromJson, toBytes, toJson, type WireType } from './wire-types.js';

/** An input or output, and how the server calls its element type. */
export interface WireValue {
  readonly info: ValueInfo;
  readonly type: WireType;
  /** The server takes [batch] as [batch, 1]. */
  readonly isColumn?: boolean;
}

/** How much of a body is JSON; the tensors follow. */
const LENGTH = 'inference-header-content-length';

export interface Request {
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly headers: Record<string, string>;
}

function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @throws GanError `BAD_ARGUMENT` for a value that JSON cannot hold */
export function encodeRequest(
  inputs: readonly WireValue[],
  outputs: readonly WireValue[],
  feeds: TensorMap,
  isBinary: boolean,
): Request {
  const blobs: Uint8Array[] = [];
  const fed = inputs.map(({ info: { name }, type, isColumn = false }) => {
    const { shape, data } = feeds[name]!;
    const head = { name, shape: isColumn ? [...shape, 1] : shape, datatype: type };
    if (!isBinary) return { ...head, data: toJson(name, type, data) };
    const bytes = toBytes(type, data);
    blobs.push(bytes);
    return { ...head, parameters: { binary_data_size: bytes.length } };
  });
  const wanted = outputs.map(({ info: { name } }) =>
    isBinary ? { name, parameters: { binary_data: true } } : { name },
  );
  const json = JSON.stringify({ inputs: fed, outputs: wanted });
  if (!isBinary) return { body: json, headers: { 'content-type': 'application/json' } };
  const head = new TextEncoder().encode(json);
  const headers = { 'content-type': 'application/octet-stream', [LENGTH]: String(head.length) };
  return { body: joinBytes([head, ...blobs]), headers };
}

/** JSON as servers in Python write it: NaN and the infinities bare. Here they become strings. */
function parseJson(bytes: Uint8Array): unknown {
  const text = new TextDecoder().decode(bytes);
  try {
    return JSON.parse(text);
  } catch (cause) {
    try {
      return JSON.parse(
        text.replace(/"(?:[^"\\]|\\.)*"|NaN|-?Infinity/g, (token) =>
          token[0] === '"' ? token : `"${token}"`,
        ),
      );
    } catch {
      throw badAnswer('answer to be JSON', messageOf(cause), 'Is this a server of the protocol?');
    }
  }
}

interface OutputMessage {
  readonly name?: unknown;
  readonly datatype?: unknown;
  readonly shape?: unknown;
  readonly data?: unknown;
  readonly parameters?: { readonly binary_data_size?: unknown };
}

/** The JSON of an answer, and the bytes behind it. */
function splitAnswer({ headers, bytes }: Answer): { outputs: readonly OutputMessage[]; rest: Uint8Array } {
  const stated = headers.get(LENGTH);
  const length = stated === null ? bytes.length : Number(stated);
  if (!(Number.isSafeInteger(length) && length >= 0 && length <= bytes.length))
    throw badAnswer(`${LENGTH} within its ${bytes.length} bytes`, stated);
  const message = parseJson(bytes.subarray(0, length)) as { outputs?: unknown } | null;
  const isList = Array.isArray(message?.outputs) && message.outputs.every((one) => one instanceof Object);
  if (!isList) throw badAnswer('answer to have outputs', message);
  return { outputs: message!.outputs as OutputMessage[], rest: bytes.subarray(length) };
}

/** Extents by the names of free dimensions, as the feeds have them. */
function bindNames(inputs: readonly WireValue[], feeds: TensorMap): Map<string, number> {
  const bound = new Map<string, number>();
  for (const { info } of inputs)
    info.shape.forEach((extent, axis) => {
      if (typeof extent === 'string') bound.set(extent, feeds[info.name]!.shape[axis]!);
    });
  return bound;
}

function checkShape({ name, shape }: ValueInfo, given: unknown, bound: Map<string, number>): number[] {
  const wanted = shape.map((extent) => (typeof extent === 'string' ? (bound.get(extent) ?? -1) : extent));
  const isFit =
    Array.isArray(given) &&
    given.length === wanted.length &&
    given.every(
      (n, axis) => Number.isSafeInteger(n) && n >= 0 && (wanted[axis] === -1 || n === wanted[axis]),
    );
  if (isFit) return given as number[];
  const text = wanted.map((extent) => (extent === -1 ? 'any' : extent)).join(', ');
  throw badAnswer(`\`${name}\` of shape [${text}]`, JSON.stringify(given));
}

/**
 * The outputs of an answer, checked against what was asked for.
 *
 * @throws GanError `RUNTIME_UNAVAILABLE` for outputs that are missing, of another type or shape, or not whole
 */
export function decodeAnswer(
  answer: Answer,
  inputs: readonly WireValue[],
  outputs: readonly WireValue[],
  feeds: TensorMap,
): TensorMap {
  const { outputs: given, rest } = splitAnswer(answer);
  const bound = bindNames(inputs, feeds);
  // Bytes lie in the order in which the answer, and not the request, names its outputs.
  const blobs = new Map<OutputMessage, Uint8Array>();
  let at = 0;
  for (const output of given) {
    const size = output.parameters?.binary_data_size;
    if (size === undefined) continue;
    if (!(Number.isSafeInteger(size) && Number(size) >= 0 && at + Number(size) <= rest.length))
      throw badAnswer(`\`${output.name}\` within the ${rest.length} bytes that came`, size);
    blobs.set(output, rest.subarray(at, at + Number(size)));
    at += Number(size);
  }
  if (at !== rest.length) throw badAnswer(`answer to have ${at} bytes of tensors`, rest.length);
  const results: TensorMap = {};
  for (const { info, type } of outputs) {
    const { name, dtype } = info;
    const output = given.find((one) => one.name === name);
    if (!output) throw badAnswer(`\`${name}\``, given.map((one) => one.name).join(', ') || 'none');
    if (output.datatype !== type) throw badAnswer(`\`${name}\` as ${type}`, output.datatype);
    const shape = checkShape(info, output.shape, bound);
    const bytes = blobs.get(output);
    const data: TensorData = bytes
      ? fromBytes(name, type, bytes, sizeOf(shape))
      : fromJson(name, type, output.data, sizeOf(shape));
    results[name] = { shape, dtype, data };
  }
  return results;
}
