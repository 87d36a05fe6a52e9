/**
 * The border between a session and the room: do its input and output fit the metadata, and in which order are
 * the axes of its images. Outside exporters images are NHWC; a file may keep ONNX's own NCHW.
 */
import { GanError } from '../core/errors.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import { sizeOf } from '../core/tensor.js';
import type { Session, ValueInfo } from '../core/types.js';

/** Whether a declared shape admits `shape`, where -1 in `shape` asks for a free dimension. */
function admits(declared: ValueInfo['shape'], shape: readonly number[]): boolean {
  return (
    declared.length === shape.length &&
    declared.every((extent, axis) => {
      const free = typeof extent === 'string' || extent < 0;
      return free || extent === shape[axis];
    })
  );
}

function describe(values: readonly ValueInfo[]): string {
  return (
    values.map(({ name, dtype, shape }) => `${name} ${dtype} [${shape.join(', ')}]`).join(', ') || 'none'
  );
}

/**
 * Compares a session with the metadata of its file.
 *
 * @throws GanError `BAD_MODEL_FILE` unless it takes only `latents` [n, L] and gives `images` in the stated layout
 */
export function checkSession(session: Session, metadata: GeneratorMetadata): void {
  const [height, width, channels] = metadata.imageShape;
  const image = metadata.layout === 'nchw' ? [channels, height, width] : [height, width, channels];
  const check = (side: string, values: readonly ValueInfo[], name: string, shape: readonly number[]) => {
    const value = values.find((candidate) => candidate.name === name);
    if (value?.dtype === 'float32' && admits(value.shape, shape)) return;
    const what = `${side} ${name} float32 [n, ${shape.slice(1).join(', ')}] with n free`;
    const remedy = 'The model and its metadata do not belong together: export it again.';
    throw new GanError(
      'BAD_MODEL_FILE',
      'generator',
      `Expected the ${what}, got \`${describe(values)}\`. ${remedy}`,
    );
  };
  check('input', session.inputs, 'latents', [-1, metadata.latentSize]);
  check('output', session.outputs, 'images', [-1, ...image]);
  if (session.inputs.length > 1) {
    throw new GanError(
      'BAD_MODEL_FILE',
      'generator',
      `Expected latents as the only input, got \`${describe(session.inputs)}\`. Run it in an ONNX Runtime directly.`,
    );
  }
}

/**
 * Brings images from [n, C, H, W] to [n, H, W, C].
 *
 * @param imageShape [H, W, C]
 */
export function toNhwc(data: Float32Array, imageShape: readonly [number, number, number]): Float32Array {
  const channels = imageShape[2];
  if (channels === 1) return data;
  const pixels = imageShape[0] * imageShape[1];
  const size = sizeOf(imageShape);
  const out = new Float32Array(data.length);
  for (let image = 0; image < data.length; image += size) {
    for (let c = 0; c < channels; c++) {
      let from = image + c * pixels;
      for (let to = image + c; to < image + size; to += channels) out[to] = data[from++]!;
    }
  }
  return out;
}
