/**
 * What any ONNX file says of itself, as far as it takes to show it to people. Nothing here is written.
 * onnx.proto: https://github.com/onnx/onnx/blob/v1.10.2/onnx/onnx.proto3
 */
import onnxProto from 'onnx-proto';
import { GanError } from '../src/core/errors.js';

const { onnx } = onnxProto;
const { DataType } = onnx.TensorProto;

/** Inputs, outputs and number of parameters of any ONNX file. */
export interface ModelDescription {
  readonly inputs: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly (number | string)[];
  }[];
  readonly outputs: ModelDescription['inputs'];
  /** Elements of all initializers of floating point. */
  readonly parameters: number;
}

/**
 * Decodes a file as far as it takes to describe it.
 *
 * @param where named in messages
 * @throws GanError `BAD_MODEL_FILE` when the bytes are no ONNX model
 */
export function describeModel(bytes: Uint8Array, where: string): ModelDescription {
  let graph: InstanceType<typeof onnx.GraphProto>;
  try {
    graph = onnx.GraphProto.create(onnx.ModelProto.decode(bytes).graph ?? {});
  } catch (cause) {
    throw new GanError(
      'BAD_MODEL_FILE',
      where,
      `Expected an ONNX model, got \`${String(cause)}\`. Is the file whole?`,
      {
        cause,
      },
    );
  }
  const floats: readonly number[] = [DataType.FLOAT, DataType.FLOAT16, DataType.DOUBLE, DataType.BFLOAT16];
  const constants = new Set(graph.initializer.map(({ name }) => name));
  const describe = (values: typeof graph.input): ModelDescription['inputs'] =>
    values.map(({ name, type }) => ({
      name: name ?? '',
      dtype: (DataType[type?.tensorType?.elemType ?? 0] ?? 'unknown')
        .toLowerCase()
        .replace(/^float$/, 'float32'),
      shape: (type?.tensorType?.shape?.dim ?? []).map(
        ({ dimParam, dimValue }) => dimParam || Number(dimValue ?? 0),
      ),
    }));
  return {
    inputs: describe(graph.input.filter(({ name }) => !constants.has(name))),
    outputs: describe(graph.output),
    parameters: graph.initializer
      .filter(({ dataType }) => floats.includes(dataType ?? 0))
      .reduce(
        (sum, { dims }) =>
          sum + (dims ?? []).reduce<number>((product, extent) => product * Number(extent), 1),
        0,
      ),
  };
}
