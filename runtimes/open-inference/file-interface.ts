/**
 * Names, types and shapes of a file's inputs and outputs, read from its bytes: the server is asked for the same model,
 * and only the file has names for its free dimensions. Weights are stepped over.
 * https://github.com/onnx/onnx/blob/v1.10.2/onnx/onnx.proto3
 */
import { GanError } from '../../src/core/errors.js';
import { readFields, readText } from '../../src/core/protobuf.js';
import type { ValueInfo } from '../../src/core/types.js';
import { readValue } from '../../src/sample/read-values.js';
import { badModel, describeValue } from '../contract.js';
import { NAME } from './address.js';

/** What a file says of one value; `shape` is absent where the file does not say. */
export interface FileValue extends Omit<ValueInfo, 'shape'> {
  readonly shape?: ValueInfo['shape'];
}

/** What a file takes and gives. */
export interface FileInterface {
  readonly inputs: readonly FileValue[];
  readonly outputs: readonly FileValue[];
}

/** A TensorProto's name. */
function readWeightName(message: Uint8Array): string {
  for (const field of readFields(message)) if (field.number === 8) return readText(field);
  return '';
}

/** The value as a session has it, where half precision is float32. */
function describe(message: Uint8Array): FileValue {
  const { name, dtype, shape } = readValue(message);
  const info = describeValue(NAME, name, dtype === 'float16' ? 'float32' : dtype, shape ?? []);
  return shape ? info : { name, dtype: info.dtype };
}

/** @throws GanError `BAD_MODEL_FILE` for bytes that are no whole ONNX model, and for element types that do not travel */
export function readInterface(bytes: Uint8Array): FileInterface {
  try {
    const fields = [...readFields(bytes)];
    const graph = fields.findLast(({ number, type }) => number === 7 && type === 2)?.payload; // ModelProto.graph
    if (!graph || !fields.some(({ number }) => number === 8)) throw new Error('no graph or no operator set');
    const [inputs, outputs, weights] = [[], [], []] as [FileValue[], FileValue[], string[]];
    // GraphProto: initializer = 5 (TensorProto.name = 8), input = 11, output = 12.
    for (const { number, payload } of readFields(graph)) {
      if (number === 5) weights.push(readWeightName(payload));
      else if (number === 11) inputs.push(describe(payload));
      else if (number === 12) outputs.push(describe(payload));
    }
    if (outputs.length === 0) throw new Error('no output');
    // Files of an IR before 4 list their weights among the inputs.
    return { inputs: inputs.filter(({ name }) => !weights.includes(name)), outputs };
  } catch (cause) {
    if (cause instanceof GanError) throw cause;
    throw badModel(NAME, bytes.length, cause);
  }
}
