/**
 * Pieces of any ONNX file as files of their own: some nodes with their constants, the values they read as inputs, the
 * results asked for as outputs. Whatever is not float32 inside passes the border through a Cast, since not every
 * element type travels. It runs nothing.
 */
import type { onnx } from 'onnx-proto';
import onnxProto from 'onnx-proto';
import type { PlainTensor, TensorMap } from '../../src/core/tensor.js';
import { DataType } from '../proto/element-types.js';
import type { Model, ModelNode } from '../proto/read-model.js';

/** A piece of a model that can be opened and run. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly feeds: TensorMap;
  /** The nodes of the original in it, in order. */
  readonly nodes: readonly ModelNode[];
  /** Tensors of the original that are fed, those that are inputs of the original left out. */
  readonly borders: readonly string[];
  /** Tensor of the original -> the output that holds it. */
  readonly outputs: ReadonlyMap<string, string>;
}

/** A model, and what its tensors are. */
export interface TypedModel {
  readonly model: Model;
  readonly types: ReadonlyMap<string, number>;
}

/** Element types whose values float32 can hold well enough to be compared. */
const NUMBERS: readonly number[] = [
  DataType.FLOAT,
  DataType.FLOAT16,
  DataType.BFLOAT16,
  DataType.DOUBLE,
  DataType.BOOL,
  DataType.INT8,
  DataType.UINT8,
  DataType.INT16,
  DataType.UINT16,
  DataType.INT32,
  DataType.UINT32,
  DataType.INT64,
  DataType.UINT64,
];

/** Whether a tensor's values can leave a piece and enter it. */
export function canTravel({ types }: TypedModel, tensor: string): boolean {
  return NUMBERS.includes(types.get(tensor) ?? DataType.UNDEFINED);
}

/**
 * The nodes that it takes to compute `targets`, in the model's order, going back as far as `isFed` allows; a target is
 * computed even if it is fed.
 */
export function selectNodes(
  { nodes, producers }: Model,
  targets: readonly string[],
  isFed: (tensor: string) => boolean,
): ModelNode[] {
  const chosen = new Set<ModelNode>();
  const waiting = targets.flatMap((target) => producers.get(target) ?? []);
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (chosen.has(node)) continue;
    chosen.add(node);
    for (const tensor of node.reads) {
      const producer = isFed(tensor) ? undefined : producers.get(tensor);
      if (producer) waiting.push(producer);
    }
  }
  return nodes.filter((node) => chosen.has(node));
}

function cast(from: string, to: string, type: number): onnx.INodeProto {
  const { INT } = onnxProto.onnx.AttributeProto.AttributeType;
  return {
    opType: 'Cast',
    name: `cast ${from}`,
    input: [from],
    output: [to],
    attribute: [{ name: 'to', type: INT, i: type }],
  };
}

/** The name under which a tensor crosses the border. */
function borderName({ types }: TypedModel, tensor: string): string {
  return types.get(tensor) === DataType.FLOAT ? tensor : `${tensor}/float32`;
}

/** The free dimension along the first axis of the model's inputs, so that a piece is as free as the whole. */
function batchName({ inputs }: Model): string | undefined {
  return inputs[0]?.type?.tensorType?.shape?.dim?.[0]?.dimParam || undefined;
}

function floatInfo(name: string, dim?: onnx.TensorShapeProto.IDimension[]): onnx.IValueInfoProto {
  return { name, type: { tensorType: { elemType: DataType.FLOAT, ...(dim ? { shape: { dim } } : {}) } } };
}

/**
 * Cuts a piece out.
 *
 * @param nodes   in the model's order
 * @param targets what it is to give; each made by one of the nodes and able to travel
 * @param values  the values of every tensor that the nodes read and do not make, constants left out
 * @param batch   extent of the model's free batch in these values
 */
export function cutPiece(
  typed: TypedModel,
  nodes: readonly ModelNode[],
  targets: readonly string[],
  values: ReadonlyMap<string, PlainTensor>,
  batch: number | undefined,
): Piece {
  const { model, types } = typed;
  const { graph, ...rest } = model.proto;
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  const read = [...new Set(nodes.flatMap(({ reads }) => reads))].filter((tensor) => !made.has(tensor));
  const own = model.inputs.filter(({ name }) => read.includes(name ?? ''));
  const ownNames = own.map(({ name }) => name ?? '');
  const borders = read.filter((tensor) => !model.constantNames.has(tensor) && !ownNames.includes(tensor));
  const symbol = batchName(model);
  const feeds: TensorMap = {};
  for (const name of ownNames) feeds[name] = values.get(name)!;

  const node: onnx.INodeProto[] = [];
  const input = [...own];
  for (const tensor of borders) {
    const name = borderName(typed, tensor);
    const value = values.get(tensor)!;
    const dims = value.shape.map((extent, axis) =>
      axis === 0 && symbol !== undefined && extent === batch ? { dimParam: symbol } : { dimValue: extent },
    );
    input.push(floatInfo(name, dims));
    if (name !== tensor) node.push(cast(name, tensor, types.get(tensor)!));
    feeds[name] = value;
  }
  node.push(...nodes.map(({ proto }) => proto));
  const outputs = new Map(targets.map((tensor) => [tensor, borderName(typed, tensor)]));
  for (const [tensor, name] of outputs) if (name !== tensor) node.push(cast(tensor, name, DataType.FLOAT));

  const piece: onnx.IGraphProto = {
    name: graph?.name || 'piece',
    node,
    initializer: [...model.constants].filter(([name]) => read.includes(name)).map(([, tensor]) => tensor),
    sparseInitializer: graph?.sparseInitializer ?? [],
    input,
    output: [...outputs.values()].map((name) => floatInfo(name)),
  };
  const bytes = onnxProto.onnx.ModelProto.encode({ ...rest, metadataProps: [], graph: piece }).finish();
  return { bytes, feeds, nodes, borders, outputs };
}
