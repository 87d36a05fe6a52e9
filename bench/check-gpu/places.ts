/** The engines on the devices that are checked: who they are, and how to open one. */
import { onnxruntimeNode } from '../../runtimes/onnxruntime-node.js';
import type { Engine } from '../../src/train/engines/engine.js';
import { openSessionEngine } from '../../src/train/engines/session-engine.js';
import { openTensorflowEngine } from '../../src/train/engines/tensorflow-engine.js';
import { openTfjsEngine } from '../../src/train/engines/tfjs-engine.js';
import type { Workload } from '../workload.js';

/** An engine and where it runs. */
export interface Place {
  readonly engine: 'onnxruntime' | 'tensorflow' | 'tfjs';
  readonly device: string;
}

/** Those that the check is about; the first works everywhere. */
export const PLACES: readonly Place[] = [
  { engine: 'onnxruntime', device: 'cpu' },
  { engine: 'onnxruntime', device: 'webgpu' },
  { engine: 'onnxruntime', device: 'cuda' },
  { engine: 'tensorflow', device: 'cuda' },
];

export function titleOf({ engine, device }: Place): string {
  return `${engine} on ${device}`;
}

/** With whom a place has to agree: the compiled step on the CPU, and that with TensorFlow.js in pure JavaScript. */
export function referenceOf({ engine, device }: Place): Place {
  const isFirst = engine === 'onnxruntime' && device === 'cpu';
  return isFirst ? { engine: 'tfjs', device: 'cpu' } : { engine: 'onnxruntime', device: 'cpu' };
}

/**
 * @param profile beginning of the name of ONNX Runtime's profile, where there is to be one
 * @throws GanError `RUNTIME_UNAVAILABLE` where the place cannot be used
 */
export function openPlace(
  { engine, device }: Place,
  { gan, step, begin }: Workload,
  profile?: string,
): Promise<Engine> {
  if (engine === 'tensorflow') return openTensorflowEngine(gan, step, begin, device);
  if (engine === 'tfjs') return openTfjsEngine(gan, step, begin, device);
  const options = profile === undefined ? { device } : { device, profile };
  return openSessionEngine(gan, step, begin, (bytes) => onnxruntimeNode.open(bytes, options), device);
}
