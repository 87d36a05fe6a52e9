/**
 * Any ONNX file as its protobuf, with what it takes to walk the graph: who makes a tensor, who reads it, which are
 * constants. It keeps every field that it does not know, and computes nothing.
 * https://onnx.ai/onnx/repo-docs/IR.html
 */
import type { onnx } from 'onnx-proto';
import onnxProto from 'onnx-proto';
import { GanError } from '../../src/core/errors.js';

/** A node with its names as plain lists; an input that is left out is the empty string. */
export interface ModelNode {
  /** The node's own name, or that of its first result. */
  readonly name: string;
  /** The operator, with its domain in front unless that is ONNX's own. */
  readonly op: string;
  readonly inputs: readonly string[];
  /** The inputs, and what the node's bodies take from around them. */
  readonly reads: readonly string[];
  readonly outputs: readonly string[];
  readonly proto: onnx.INodeProto;
}

/** A decoded file. */
export interface Model {
  readonly proto: onnx.IModelProto;
  readonly nodes: readonly ModelNode[];
  /** Dense constants by name. */
  readonly constants: ReadonlyMap<string, onnx.ITensorProto>;
  /** Names of all constants, the sparse ones too. */
  readonly constantNames: ReadonlySet<string>;
  /** Inputs that are no constants. */
  readonly inputs: readonly onnx.IValueInfoProto[];
  readonly outputs: readonly onnx.IValueInfoProto[];
  /** The node that makes a tensor. */
  readonly producers: ReadonlyMap<string, ModelNode>;
}

/** Whether a domain means ONNX's own operators. */
export function isStandardDomain(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx';
}

/** The value of one attribute, undefined when the node does not state it. */
export function attributeOf(node: onnx.INodeProto, name: string): onnx.IAttributeProto | undefined {
  return node.attribute?.find((attribute) => attribute.name === name);
}

/** The text of a string attribute. */
export function textOf(node: onnx.INodeProto, name: string): string | undefined {
  const bytes = attributeOf(node, name)?.s;
  return bytes ? new TextDecoder().decode(bytes) : undefined;
}

/** The graphs inside a node, such as a Loop's body. */
export function bodiesOf(node: onnx.INodeProto): onnx.IGraphProto[] {
  return (node.attribute ?? []).flatMap(({ g, graphs }) => [...(g ? [g] : []), ...(graphs ?? [])]);
}

/** What a body reads that it does not define itself. */
function capturesOf(body: onnx.IGraphProto): string[] {
  const nodes = body.node ?? [];
  const own = new Set([
    ...(body.input ?? []).map(({ name }) => name),
    ...(body.initializer ?? []).map(({ name }) => name),
    ...nodes.flatMap(({ output }) => output ?? []),
  ]);
  const results = (body.output ?? []).map(({ name }) => name ?? '');
  return [...nodes.flatMap(readsOf), ...results].filter((name) => name !== '' && !own.has(name));
}

function readsOf(node: onnx.INodeProto): string[] {
  return [...(node.input ?? []), ...bodiesOf(node).flatMap(capturesOf)].filter((name) => name !== '');
}

function readNode(proto: onnx.INodeProto): ModelNode {
  const outputs = proto.output ?? [];
  const domain = proto.domain ?? '';
  return {
    name: proto.name || outputs.find((name) => name !== '') || '',
    op: `${isStandardDomain(domain) ? '' : `${domain}.`}${proto.opType ?? ''}`,
    inputs: proto.input ?? [],
    reads: [...new Set(readsOf(proto))],
    outputs,
    proto,
  };
}

/**
 * Decodes a file.
 *
 * @param where named in messages
 * @throws GanError `BAD_MODEL_FILE` when the bytes are no ONNX model with a graph
 */
export function readModel(bytes: Uint8Array, where: string): Model {
  let proto: onnx.IModelProto;
  try {
    proto = onnxProto.onnx.ModelProto.decode(bytes);
  } catch (cause) {
    const message = `Expected an ONNX model, got \`${bytes.length} bytes that end or break off\`. Is the file whole?`;
    throw new GanError('BAD_MODEL_FILE', where, message, { cause });
  }
  const { graph } = proto;
  if (!graph?.output?.length) {
    const message = `Expected an ONNX model, got \`${bytes.length} bytes without a graph that has outputs\`. Is it the right file?`;
    throw new GanError('BAD_MODEL_FILE', where, message);
  }
  const constants = new Map((graph.initializer ?? []).map((tensor) => [tensor.name ?? '', tensor]));
  const sparse = (graph.sparseInitializer ?? []).map(({ values }) => values?.name ?? '');
  const constantNames = new Set([...constants.keys(), ...sparse]);
  const nodes = (graph.node ?? []).map(readNode);
  return {
    proto,
    nodes,
    constants,
    constantNames,
    inputs: (graph.input ?? []).filter(({ name }) => !constantNames.has(name ?? '')),
    outputs: graph.output,
    producers: new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const))),
  };
}
