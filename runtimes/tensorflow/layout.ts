/**
 * Operators that move values without computing with them, written in TensorFlow.js.
 * Each follows its page under https://onnx.ai/onnx/operators/ at opset 13 to 17.
 */
import * as tf from '@tensorflow/tfjs-core';
import { GanError } from '../../src/core/errors.js';
import { sizeOf } from '../../src/core/tensor.js';
import type { Constant } from './constants.js';
import { fromFront, type OperatorTable, required, wholeNumbers } from './operator.js';

/** A constant as a tensor on the active backend. */
export function toTensor({ data, shape, dtype }: Constant): tf.Tensor {
  return tf.tensor(data, [...shape], dtype);
}

/** Axes are an input from opset 13 on. */
function readAxes(tensor: tf.Tensor | undefined, rank: number): number[] | undefined {
  return wholeNumbers(tensor)?.map((axis) => fromFront(axis, rank));
}

/** Values start, start + step, ... before end along one axis; a negative step walks backwards. */
function sliceAxis(x: tf.Tensor, axis: number, start: number, end: number, step: number): tf.Tensor {
  const extent = x.shape[axis]!;
  if (step < 0) {
    // Seen from the back, index i is extent - 1 - i, and the walk goes forwards.
    const mirror = (index: number): number =>
      extent - 1 - Math.max(-1, Math.min(extent - 1, index < 0 ? index + extent : index));
    return stride(tf.reverse(x, axis), axis, mirror(start), mirror(end), -step);
  }
  const clamp = (index: number): number => Math.max(0, Math.min(extent, index < 0 ? index + extent : index));
  return stride(x, axis, clamp(start), clamp(end), step);
}

function stride(x: tf.Tensor, axis: number, begin: number, end: number, step: number): tf.Tensor {
  const per = (value: number, otherwise: (extent: number) => number): number[] =>
    x.shape.map((extent, at) => (at === axis ? value : otherwise(extent)));
  return tf.stridedSlice(
    x,
    per(begin, () => 0),
    per(Math.max(begin, end), (extent) => extent),
    per(step, () => 1),
  );
}

export const layout: OperatorTable = {
  Constant: {
    attributes: {
      value: 'any',
      value_float: 'any',
      value_floats: 'any',
      value_int: 'any',
      value_ints: 'any',
    },
    run(_inputs, attributes) {
      const value = attributes.constant('value');
      if (value) return toTensor(value);
      const floats = attributes.numbers('value_floats');
      if (floats) return tf.tensor1d([...floats], 'float32');
      const ints = attributes.numbers('value_ints');
      if (ints) return tf.tensor1d([...ints], 'int32');
      const float = attributes.number('value_float', Number.NaN);
      return Number.isNaN(float)
        ? tf.scalar(attributes.number('value_int', 0), 'int32')
        : tf.scalar(float, 'float32');
    },
  },

  Reshape: {
    attributes: { allowzero: [0] },
    run(inputs) {
      const x = required(inputs, 0);
      // 0 copies the extent at the same place, -1 takes what is left.
      const shape = wholeNumbers(required(inputs, 1))!.map((extent, at) => extent || x.shape[at]!);
      return tf.reshape(x, shape);
    },
  },

  Flatten: {
    attributes: { axis: 'any' },
    run(inputs, attributes) {
      const x = required(inputs, 0);
      const axis = fromFront(attributes.number('axis', 1), x.rank);
      return tf.reshape(x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]);
    },
  },

  Unsqueeze: {
    attributes: {},
    run(inputs) {
      const x = required(inputs, 0);
      const axes = readAxes(required(inputs, 1), x.rank + inputs[1]!.size)!;
      const shape = [...x.shape];
      for (const axis of axes.sort((a, b) => a - b)) shape.splice(axis, 0, 1);
      return tf.reshape(x, shape);
    },
  },

  Squeeze: {
    attributes: {},
    run(inputs) {
      const x = required(inputs, 0);
      return tf.squeeze(x, readAxes(inputs[1], x.rank));
    },
  },

  Transpose: {
    attributes: { perm: 'any' },
    run(inputs, attributes) {
      const order = attributes.numbers('perm');
      return tf.transpose(required(inputs, 0), order && [...order]);
    },
  },

  Concat: {
    attributes: { axis: 'any' },
    run: (inputs, attributes) =>
      tf.concat(
        inputs.map((_, at) => required(inputs, at)),
        fromFront(attributes.number('axis', 0), required(inputs, 0).rank),
      ),
  },

  Slice: {
    attributes: {},
    run(inputs) {
      const x = required(inputs, 0);
      const starts = wholeNumbers(required(inputs, 1))!;
      const ends = wholeNumbers(required(inputs, 2))!;
      const axes = readAxes(inputs[3], x.rank) ?? starts.map((_, at) => at);
      const steps = wholeNumbers(inputs[4]) ?? starts.map(() => 1);
      return axes.reduce((rest, axis, at) => sliceAxis(rest, axis, starts[at]!, ends[at]!, steps[at]!), x);
    },
  },

  Expand: {
    attributes: {},
    run(inputs) {
      const x = required(inputs, 0);
      const wanted = wholeNumbers(required(inputs, 1))!;
      // Broadcasting goes both ways: where 1 is wanted, the input's own extent stays.
      return tf.broadcastTo(x, tf.broadcast_util.assertAndGetBroadcastShape(x.shape, wanted));
    },
  },

  Pad: {
    attributes: { mode: ['constant'] },
    run(inputs) {
      const x = required(inputs, 0);
      const pads = wholeNumbers(required(inputs, 1))!; // [begin of every axis, end of every axis]
      const value = inputs[2] ? inputs[2].dataSync()[0]! : 0;
      return tf.pad(
        x,
        x.shape.map((_, axis): [number, number] => [pads[axis]!, pads[axis + x.rank]!]),
        value,
      );
    },
  },

  Resize: {
    attributes: {
      mode: ['nearest'],
      coordinate_transformation_mode: ['asymmetric'],
      nearest_mode: ['floor'],
      cubic_coeff_a: 'any',
      exclude_outside: [0],
      extrapolation_value: 'any',
    },
    // Left out, these two mean other interpolations.
    required: ['coordinate_transformation_mode', 'nearest_mode'],
    run(inputs) {
      const x = required(inputs, 0);
      const asked = inputs[2]?.size ? wholeNumbers(inputs[2]) : undefined;
      const sizes = wholeNumbers(inputs[3]);
      const scales = asked ?? sizes?.map((size, axis) => size / x.shape[axis]!);
      if (!scales) {
        throw new GanError(
          'BAD_MODEL_FILE',
          'tensorflow',
          'Expected Resize with scales or sizes, got `none`. Export the file again.',
        );
      }
      return scales.reduce((rest, scale, axis) => {
        if (scale === 1) return rest;
        const extent = x.shape[axis]!;
        const length = sizes?.[axis] ?? Math.floor(extent * scale);
        const from = Array.from({ length }, (_, at) => Math.min(extent - 1, Math.floor(at / scale)));
        return tf.gather(rest, tf.tensor1d(from, 'int32'), axis);
      }, x);
    },
  },
};
