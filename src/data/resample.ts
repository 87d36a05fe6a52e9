/**
 * Resizing of many raw images of one layout: separable Catmull-Rom, weights computed once. For images of a few dozen
 * pixels it is far quicker than a libvips pipeline each, and plain arithmetic gives the same bytes on every machine.
 * R. G. Keys, "Cubic convolution interpolation for digital image processing", https://doi.org/10.1109/TASSP.1981.1163711
 */

/** For each output position, the input positions it sums and their weights, `taps` of each. */
interface AxisWeights {
  readonly taps: number;
  readonly positions: Int32Array;
  readonly weights: Float64Array;
}

/** Keys' cubic with a = -1/2: 1 at 0, 0 at the other integers, nothing beyond 2. */
function evaluateCubic(x: number): number {
  const d = Math.abs(x);
  if (d >= 2) return 0;
  return d < 1 ? (1.5 * d - 2.5) * d * d + 1 : ((-0.5 * d + 2.5) * d - 4) * d + 2;
}

/** Weights along one axis; the kernel widens with the reduction, and borders repeat. */
function weighAxis(from: number, to: number, scale: number): AxisWeights {
  const shrink = Math.min(1, scale);
  const support = 2 / shrink;
  const taps = Math.ceil(2 * support) + 1;
  const positions = new Int32Array(to * taps);
  const weights = new Float64Array(to * taps);
  for (let i = 0; i < to; i++) {
    // What sticks out at both ends of the longer axis is cut off evenly.
    const centre = from / 2 + (i + 0.5 - to / 2) / scale;
    const first = Math.floor(centre - support);
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const weight = evaluateCubic((first + tap + 0.5 - centre) * shrink);
      positions[i * taps + tap] = Math.max(0, Math.min(from - 1, first + tap));
      weights[i * taps + tap] = weight;
      sum += weight;
    }
    for (let tap = 0; tap < taps; tap++) weights[i * taps + tap]! /= sum;
  }
  return { taps, positions, weights };
}

/**
 * Makes a function from uint8 [height, width, channels] to uint8 [toHeight, toWidth, channels] that covers the target
 * and cuts from the centre.
 */
export function createResampler(
  [height, width, channels]: readonly [number, number, number],
  [toHeight, toWidth]: readonly [number, number],
): (pixels: Uint8Array) => Uint8Array {
  const scale = Math.max(toHeight / height, toWidth / width);
  const across = weighAxis(width, toWidth, scale);
  const down = weighAxis(height, toHeight, scale);
  const rows = new Float64Array(height * toWidth * channels);
  const rowLength = toWidth * channels;
  return (pixels) => {
    for (let y = 0; y < height; y++) {
      for (let at = 0; at < rowLength; at++) {
        const channel = at % channels;
        const first = ((at - channel) / channels) * across.taps;
        let sum = 0;
        for (let tap = first; tap < first + across.taps; tap++) {
          sum += across.weights[tap]! * pixels[(y * width + across.positions[tap]!) * channels + channel]!;
        }
        rows[y * rowLength + at] = sum;
      }
    }
    const out = new Uint8ClampedArray(toHeight * rowLength);
    for (let y = 0; y < toHeight; y++) {
      for (let at = 0; at < rowLength; at++) {
        let sum = 0;
        for (let tap = y * down.taps; tap < (y + 1) * down.taps; tap++) {
          sum += down.weights[tap]! * rows[down.positions[tap]! * rowLength + at]!;
        }
        out[y * rowLength + at] = sum;
      }
    }
    return new Uint8Array(out.buffer);
  };
}
