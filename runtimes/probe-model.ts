/**
 * The smallest model worth running: y = x + x on one float32, opset 17, IR 8, written byte by byte.
 * A probe opens it on exactly one device and looks at the number that comes out. It knows no runtime.
 * Field numbers: https://github.com/onnx/onnx/blob/v1.10.2/onnx/onnx.proto3
 */
import { GanError, messageOf } from '../src/core/errors.js';
import type { Probe, Session } from '../src/core/types.js';

/** A protobuf field with a whole number below 128. */
const whole = (field: number, value: number): number[] => [field << 3, value];
/** A protobuf field with bytes (a string or a message) shorter than 128. */
const bytes = (field: number, content: readonly number[]): number[] => [
  (field << 3) | 2,
  content.length,
  ...content,
];
const text = (field: number, content: string): number[] =>
  bytes(field, [...new TextEncoder().encode(content)]);

/** The model's bytes: input `x` and output `y`, both float32 [1]. */
export function encodeProbeModel(): Uint8Array {
  const shape = bytes(1, whole(1, 1)); // TensorShapeProto.dim { dim_value: 1 }
  const type = bytes(1, [...whole(1, 1), ...bytes(2, shape)]); // TypeProto.tensor_type { FLOAT, shape }
  const value = (name: string): number[] => [...text(1, name), ...bytes(2, type)]; // ValueInfoProto
  const node = [...text(1, 'x'), ...text(1, 'x'), ...text(2, 'y'), ...text(3, 'double'), ...text(4, 'Add')];
  const graph = [...bytes(1, node), ...text(2, 'probe'), ...bytes(11, value('x')), ...bytes(12, value('y'))];
  const opset = [...text(1, ''), ...whole(2, 17)];
  return Uint8Array.from([...whole(1, 8), ...bytes(7, graph), ...bytes(8, opset)]); // ModelProto
}

/**
 * Opens the probe model with `open` and runs it; the detail of a good probe is the runtime's version.
 *
 * @param open opens the bytes on one device without any fallback
 */
export async function probeByRunning(open: (model: Uint8Array) => Promise<Session>): Promise<Probe> {
  try {
    const session = await open(encodeProbeModel());
    try {
      const { y } = await session.run({ x: { shape: [1], dtype: 'float32', data: new Float32Array([3]) } });
      if (y?.data[0] !== 6) return { ok: false, reason: `It computed 3 + 3 = ${y?.data[0]}.` };
      return { ok: true, detail: session.version };
    } finally {
      await session.dispose();
    }
  } catch (error) {
    return { ok: false, reason: explainFailure(error) };
  }
}

/** What went wrong with a probe as a sentence for people; the library's own words when the case is not a usual one. */
export function explainFailure(error: unknown): string {
  const cause = error instanceof GanError && error.cause !== undefined ? error.cause : error;
  const message = messageOf(cause);
  const missing = [...message.matchAll(/Cannot find (?:package|module) '([^']+)'/g)].map(([, name]) => name);
  if (missing.length > 0) return `Not installed: ${missing.join(', ')}.`;
  if (/WebGPU adapter/i.test(message))
    return 'No WebGPU adapter: no Vulkan, Metal or Direct3D 12 driver was found.';
  if (/Failed to load shared library/i.test(message)) {
    return 'Its provider library is missing or does not load; it is installed apart from the package.';
  }
  // The library's own sentence stands among its source files and the machine's name.
  const cuda = /CUDA failure \d+: ([^;]*[^;\s])/.exec(message)?.[1];
  return cuda === undefined ? message : `CUDA says: ${cuda}.`;
}
