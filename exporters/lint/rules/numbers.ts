/**
 * Rules on numbers: types that are slow or too narrow where they stand, weights that are none, and files that no
 * single buffer holds.
 */
import type { onnx } from 'onnx-proto';
import { DataType } from '../../proto/element-types.js';
import { isStandardDomain } from '../../proto/read-model.js';
import { onnxruntimeThread, type Rule, SPECIFICATION } from '../rule.js';

/** Operator sets that the kernels of every runtime know. */
const FIRST_OPSET = 13;
const LAST_OPSET = 17;

const opset: Rule = {
  name: 'opset',
  severity: 'warning',
  remedy: `Export with opset ${LAST_OPSET}.`,
  thread: onnxruntimeThread(27231),
  *check({ model }) {
    const own = (model.proto.opsetImport ?? []).find(({ domain }) => isStandardDomain(domain ?? ''));
    const version = Number(own?.version ?? 0);
    const where = `opset ${version}`;
    if (version === 0) {
      yield {
        where: 'opset',
        message: 'The file does not say which operator set it uses.',
        severity: 'error',
      };
    } else if (version > LAST_OPSET) {
      yield {
        where,
        message: `Opset ${version} is newer than ${LAST_OPSET}: WebGPU’s kernels lag behind the newest.`,
      };
    } else if (version < FIRST_OPSET) {
      yield {
        where,
        message: `Opset ${version} is older than ${FIRST_OPSET}: operators have changed since.`,
      };
    }
  },
};

/** Operators by which a graph computes shapes, or only moves and chooses values. */
const MOVES =
  /^(?:Shape|Size|Constant|ConstantOfShape|Cast|CastLike|Identity|Reshape|Squeeze|Unsqueeze|Flatten|Transpose|Slice|Split|Concat|Gather|GatherND|Expand|Tile|ArgMax|ArgMin|NonZero|Range)$/;

const int64: Rule = {
  name: 'int64',
  severity: 'warning',
  remedy: 'Use int32 for labels and indices, and constants for shapes.',
  thread: onnxruntimeThread(25236),
  *check({ model, types }) {
    for (const { name } of [...model.inputs, ...model.outputs]) {
      if (types.get(name ?? '') !== DataType.INT64) continue;
      const message = `\`${name}\` is int64, which JavaScript holds as BigInt and WebGPU not at all.`;
      yield { where: name ?? '', message };
    }
    // What follows from shapes alone is computed once on the CPU; the rest is on the way of the data.
    const fromData = new Set(model.inputs.map(({ name }) => name ?? ''));
    for (const { name, op, reads, outputs } of model.nodes) {
      if (op === 'Shape' || op === 'Size' || !reads.some((tensor) => fromData.has(tensor))) continue;
      for (const tensor of outputs) fromData.add(tensor);
      if (MOVES.test(op) || types.get(outputs[0] ?? '') !== DataType.INT64) continue;
      yield {
        where: name,
        message: `${op} computes in int64 on the way of the data: WebGPU has no kernel for it.`,
      };
    }
  },
};

const NORMS =
  /(?:^|\.)(?:(?:Skip)?(?:Simplified)?LayerNormalization|InstanceNormalization|GroupNorm(?:alization)?|BatchNormalization|RMSNormalization|LpNormalization|MeanVarianceNormalization)$/;
const SUMS =
  /^(?:Reduce(?:Sum|Mean|SumSquare|L1|L2|LogSumExp|Prod)|CumSum|Pow|GlobalAveragePool|Softmax|LogSoftmax)$/;

const half: Rule = {
  name: 'half',
  severity: 'error',
  remedy: 'Cast to float32 before, and back to float16 behind it.',
  thread: onnxruntimeThread(10079),
  *check({ model, types }) {
    for (const { name, op, inputs } of model.nodes) {
      if (types.get(inputs[0] ?? '') !== DataType.FLOAT16) continue;
      if (NORMS.test(op)) {
        yield {
          where: name,
          message: `${op} takes its statistics in float16: squares above 65504 overflow in silence.`,
        };
      } else if (SUMS.test(op)) {
        yield {
          where: name,
          message: `${op} works in float16, where anything above 65504 overflows in silence.`,
          severity: 'warning',
          thread: onnxruntimeThread(31626),
        };
      }
    }
  },
};

/** How the bits of a type say that an element is no finite number: the exponent's bits are all set. */
const EXPONENTS: Readonly<Record<number, { readonly bytes: number; readonly mask: number }>> = {
  [DataType.FLOAT]: { bytes: 4, mask: 0x7f80 },
  [DataType.DOUBLE]: { bytes: 8, mask: 0x7ff0 },
  [DataType.FLOAT16]: { bytes: 2, mask: 0x7c00 },
  [DataType.BFLOAT16]: { bytes: 2, mask: 0x7f80 },
};

/** Position of the first element that is no finite number, or -1. */
function findNotFinite({ dataType, rawData, floatData, doubleData, int32Data }: onnx.ITensorProto): number {
  const layout = EXPONENTS[dataType ?? 0];
  if (!layout) return -1;
  const { bytes, mask } = layout;
  if (rawData?.length) {
    // Little-endian: the sign and the exponent are in the last two bytes.
    for (let at = bytes - 1; at < rawData.length; at += bytes) {
      if ((((rawData[at]! << 8) | rawData[at - 1]!) & mask) === mask) return (at + 1) / bytes - 1;
    }
    return -1;
  }
  if (bytes === 2) return (int32Data ?? []).findIndex((bits) => (bits & mask) === mask);
  return (bytes === 4 ? floatData : doubleData)?.findIndex((value) => !Number.isFinite(value)) ?? -1;
}

const finite: Rule = {
  name: 'finite',
  severity: 'error',
  remedy: 'Export from an earlier checkpoint.',
  thread: SPECIFICATION,
  *check({ model }) {
    for (const [name, tensor] of model.constants) {
      // Masks of attention and limits of Clip are infinite on purpose, and scalars.
      const isScalar = (tensor.dims ?? []).every((extent) => Number(extent) === 1);
      const at = isScalar ? -1 : findNotFinite(tensor);
      if (at >= 0) yield { where: name, message: `\`${name}\` holds NaN or infinity, first at ${at}.` };
    }
  },
};

const external: Rule = {
  name: 'external-data',
  severity: 'error',
  remedy: 'Keep the weights inside the file.',
  thread: onnxruntimeThread(18586),
  *check({ model }) {
    const apart = [...model.constants].filter(([, { dataLocation }]) => dataLocation);
    if (!apart[0]) return;
    const [name, { externalData }] = apart[0];
    const file = externalData?.find(({ key }) => key === 'location')?.value ?? 'another file';
    const message = `${apart.length} weights lie in other files (${file}): bytes alone cannot be opened.`;
    yield { where: name, message };
  },
};

/** Rules on numbers, in the order of their findings. */
export const NUMBER_RULES: readonly Rule[] = [opset, int64, half, finite, external];
