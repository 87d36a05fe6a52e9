/**
 * ModelProto bytes -> a list of nodes that can be walked from front to back, checked before anything runs.
 * It knows which names exist, not what operators compute. https://onnx.ai/onnx/repo-docs/IR.html
 */
import type { onnx } from 'onnx-proto';
import onnxProto from 'onnx-proto';
import { GanError } from '../../src/core/errors.js';
import type { ValueInfo } from '../../src/core/types.js';
import { describeValue } from '../contract.js';
import { Attributes } from './attributes.js';
import { type Constant, elementType, readConstant } from './constants.js';

/** One node; an input that is left out is the empty string. */
export interface GraphNode {
  readonly op: string;
  /** The node's own name, or that of its result. */
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** A graph whose nodes only use names that are defined before them. */
export interface Graph {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly constants: ReadonlyMap<string, Constant>;
  readonly nodes: readonly GraphNode[];
}

/** The operator sets whose definitions the operators beside this file follow. */
const FIRST_OPSET = 13;
const LAST_OPSET = 17;

function bad(what: string, got: unknown): GanError {
  return new GanError(
    'BAD_MODEL_FILE',
    'tensorflow',
    `Expected ${what}, got \`${got}\`. Export the file again.`,
  );
}

/** @throws GanError `BAD_MODEL_FILE` when the bytes are not a whole model or use another operator set */
export function readModel(bytes: Uint8Array): Graph {
  let model: onnx.ModelProto;
  try {
    model = onnxProto.onnx.ModelProto.decode(bytes);
  } catch (cause) {
    throw new GanError(
      'BAD_MODEL_FILE',
      'tensorflow',
      `Expected a whole ONNX model, got \`${bytes.length} bytes that end or break off\`. Export the file again.`,
      { cause },
    );
  }
  const { graph } = model;
  if (!graph?.output?.length) throw bad('a model with a graph and outputs', `${bytes.length} bytes without`);
  const domains = model.opsetImport.map(({ domain, version }) => `${domain || 'ai.onnx'} ${version}`);
  const opset = model.opsetImport.find(({ domain }) => !domain || domain === 'ai.onnx');
  const version = Number(opset?.version ?? 0);
  if (version < FIRST_OPSET || version > LAST_OPSET) {
    throw bad(`opset ${FIRST_OPSET} to ${LAST_OPSET}`, domains.join(', ') || 'none');
  }

  const constants = new Map(
    (graph.initializer ?? []).map((tensor) => [tensor.name ?? '', readConstant(tensor)]),
  );
  // Files of the first IR versions list weights among the inputs too.
  const inputs = (graph.input ?? []).filter(({ name }) => !constants.has(name ?? '')).map(describe);
  const nodes = (graph.node ?? []).map(readNode);
  const defined = new Set(['', ...constants.keys(), ...inputs.map(({ name }) => name)]);
  for (const node of nodes) {
    const missing = node.inputs.find((name) => !defined.has(name));
    if (missing !== undefined) throw bad(`the inputs of ${node.op} \`${node.name}\` to be defined`, missing);
    for (const name of node.outputs) defined.add(name);
  }
  const outputs = graph.output.map(describe);
  const lost = outputs.find(({ name }) => !defined.has(name));
  if (lost) throw bad('every output to be computed', lost.name);
  return { inputs, outputs, constants, nodes };
}

function readNode(proto: onnx.INodeProto): GraphNode {
  const outputs = proto.output ?? [];
  const domain = proto.domain && proto.domain !== 'ai.onnx' ? `${proto.domain}.` : '';
  return {
    op: `${domain}${proto.opType}`,
    name: proto.name || outputs[0] || '',
    inputs: proto.input ?? [],
    outputs,
    attributes: new Attributes(proto.attribute ?? []),
  };
}

function describe(value: onnx.IValueInfoProto): ValueInfo {
  const name = value.name ?? '';
  const tensor = value.type?.tensorType;
  const shape = (tensor?.shape?.dim ?? []).map(({ dimValue, dimParam }) =>
    dimParam ? dimParam : dimValue === null || dimValue === undefined ? -1 : Number(dimValue) || -1,
  );
  return describeValue('tensorflow', name, elementType(tensor?.elemType, name).name, shape);
}
