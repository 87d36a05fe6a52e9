/**
 * A model that is ready to draw: its layers one after the other, from one of two areas of memory to the other.
 */
import { sizeOf, type TensorMap } from '../../src/core/tensor.js';
import type { Session, ValueInfo } from '../../src/core/types.js';
import { checkRun, describeValue, disposedSession } from '../contract.js';
import type { CompiledKernels } from './kernels.js';
import { readyLayer } from './layers.js';
import { Arena } from './memory.js';
import { planGraph } from './plan.js';
import { ELEMENT, type Graph, type GraphValue } from './read-graph.js';
import { NAME, unsupported } from './unsupported.js';

/** The package's version, which a page cannot read. */
export const VERSION = '0.1.0';

/** Most samples that go through the layers together, and most numbers that they may be in between: what a cache holds. */
const MOST_SAMPLES = 64;
const MOST_NUMBERS = 2 ** 20;

/** The one input or output, of float32 with a free batch. */
function expectBatch(what: string, values: readonly GraphValue[]): { info: ValueInfo; sample: number[] } {
  const [value, ...others] = values;
  const sample = value?.shape.slice(1).filter((extent) => typeof extent === 'number' && extent > 0) ?? [];
  const isFree = value !== undefined && (typeof value.shape[0] === 'string' || value.shape[0] === -1);
  if (
    others.length > 0 ||
    !isFree ||
    value.type !== ELEMENT.float ||
    sample.length !== value.shape.length - 1
  ) {
    throw unsupported(`one ${what} of float32 with a free batch`, values);
  }
  return { info: describeValue(NAME, value.name, 'float32', value.shape), sample: sample as number[] };
}

/** Two areas for so many samples of at most `widest` numbers, and one that a layer works in. */
function layOut(arena: Arena, samples: number, widest: number, scratch: number) {
  return {
    samples,
    areas: [arena.allocate(widest * samples), arena.allocate(widest * samples)] as const,
    scratch: arena.allocate(scratch),
  };
}

/**
 * Puts a graph's weights into the memory of kernels.
 *
 * @throws GanError `UNSUPPORTED_OP` for a graph that is no chain of known operators, `RUNTIME_UNAVAILABLE` for too large a one
 */
export function openSession(graph: Graph, { kernels, isFused }: CompiledKernels): Session {
  const input = expectBatch(
    'input',
    graph.inputs.filter(({ name }) => !graph.constants.has(name)),
  );
  const output = expectBatch('output', graph.outputs);
  const arena = new Arena(kernels.memory);
  const layers = planGraph(graph, input.info.name, input.sample, output.sample).map((planned) =>
    readyLayer(arena, kernels, planned),
  );
  const [inputSize, outputSize] = [sizeOf(input.sample), sizeOf(output.sample)];
  const weightsEnd = arena.end;
  const widest = Math.max(inputSize, ...layers.map((layer) => layer.outputSize));
  const scratch = Math.max(0, ...layers.map((layer) => layer.scratch));
  const most = Math.max(1, Math.min(MOST_SAMPLES, Math.floor(MOST_NUMBERS / widest)));
  let room = layOut(arena, 1, widest, scratch);
  let open = true;

  /** Draws a few samples. */
  const draw = (latents: Float32Array, images: Float32Array): void => {
    const samples = latents.length / inputSize;
    if (samples > room.samples) {
      arena.release(weightsEnd);
      room = layOut(arena, samples, widest, scratch);
    }
    let [from, to] = room.areas;
    arena.view(from, latents.length).set(latents);
    for (const layer of layers) {
      layer.run(from, to, samples, room.scratch);
      if (!layer.inPlace) [from, to] = [to, from];
    }
    images.set(arena.view(from, images.length));
  };

  const run = async (feeds: TensorMap, into: TensorMap = {}): Promise<TensorMap> => {
    if (!open) throw disposedSession(NAME);
    checkRun(NAME, [input.info], [output.info], feeds, into);
    const latents = feeds[input.info.name]!;
    const count = latents.shape[0]!;
    const result = into[output.info.name] ?? {
      shape: [count, ...output.sample],
      dtype: 'float32' as const,
      data: new Float32Array(count * outputSize),
    };
    for (let at = 0; at < count; at += most) {
      const end = Math.min(count, at + most);
      draw(
        (latents.data as Float32Array).subarray(at * inputSize, end * inputSize),
        (result.data as Float32Array).subarray(at * outputSize, end * outputSize),
      );
    }
    return { [output.info.name]: result };
  };
  return {
    runtime: NAME,
    device: 'wasm',
    version: VERSION,
    engine: `wasm, ganx's own kernels, ${isFused ? 'relaxed SIMD' : 'SIMD'}`,
    inputs: [input.info],
    outputs: [output.info],
    run,
    dispose: async () => {
      open = false;
    },
  };
}
