/**
 * Each layer of a plan as something that runs: weights in place, and calls of kernels on addresses. It does not know
 * what the layers make together.
 */
import type { Kernels } from './kernels.js';
import { type Arena, panelsOf, placePanels, placeTurned } from './memory.js';
import { PANEL } from './multiply-kernels.js';
import type { DeconvolutionLayer, DenseLayer, PlannedLayer } from './plan.js';

/** A layer that is ready to run. */
export interface ReadyLayer {
  readonly inputSize: number;
  readonly outputSize: number;
  /** Writes its result over what it is given. */
  readonly inPlace: boolean;
  /** Numbers of room that it needs besides, whatever the number of samples. */
  readonly scratch: number;
  /** Addresses of the samples, one after the other, of its results, and of its scratch. */
  run(from: number, to: number, samples: number, scratch: number): void;
}

function readyDense(arena: Arena, kernels: Kernels, { weights, bias }: DenseLayer): ReadyLayer {
  const [inputs, outputs] = weights.shape as [number, number];
  const panels = panelsOf(outputs);
  const right = placePanels(arena, kernels, weights);
  const biases = arena.place(bias, panels * PANEL);
  return {
    inputSize: inputs,
    outputSize: outputs,
    inPlace: false,
    scratch: 0,
    run(from, to, samples) {
      const multiply = samples === 1 ? kernels.multiplyRow : kernels.multiply;
      multiply(from, right, biases, to, samples, panels, inputs, outputs * 4);
    },
  };
}

/** Where one number of the kernel meets the output: rows and columns of the input, and their first ones in the output. */
function overlap(size: number, output: number, stride: number, offset: number) {
  const first = Math.max(0, Math.ceil(-offset / stride));
  const last = Math.min(size - 1, Math.floor((output - 1 - offset) / stride));
  return { first, count: Math.max(0, last - first + 1), start: first * stride + offset };
}

/**
 * A product of the kernel, turned, with the pixels gives what each pixel adds to each number around its place in the
 * output; these are then scattered there.
 */
function readyDeconvolution(
  arena: Arena,
  kernels: Kernels,
  { weights, bias, input, output, strides, pads }: DeconvolutionLayer,
): ReadyLayer {
  const [inputs, outputs, height, width] = weights.shape as [number, number, number, number];
  const pixels = input[0] * input[1];
  const [panels, planeSize, taps] = [panelsOf(pixels), output[0] * output[1], height * width];
  const left = placeTurned(arena, kernels, weights, inputs);
  const zeros = arena.place(undefined, panels * PANEL);
  const biases = new Float32Array(outputs);
  bias?.writeFloats(biases);
  const places = Array.from({ length: taps }, (_, tap) => ({
    rows: overlap(input[0], output[0], strides[0], Math.floor(tap / width) - pads[0]),
    columns: overlap(input[1], output[1], strides[1], (tap % width) - pads[1]),
  }));
  // A row of products for each number of the kernel, as long as its panels.
  const rowSize = panels * PANEL;
  const productsAt = rowSize * inputs * 4;

  const scatter = (products: number, plane: number): void => {
    for (const [tap, { rows, columns }] of places.entries()) {
      if (columns.count === 0) continue;
      kernels.scatter(
        products + (tap * rowSize + rows.first * input[1] + columns.first) * 4,
        plane + (rows.start * output[1] + columns.start) * 4,
        rows.count,
        columns.count,
        input[1] * 4,
        strides[0] * output[1] * 4,
        strides[1] * 4,
      );
    }
  };
  const deconvolve = (from: number, to: number, scratch: number): void => {
    const products = scratch + productsAt;
    kernels.pack(from, scratch, inputs, panels, pixels * 4);
    kernels.multiply(left, scratch, zeros, products, outputs * taps, panels, inputs, rowSize * 4);
    for (let channel = 0; channel < outputs; channel++) {
      const plane = to + channel * planeSize * 4;
      arena.view(plane, planeSize).fill(biases[channel]!);
      scatter(products + channel * taps * rowSize * 4, plane);
    }
  };
  return {
    inputSize: inputs * pixels,
    outputSize: outputs * planeSize,
    inPlace: false,
    scratch: rowSize * inputs + rowSize * outputs * taps,
    run(from, to, samples, scratch) {
      for (let i = 0; i < samples; i++) {
        deconvolve(from + i * inputs * pixels * 4, to + i * outputs * planeSize * 4, scratch);
      }
    },
  };
}

/** Puts a layer's weights into memory. */
export function readyLayer(arena: Arena, kernels: Kernels, planned: PlannedLayer): ReadyLayer {
  const { layer, inputSize: size } = planned;
  if (layer.kind === 'dense') return readyDense(arena, kernels, layer);
  if (layer.kind === 'deconvolution') return readyDeconvolution(arena, kernels, layer);
  const alike = { inputSize: size, outputSize: size, scratch: 0 };
  if (layer.kind === 'activation') {
    const { kernel, alpha } = layer;
    return {
      ...alike,
      inPlace: true,
      run: (from, _, samples) => kernels[kernel](from, samples * size, alpha),
    };
  }
  if (layer.kind === 'offset') {
    // Four at once: the zeros after the constant go to the numbers after the sample.
    const offset = arena.place(layer.offset, Math.ceil(size / 4) * 4);
    return {
      ...alike,
      inPlace: true,
      run(from, _, samples) {
        for (let i = 0; i < samples; i++) kernels.add(from + i * size * 4, offset, size);
      },
    };
  }
  const { rows, columns } = layer;
  return {
    ...alike,
    inPlace: false,
    run(from, to, samples) {
      for (let i = 0; i < samples; i++) {
        kernels.transpose(from + i * size * 4, to + i * size * 4, rows, columns);
      }
    },
  };
}
