/**
 * The two forms in which a graph can be written. `operators`: with the operator that says what is meant, which every
 * runtime knows and people can read. `products`: for ONNX Runtime's native library on a CPU, which is fast at matrix
 * products and waits for memory elsewhere; convolutions and sums over a batch become products, and a training step may
 * hold the library's own fused operators (bench/README.md has the figures).
 */

/** Name of a form. */
export type Form = 'operators' | 'products';
