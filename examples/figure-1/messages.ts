/**
 * What page and worker say to each other: plain data, one request after the other. It has no behaviour but the grids
 * that both sides must agree on.
 */
import type { Grid } from '../../src/measure/one-dimension.js';
import type { LossName } from '../../src/train/index.browser.js';

/** What is trained on, and with it which tab it is. */
export type Data =
  /** A density over {@link LINE}. */
  | { readonly kind: 'line'; readonly density: Float64Array }
  /** Points of two dimensions, x0, y0, x1, y1, … in [-1, 1]. */
  | { readonly kind: 'plane'; readonly points: Float32Array }
  /** Grey images, one after the other. */
  | { readonly kind: 'images'; readonly size: number; readonly pixels: Uint8Array };

export type Kind = Data['kind'];

/** Everything that defines a training. */
export interface Plan {
  readonly data: Data;
  readonly loss: LossName;
  /** k of algorithm 1: updates of D for one of G. Below 1, D is updated in every (1/k)-th step only. */
  readonly k: number;
  readonly rateD: number;
  readonly rateG: number;
  /** Steps in which both rates halve; 0: never. */
  readonly halving: number;
  readonly width: number;
  readonly batch: number;
  readonly seed: number;
  readonly device: 'wasm' | 'webgpu';
}

/** The x axis of one dimension, in cells. */
export const LINE: Grid = { low: -1.2, high: 1.2, cells: 120 };
/** Evenly spaced z whose x = G(z) are shown. */
export const LINE_LATENTS = 1024;
/** Points of the plane at which D is asked, along each side, and how far they reach. */
export const PLANE_SIDE = 48;
export const PLANE_REACH = 1.2;
/** Points of G on view. */
export const PLANE_POINTS = 2000;
/** Images on view. */
export const SHEET_IMAGES = 48;

/** What the worker is asked for. */
export type Request =
  /** Begins, or with `keep` goes on from the state as it is under changed rules. */
  | { readonly type: 'begin'; readonly plan: Plan; readonly keep: boolean }
  | { readonly type: 'advance'; readonly steps: number }
  | { readonly type: 'export' };

/** How a training stands. */
export interface View {
  readonly steps: number;
  /** What runs it. */
  readonly engine: string;
  /** Means over the steps since the last view; undefined when there were none. */
  readonly means: { readonly value: number; readonly dReal: number; readonly dFake: number } | undefined;
  /** x = G(z), [n, …]; images in [0, 1]. */
  readonly fakes: Float32Array;
  /** D's logits at the points of the line or the plane. */
  readonly logits: Float32Array;
  /** Time of the steps themselves. */
  readonly durationMs: number;
}

/** A generator as a file. */
export interface ExportedFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Largest difference from the live network, and what is allowed. */
  readonly maxDifference: number;
  readonly tolerance: number;
}

export interface ToWorker {
  readonly id: number;
  readonly request: Request;
}

export type FromWorker =
  | { readonly id: number; readonly result: View | ExportedFile }
  | { readonly id: number; readonly failure: string };
