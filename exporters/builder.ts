/**
 * What kernels write with: nodes named after the scope they are traced in, constants, and changes of layout.
 * It knows values and the graph, not TensorFlow.js.
 */
import { GanError } from '../src/core/errors.js';
import type { Form } from './form.js';
import type { Attribute, Graph, GraphType } from './graph.js';
import { isComplete, plainLayout, sameList, toPhysical, type Value } from './value.js';

/** The kernels' view of the graph under trace. */
export class Builder {
  readonly graph: Graph;
  readonly form: Form;
  private readonly scope: () => string;
  private readonly written = new Map<string, string>();
  /** What each reshaped tensor was before. */
  private readonly reshaped = new Map<string, string>();

  /** @param scope tells the current scope, such as `generator/project` */
  constructor(graph: Graph, form: Form, scope: () => string) {
    this.graph = graph;
    this.form = form;
    this.scope = scope;
  }

  /** Writes into a body instead; its nodes are named after it. */
  inBody(body: Graph): Builder {
    return new Builder(body, this.form, () => body.name);
  }

  /** A name for something that belongs to the current scope. */
  scopedName(base: string): string {
    return [this.scope(), base].filter((part) => part !== '').join('/');
  }

  /** Appends one operator; `extents` is its physical output shape. */
  node(
    op: string,
    inputs: readonly string[],
    extents: readonly number[],
    dtype: GraphType,
    attributes: Record<string, Attribute> = {},
  ): string {
    return this.graph.addNode(op, this.scope(), inputs, attributes, { shape: extents, dtype });
  }

  /** A value that fills its logical shape in a layout (default: the plain one). */
  value(
    name: string,
    shape: readonly number[],
    dtype: GraphType = 'float32',
    layout = plainLayout(shape.length),
  ): Value {
    return { name, dtype, shape, layout, extents: toPhysical(shape, layout) };
  }

  integers(values: readonly number[]): string {
    return this.graph.addIntegers(values);
  }

  /**
   * A lone number that stands for a whole tensor of `shape`.
   *
   * @throws GanError `UNSUPPORTED_OP` for an infinite integer, which would become 0
   */
  scalar(value: number, dtype: GraphType = 'float32', shape: readonly number[] = []): Value {
    if (dtype !== 'float32' && !Number.isFinite(Number(value))) {
      throw new GanError(
        'UNSUPPORTED_OP',
        this.scope() || 'trace',
        `Expected a finite ${dtype}, got \`${value}\`. Use float32 for it.`,
      );
    }
    const key = `${dtype}/${Object.is(value, -0) ? '-0' : value}`;
    let name = this.written.get(key);
    if (name === undefined) {
      const data =
        dtype === 'float32'
          ? Float32Array.of(value)
          : dtype === 'bool'
            ? Uint8Array.of(value)
            : Int32Array.of(value);
      name = this.graph.addInitializer(key, { shape: [], dtype, data });
      this.written.set(key, name);
    }
    return { name, dtype, shape, layout: plainLayout(shape.length), extents: [] };
  }

  /** Writes broadcasts out, so that the tensor has its full extents. */
  complete(value: Value): Value {
    if (isComplete(value)) return value;
    const extents = toPhysical(value.shape, value.layout);
    const name = this.once(`expand ${value.name} ${extents}`, () =>
      this.node('Expand', [value.name, this.integers(extents)], extents, value.dtype),
    );
    return { ...value, name, extents };
  }

  /** The name of a tensor with the whole value in a layout (default: the plain one). */
  inLayout(value: Value, layout = plainLayout(value.shape.length)): string {
    const whole = this.complete(value);
    return this.relayout(whole, layout).name;
  }

  /**
   * A tensor that broadcasts, as ONNX does it, against values of `rank` axes in `layout`.
   * The value's own axes are the last ones, as in NumPy.
   *
   * @param whole whether leading axes of extent 1 must be there; ONNX adds them itself next to an operand of full rank
   */
  aligned(
    value: Value,
    rank: number,
    layout: readonly number[],
    whole: boolean,
  ): { name: string; extents: readonly number[] } {
    const { extents } = value;
    const mayBeShorter = !whole || extents.length === 0;
    if (mayBeShorter && extents.every((extent) => extent === 1)) return value;
    const missing = rank - value.shape.length;
    const padded: Value = {
      ...value,
      shape: [...Array<number>(missing).fill(1), ...value.shape],
      layout: [...plainLayout(missing), ...value.layout.map((axis) => axis + missing)],
      extents: [...Array<number>(missing).fill(1), ...extents],
    };
    const wanted = layout.map((axis) => padded.extents[padded.layout.indexOf(axis)]!);
    const lastAxesAgree = sameList(wanted.slice(missing), extents) && isInOrder(padded, layout);
    if (mayBeShorter && lastAxesAgree) return value;
    return this.relayout(padded, layout, extents);
  }

  /** The same elements with other extents: nothing is written where they had these before, and no chain of changes. */
  reshape(tensor: string, extents: readonly number[]): string {
    const source = this.reshaped.get(tensor) ?? tensor;
    const { shape, dtype } = this.graph.typeOf(source);
    if (sameList(shape as readonly number[], extents)) return source;
    return this.once(`reshape ${source} ${extents}`, () => {
      const name = this.node('Reshape', [source, this.integers(extents)], extents, dtype);
      this.reshaped.set(name, source);
      return name;
    });
  }

  /** Reorders the physical axes; a Reshape does where only axes of extent 1 change place. */
  private relayout(value: Value, layout: readonly number[], current = value.extents): Value {
    const order = layout.map((axis) => value.layout.indexOf(axis));
    const extents = order.map((axis) => value.extents[axis]!);
    if (isInOrder(value, layout)) {
      if (sameList(extents, current)) return { ...value, layout, extents };
      return { ...value, name: this.reshape(value.name, extents), layout, extents };
    }
    let source = value.name;
    if (current.length !== value.extents.length) source = this.relayout(value, value.layout, current).name;
    const name = this.once(`transpose ${source} ${order}`, () =>
      this.node('Transpose', [source], extents, value.dtype, { perm: order }),
    );
    return { ...value, name, layout, extents };
  }

  /** The same change of the same tensor is written once; `key` says which. */
  once(key: string, write: () => string): string {
    const known = this.written.get(key);
    if (known !== undefined) return known;
    const name = write();
    this.written.set(key, name);
    return name;
  }
}

/** Whether the axes that hold more than one element already follow each other as in `layout`. */
function isInOrder(value: Value, layout: readonly number[]): boolean {
  const moving = layout.map((axis) => value.layout.indexOf(axis)).filter((axis) => value.extents[axis] !== 1);
  return moving.every((axis, i) => i === 0 || axis > moving[i - 1]!);
}
