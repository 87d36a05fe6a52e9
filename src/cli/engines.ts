/** Which engine `ganx train` takes and why, and how the command line finds out what works here. */
import { loadRuntime } from '../../runtimes/index.js';
import type { Probe } from '../core/types.js';
import {
  chooseEngine,
  type EngineChoice,
  type EngineName,
  type EngineOnDevice,
  probeTensorflowEngine,
} from '../train/index.js';

/** The library behind each engine: runtimes of that name, TensorFlow.js itself, or TensorFlow's C++ library. */
export const LIBRARY_OF_ENGINE = {
  onnxruntime: 'onnxruntime-node',
  tensorflow: 'native',
  tfjs: 'tfjs',
} as const satisfies Record<EngineName, string>;

/** Whether an engine works on a device: by running something there. */
async function probeEngine({ engine, device }: EngineOnDevice): Promise<Probe> {
  if (engine === 'tensorflow') return await probeTensorflowEngine(device);
  const runtime = await loadRuntime(engine === 'tfjs' ? 'tensorflow' : LIBRARY_OF_ENGINE[engine]);
  return await runtime.probe(device);
}

/** Chooses among the engines as they are here. */
export async function chooseHere(wish: Parameters<typeof chooseEngine>[0]): Promise<EngineChoice> {
  return await chooseEngine(wish, probeEngine);
}

/** `Chosen: onnxruntime on cpu, since …; not tensorflow on cuda: …`; nothing when there was nothing to choose. */
export function explainChoice({ engine, device, why, refused }: EngineChoice): string | undefined {
  if (why === undefined && refused.length === 0) return undefined;
  const against = refused.map(
    (one) => `; not ${one.engine} on ${one.device}: ${one.reason.replace(/\.$/, '')}`,
  );
  return `Chosen: ${engine} on ${device}${why ? `, since ${why}` : ''}${against.join('')}.`;
}
