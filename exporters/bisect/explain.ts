/**
 * What two files say differently of the same node: its operator, its attributes, its weights. In words, for a note.
 */
import type { onnx } from 'onnx-proto';
import { DataType } from '../proto/element-types.js';
import type { Model, ModelNode } from '../proto/read-model.js';

const nameType = (type: number | null | undefined): string =>
  (DataType[type ?? 0] ?? 'unknown').toLowerCase();

/** An attribute's value in short; its kind decides which field holds it. */
function showAttribute(attribute: onnx.IAttributeProto | undefined): string {
  if (!attribute) return 'absent';
  const { ints, floats, s, f, i, t, g } = attribute;
  if (ints?.length) return `[${ints.map(Number).join(', ')}]`;
  if (floats?.length) return `[${floats.join(', ')}]`;
  if (s?.length) return new TextDecoder().decode(s);
  if (t) return showTensor(t);
  if (g) return 'a graph';
  return String(f || Number(i ?? 0));
}

function showTensor({ dataType, dims }: onnx.ITensorProto): string {
  return `${nameType(dataType)} [${(dims ?? []).map(Number).join(', ')}]`;
}

/** The values of a float32 constant, undefined for other types. */
function floatsOf({ dataType, rawData, floatData }: onnx.ITensorProto): ArrayLike<number> | undefined {
  if (dataType !== DataType.FLOAT) return undefined;
  // A view of four bytes each must start at a multiple of four, and raw data may lie anywhere.
  return rawData?.length ? new Float32Array(Uint8Array.from(rawData).buffer) : (floatData ?? []);
}

/** As many digits as float32 has. */
const show = (value: number): string => String(Number(value.toPrecision(9)));

function explainConstant(name: string, own: onnx.ITensorProto, other: onnx.ITensorProto): string[] {
  if (showTensor(own) !== showTensor(other)) {
    return [`\`${name}\` is ${showTensor(own)} instead of ${showTensor(other)}.`];
  }
  const [values, wanted] = [floatsOf(own), floatsOf(other)];
  if (!values || !wanted) {
    const [bytes, others] = [own.rawData ?? [], other.rawData ?? []];
    const isSame = bytes.length === others.length && bytes.every((byte, at) => byte === others[at]);
    return isSame ? [] : [`\`${name}\` holds other values.`];
  }
  const changed = Array.from(values, (value, at) => (Object.is(value, wanted[at]) ? -1 : at)).filter(
    (at) => at >= 0,
  );
  const first = changed[0];
  if (first === undefined) return [];
  const count = `${changed.length} of ${values.length} values`;
  return [
    `\`${name}\` differs in ${count}, first at ${first}: ${show(values[first]!)} instead of ${show(wanted[first]!)}.`,
  ];
}

/** Sentences on what is different about a node in two files; none where they agree on it. */
export function explainChange(
  node: ModelNode,
  model: Model,
  twin: ModelNode | undefined,
  original: Model,
): string[] {
  if (!twin) return [];
  if (node.op !== twin.op) return [`Its operator is ${node.op} instead of ${twin.op}.`];
  const attributes = new Map((node.proto.attribute ?? []).map((one) => [one.name ?? '', one]));
  const others = new Map((twin.proto.attribute ?? []).map((one) => [one.name ?? '', one]));
  const names = [...new Set([...attributes.keys(), ...others.keys()])];
  const changed = names.flatMap((name) => {
    const [own, wanted] = [showAttribute(attributes.get(name)), showAttribute(others.get(name))];
    return own === wanted ? [] : [`Its \`${name}\` is ${own} instead of ${wanted}.`];
  });
  const constants = node.inputs.flatMap((name, at) => {
    const [own, wanted] = [model.constants.get(name), original.constants.get(twin.inputs[at] ?? '')];
    return own && wanted ? explainConstant(name, own, wanted) : [];
  });
  return [...changed, ...constants];
}
