/**
 * The program of the process in which {@link file://./prove.ts} proves the native TensorFlow: loads it from the folder
 * in its first argument, multiplies two matrices and sends what came out.
 */
import { GanError, messageOf } from '../core/errors.js';
import { loadTensorflowFrom } from './load.js';

async function multiply(): Promise<object> {
  const native = await loadTensorflowFrom(process.argv[2] ?? '');
  const tf = await import('@tensorflow/tfjs-core');
  const matrix = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  return { ...native, product: Array.from(await tf.matMul(matrix, matrix).data()) };
}

const answer = await multiply().catch((error: unknown) => ({
  message: messageOf(error),
  known: error instanceof GanError,
}));
process.send?.(answer, () => process.disconnect());
