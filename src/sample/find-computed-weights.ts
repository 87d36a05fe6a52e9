/**
 * Whether a graph multiplies matrices that are both computed, which runtimes do otherwise than a product with constant
 * weights. It reads NodeProto and knows no runtime. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
import { readFields, readText } from '../core/protobuf.js';

/** Two-operand products; convolutions take one image after the other, however many there are. */
const PRODUCTS = ['MatMul', 'Gemm'];
/** What runtimes do not compute ahead though its inputs are constant: quantized weights, and random numbers. */
const LATE = /^(?:DequantizeLinear|Random|Multinomial|Bernoulli)/;

/**
 * @param nodes     NodeProto messages in the order in which they run: input = 1, output = 2, op_type = 4
 * @param constants names of values that no caller can set
 */
export function hasComputedWeights(nodes: readonly Uint8Array[], constants: ReadonlySet<string>): boolean {
  const known = new Set(constants);
  for (const node of nodes) {
    const inputs: string[] = [];
    const outputs: string[] = [];
    let operator = '';
    for (const field of readFields(node)) {
      if (field.number === 1) inputs.push(readText(field));
      else if (field.number === 2) outputs.push(readText(field));
      else if (field.number === 4) operator = readText(field);
    }
    const isKnown = (name: string): boolean => name === '' || known.has(name);
    if (PRODUCTS.includes(operator) && !isKnown(inputs[0] ?? '') && !isKnown(inputs[1] ?? '')) return true;
    if (inputs.every(isKnown) && !LATE.test(operator)) for (const name of outputs) known.add(name);
  }
  return false;
}
