/**
 * Broken and hostile versions of a good ONNX file, each following from its number alone: flipped bits, cuts,
 * insertions, and dimensions of weights that were swapped or grew absurd.
 */
import onnxProto from 'onnx-proto';
import { randomWords } from '../../src/core/philox.js';

/** A broken file and what was done to it. */
export interface Mutation {
  readonly what: string;
  readonly bytes: Uint8Array;
}

const SEED = 20;

function flipBits(file: Uint8Array, words: Uint32Array): Mutation {
  const bytes = file.slice();
  const count = 1 + (words[1]! % 8);
  for (let i = 0; i < count; i++) bytes[words[2 + i]! % bytes.length]! ^= 1 << (words[10 + i]! % 8);
  return { what: `${count} bits flipped`, bytes };
}

/** As above, but only where the structure is: names, dimensions, attributes; most of a file is numbers. */
function flipOutline(file: Uint8Array, words: Uint32Array): Mutation {
  const { graph } = onnxProto.onnx.ModelProto.decode(file);
  const places: number[] = [];
  const weights = (graph?.initializer ?? [])
    .map(({ rawData }) => rawData!)
    .filter((data) => data?.length > 32);
  const inside = new Set<number>();
  const buffer = Buffer.from(file);
  for (const data of weights) {
    const at = buffer.indexOf(Buffer.from(data));
    for (let i = 0; i < data.length; i++) inside.add(at + i);
  }
  for (let at = 0; at < file.length; at++) if (!inside.has(at)) places.push(at);
  const bytes = file.slice();
  const count = 1 + (words[1]! % 4);
  for (let i = 0; i < count; i++) bytes[places[words[2 + i]! % places.length]!]! ^= 1 << (words[10 + i]! % 8);
  return { what: `${count} bits flipped in the outline`, bytes };
}

function cut(file: Uint8Array, words: Uint32Array): Mutation {
  const from = words[1]! % file.length;
  if (words[2]! % 2) return { what: `cut off at ${from}`, bytes: file.slice(0, from) };
  const length = 1 + (words[3]! % 64);
  const kept = [file.subarray(0, from), file.subarray(from + length)];
  return { what: `${length} bytes missing at ${from}`, bytes: new Uint8Array(Buffer.concat(kept)) };
}

function insert(file: Uint8Array, words: Uint32Array): Mutation {
  const at = words[1]! % file.length;
  const noise = new Uint8Array(words.slice(4, 4 + 1 + (words[2]! % 16)).buffer);
  const parts = [file.subarray(0, at), noise, file.subarray(at)];
  return { what: `${noise.length} bytes inserted at ${at}`, bytes: new Uint8Array(Buffer.concat(parts)) };
}

const EXTENTS = [0, 1, 3, 255, 2 ** 12, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 52, -1];

function changeDims(file: Uint8Array, words: Uint32Array): Mutation {
  const model = onnxProto.onnx.ModelProto.decode(file);
  const tensors = model.graph!.initializer!;
  const tensor = tensors[words[1]! % tensors.length]!;
  const dims = tensor.dims!;
  const before = dims.join(' ');
  const at = words[2]! % Math.max(1, dims.length);
  if (words[3]! % 2) {
    const other = words[4]! % Math.max(1, dims.length);
    [dims[at], dims[other]] = [dims[other]!, dims[at]!];
  } else dims[at] = EXTENTS[words[5]! % EXTENTS.length]!;
  const bytes = onnxProto.onnx.ModelProto.encode(model).finish();
  return { what: `\`${tensor.name}\` [${before}] became [${dims.join(' ')}]`, bytes };
}

function changeIntegers(file: Uint8Array, words: Uint32Array): Mutation {
  const model = onnxProto.onnx.ModelProto.decode(file);
  const attributes = model.graph!.node!.flatMap((node) =>
    (node.attribute ?? []).filter(({ ints }) => ints?.length).map((attribute) => ({ node, attribute })),
  );
  const { node, attribute } = attributes[words[1]! % attributes.length]!;
  attribute.ints![words[2]! % attribute.ints!.length] = EXTENTS[words[3]! % EXTENTS.length]!;
  const bytes = onnxProto.onnx.ModelProto.encode(model).finish();
  return { what: `${node.opType}'s ${attribute.name} became [${attribute.ints!.join(' ')}]`, bytes };
}

const KINDS = [flipBits, flipOutline, cut, insert, changeDims, changeIntegers];

/** The `index`-th broken version of a file. */
export function mutateModel(file: Uint8Array, index: number): Mutation {
  const words = randomWords(SEED, `mutation ${index}`, 0, 40);
  return KINDS[index % KINDS.length]!(file, words);
}
