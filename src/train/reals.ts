/**
 * Real images as the networks see them: bytes mapped to the model's range, or contrast-normalised where the model
 * asks for it, as the CIFAR-10 runs of arXiv:1406.2661 do.
 */
import type { Gan } from '../../models/types.js';
import { type FloatTensor, type PlainTensor, plainTensor, sizeOf } from '../core/tensor.js';

/** Images whose pixels are all alike have no contrast to normalise. */
const LEAST_NORM = 1e-8;

/**
 * Subtracts each image's mean and scales it to an L2 norm, in place. An image without contrast becomes 0.
 *
 * @param values images one after the other, of `size` values each
 */
function normaliseContrast(values: Float32Array, size: number, norm: number): void {
  for (let start = 0; start < values.length; start += size) {
    let sum = 0;
    for (let i = start; i < start + size; i++) sum += values[i]!;
    const mean = sum / size;
    let squares = 0;
    for (let i = start; i < start + size; i++) squares += (values[i]! - mean) ** 2;
    const length = Math.sqrt(squares);
    const scale = length < LEAST_NORM ? 0 : norm / length;
    for (let i = start; i < start + size; i++) values[i] = (values[i]! - mean) * scale;
  }
}

/**
 * @param batch uint8 images or float32 points, as a data set gives them
 * @returns float32 of the same shape
 */
export function toNetworkRange(gan: Gan, batch: PlainTensor): FloatTensor {
  if (batch.dtype === 'float32') return plainTensor(batch.data as Float32Array, batch.shape);
  const [low, high] = gan.contrastNorm === undefined ? gan.shape.imageRange : [0, 255];
  const scale = (high - low) / 255;
  // A plain loop: Float32Array.from with a function took sixty times as long.
  const values = new Float32Array(batch.data.length);
  for (let i = 0; i < values.length; i++) values[i] = low + batch.data[i]! * scale;
  if (gan.contrastNorm !== undefined)
    normaliseContrast(values, sizeOf(batch.shape.slice(1)), gan.contrastNorm);
  return plainTensor(values, batch.shape);
}
