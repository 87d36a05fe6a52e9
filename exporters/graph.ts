/**
 * The graph that a trace writes and the passes rewrite: ONNX nodes, initializers and tensor names, as plain data.
 * It knows neither TensorFlow.js nor protobuf. Shapes here are physical, as ONNX Runtime will see them.
 */
import { GanError } from '../src/core/errors.js';
import { sizeOf, type TensorData } from '../src/core/tensor.js';
import { ConstantView } from './constant-view.js';

/** Element types that a graph may hold; int64 only for shapes and axes. */
export type GraphType = 'float32' | 'float16' | 'int32' | 'int64' | 'bool';

/** A node's attribute: an integer, a list of integers, a text, a float (wrapped, since 1 is both), or a body. */
export type Attribute =
  | number
  | readonly number[]
  | string
  | { readonly float: number }
  | { readonly graph: Graph };

/** One ONNX operator; its one output carries the node's name, or that of the model's output that it is. */
export interface GraphNode {
  /** The operator's name; one that is not ONNX's own has its domain before it, `com.microsoft.GatedAdd`. */
  op: string;
  readonly name: string;
  inputs: string[];
  outputs: readonly string[];
  attributes: Record<string, Attribute>;
}

/**
 * A constant tensor of the graph, row-major. Arrays are the model's own and are not to be changed; int64 values are
 * kept as ordinary numbers; float32 may be a view that is worked out when it is read. float16 is kept as float32 and
 * rounded when it is written.
 */
export interface Initializer {
  readonly shape: readonly number[];
  readonly dtype: GraphType;
  readonly data: TensorData | readonly number[] | ConstantView;
}

/** The values of a constant as an array; written out for it where they are a view. */
export function valuesOf({ data }: Initializer): TensorData | readonly number[] {
  return data instanceof ConstantView ? data.toArray() : data;
}

/** Shape and type of a tensor; a string is a named free dimension. */
export interface TensorType {
  readonly shape: readonly (number | string)[];
  readonly dtype: GraphType;
}

/** A whole model: `types` holds every tensor that is not an initializer. */
export class Graph {
  readonly name: string;
  nodes: GraphNode[] = [];
  readonly initializers = new Map<string, Initializer>();
  readonly types = new Map<string, TensorType>();
  readonly inputs: string[] = [];
  readonly outputs: string[] = [];
  private readonly uses: Map<string, number>;
  private readonly integers = new Map<string, string>();

  /** @param uses names that are taken and how often; bodies share them, since they see each other's tensors */
  constructor(name: string, uses: Map<string, number> = new Map()) {
    this.name = name;
    this.uses = uses;
  }

  /** A graph that is to be a node's body: it may read every tensor of this one. */
  openBody(name: string): Graph {
    return new Graph(this.uniqueName(name), this.uses);
  }

  /** `base`, or `base_2`, `base_3`, … when it is taken. */
  uniqueName(base: string): string {
    const count = (this.uses.get(base) ?? 0) + 1;
    this.uses.set(base, count);
    return count === 1 ? base : this.uniqueName(`${base}_${count}`);
  }

  addInput(name: string, type: TensorType): string {
    this.types.set(this.uniqueName(name), type);
    this.inputs.push(name);
    return name;
  }

  /** Appends a node with one output and returns that output's name. */
  addNode(
    op: string,
    scope: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute>,
    type: TensorType,
  ): string {
    const name = this.uniqueName(scope ? `${scope}/${op}` : op);
    this.nodes.push({ op, name, inputs: [...inputs], outputs: [name], attributes });
    this.types.set(name, type);
    return name;
  }

  /** Adds a constant under a name that begins with `base`. */
  addInitializer(base: string, initializer: Initializer): string {
    if (initializer.data.length !== sizeOf(initializer.shape)) {
      throw new GanError(
        'BAD_ARGUMENT',
        base,
        `Expected ${sizeOf(initializer.shape)} values, got \`${initializer.data.length}\`.`,
      );
    }
    const name = this.uniqueName(base);
    this.initializers.set(name, initializer);
    return name;
  }

  /** A vector of int64 (axes, shapes, starts), shared between all nodes that ask for the same. */
  addIntegers(values: readonly number[]): string {
    const key = values.join(',');
    let name = this.integers.get(key);
    if (name === undefined) {
      name = this.addInitializer(`int64/${key.replaceAll(',', '_') || 'none'}`, {
        shape: [values.length],
        dtype: 'int64',
        data: [...values],
      });
      this.integers.set(key, name);
    }
    return name;
  }

  /**
   * Makes tensors outputs of the model under exactly these names, by renaming them where that is possible. To be
   * called once, at the end, since whoever still knows a tensor by its old name would not find it.
   *
   * @throws GanError `BAD_ARGUMENT` when an output has the name of an input
   */
  addOutputs(outputs: Readonly<Record<string, string>>): void {
    const current = new Map(Object.values(outputs).map((tensor) => [tensor, tensor]));
    const rename = (from: string, to: string): void => {
      this.renameTensor(from, to);
      for (const [tensor, name] of current) if (name === from) current.set(tensor, to);
    };
    for (const [name, wanted] of Object.entries(outputs)) {
      if (this.inputs.includes(name)) {
        throw new GanError(
          'BAD_ARGUMENT',
          this.name,
          `Expected outputs named unlike the inputs, got \`${name}\` twice.`,
        );
      }
      const taken = this.types.has(name) || this.initializers.has(name);
      const isOwn = current.get(wanted) === name && this.producerOf(name) !== undefined;
      if (taken && !isOwn) rename(name, this.uniqueName(`${name}_inner`));
      const source = current.get(wanted)!;
      if (this.producerOf(source) && !this.outputs.includes(source)) {
        if (source !== name) rename(source, name);
      } else {
        this.types.set(name, this.typeOf(source));
        this.nodes.push({ op: 'Identity', name, inputs: [source], outputs: [name], attributes: {} });
      }
      this.outputs.push(name);
    }
  }

  private renameTensor(from: string, to: string): void {
    for (const node of this.nodes) {
      replaceReads(node, from, to);
      node.outputs = replace(node.outputs, from, to);
    }
    const type = this.types.get(from);
    if (type) this.types.set(to, type);
    this.types.delete(from);
    const initializer = this.initializers.get(from);
    if (initializer) this.initializers.set(to, initializer);
    this.initializers.delete(from);
  }

  /** Removes a node: whoever read its output reads `replacement` instead. */
  bypass(node: GraphNode, replacement: string): void {
    const output = node.outputs[0]!;
    const isOutput = this.outputs.includes(output);
    if (isOutput && (this.outputs.includes(replacement) || !this.producerOf(replacement))) {
      // Both names must stay: what is left of the node is a copy.
      Object.assign(node, { op: 'Identity', inputs: [replacement], attributes: {} });
      return;
    }
    this.nodes = this.nodes.filter((other) => other !== node);
    if (isOutput) {
      this.renameTensor(replacement, output);
      return;
    }
    for (const other of this.consumersOf(output)) replaceReads(other, output, replacement);
    this.types.delete(output);
  }

  /** Shape and type of any tensor, initializers included. */
  typeOf(tensor: string): TensorType {
    const type = this.types.get(tensor) ?? this.initializers.get(tensor);
    if (!type)
      throw new GanError('BAD_ARGUMENT', this.name, `Expected a tensor of the graph, got \`${tensor}\`.`);
    return type;
  }

  /** The node that makes a tensor; undefined for inputs and initializers. */
  producerOf(tensor: string): GraphNode | undefined {
    return this.nodes.find((node) => node.outputs.includes(tensor));
  }

  /** The nodes that read a tensor, themselves or in their bodies. */
  consumersOf(tensor: string): GraphNode[] {
    return this.nodes.filter((node) => readsOf(node).includes(tensor));
  }
}

/** The bodies of a node that has some, such as a Loop. */
export function bodiesOf({ attributes }: GraphNode): Graph[] {
  return Object.values(attributes).flatMap((value) =>
    typeof value === 'object' && 'graph' in value ? [value.graph] : [],
  );
}

/** Every tensor that a node reads: its inputs, and what its bodies take from around them. */
export function readsOf(node: GraphNode): string[] {
  const captured = bodiesOf(node).flatMap((body) => {
    const own = new Set([
      ...body.inputs,
      ...body.initializers.keys(),
      ...body.nodes.flatMap(({ outputs }) => outputs),
    ]);
    return body.nodes.flatMap(readsOf).filter((tensor) => !own.has(tensor));
  });
  return [...node.inputs, ...captured];
}

function replaceReads(node: GraphNode, from: string, to: string): void {
  node.inputs = replace(node.inputs, from, to);
  // Names are unique across bodies, so a body that has the name took it from around it.
  for (const body of bodiesOf(node)) for (const inner of body.nodes) replaceReads(inner, from, to);
}

function replace(names: readonly string[], from: string, to: string): string[] {
  return names.map((name) => (name === from ? to : name));
}
