/**
 * The element type of every tensor of any ONNX file, as far as the file states it or its operators tell.
 * Shapes are not its business. https://onnx.ai/onnx/operators/
 */
import type { onnx } from 'onnx-proto';
import onnxProto from 'onnx-proto';
import { attributeOf, bodiesOf, type Model, type ModelNode } from './read-model.js';

/** ONNX's numbers for element types. */
export const { DataType } = onnxProto.onnx.TensorProto;

const { BOOL, FLOAT, INT64, UINT8 } = DataType;

/** Operators whose results are of one type, whatever they read. */
const FIXED: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    ['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'And', 'Or', 'Xor', 'Not'].map((op) => [
      op,
      BOOL,
    ]),
  ),
  IsInf: BOOL,
  IsNaN: BOOL,
  Shape: INT64,
  Size: INT64,
  NonZero: INT64,
  ArgMax: INT64,
  ArgMin: INT64,
};

/** Operators whose results have the type of an input that is not the first. */
const LIKE_INPUT: Readonly<Record<string, number>> = {
  Where: 1,
  CastLike: 1,
  DequantizeLinear: 1,
  QuantizeLinear: 2,
  OneHot: 2,
};

/** Operators whose results after the first are of a type of their own. */
const FURTHER: Readonly<Record<string, number>> = {
  TopK: INT64,
  MaxPool: INT64,
  Unique: INT64,
  Dropout: BOOL,
  LayerNormalization: FLOAT,
};

/** What a Constant states; its attributes name the type by their own kind. */
function constantType(node: onnx.INodeProto): number {
  const tensor = attributeOf(node, 'value')?.t;
  if (tensor) return tensor.dataType ?? FLOAT;
  return attributeOf(node, 'value_int') || attributeOf(node, 'value_ints') ? INT64 : FLOAT;
}

function bodyOutputType(node: onnx.INodeProto, at: number): number | undefined {
  // A Loop's body gives its condition first, which the node does not.
  const skipped = node.opType === 'Loop' ? 1 : 0;
  return bodiesOf(node)[0]?.output?.[at + skipped]?.type?.tensorType?.elemType ?? undefined;
}

function resultType(
  node: ModelNode,
  at: number,
  typeOf: (name: string | undefined) => number | undefined,
): number | undefined {
  const { op, inputs, proto } = node;
  if (at > 0 && op in FURTHER) return FURTHER[op];
  if (op in FIXED) return FIXED[op];
  if (op === 'Constant') return constantType(proto);
  if (op === 'ConstantOfShape') return attributeOf(proto, 'value')?.t?.dataType ?? FLOAT;
  if (op === 'Cast') return Number(attributeOf(proto, 'to')?.i);
  if (bodiesOf(proto).length > 0) return bodyOutputType(proto, at);
  const stated = attributeOf(proto, 'dtype')?.i;
  if (stated) return Number(stated);
  if (op.startsWith('Random')) return typeOf(inputs[0]) ?? FLOAT;
  return typeOf(inputs[LIKE_INPUT[op] ?? 0]) ?? (op === 'QuantizeLinear' ? UINT8 : undefined);
}

/** Element types by tensor; one that nobody can tell is absent. */
export function inferElementTypes(model: Model): Map<string, number> {
  const types = new Map<string, number>();
  const graph = model.proto.graph!;
  for (const { name, type } of [
    ...(graph.valueInfo ?? []),
    ...(graph.input ?? []),
    ...(graph.output ?? []),
  ]) {
    const elementType = type?.tensorType?.elemType;
    if (name && elementType) types.set(name, elementType);
  }
  for (const [name, { dataType }] of model.constants) types.set(name, dataType ?? FLOAT);
  for (const node of model.nodes) {
    node.outputs.forEach((name, at) => {
      if (name === '' || types.has(name)) return;
      const type = resultType(node, at, (input) => types.get(input ?? ''));
      if (type !== undefined) types.set(name, type);
    });
  }
  return types;
}
