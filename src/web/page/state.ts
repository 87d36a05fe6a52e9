/**
 * What the page shows, as the fragment of its address: a link with `#seed=7&count=16` shows the same samples to
 * whoever opens it. It knows no document.
 */

/** Everything that decides which samples are on view. */
export interface PageState {
  readonly seed: number;
  readonly count: number;
  /** 0 to 1. */
  readonly truncation: number;
  /** Class by number; undefined: all of them in turn. */
  readonly label?: number | undefined;
  readonly device: Device;
}

/** Where to draw. */
export type Device = 'auto' | 'wasm' | 'webgpu';

const DEVICES: readonly Device[] = ['auto', 'wasm', 'webgpu'];

/** The most images that a page shows: each has a canvas of its own. */
export const MOST_IMAGES = 1024;
/** The most points: they share one plot. */
export const MOST_POINTS = 20_000;

/** A text as a device, `auto` for anything else. */
export function toDevice(text: string | null | undefined): Device {
  return DEVICES.find((device) => device === text) ?? 'auto';
}

/** A whole number of a range, or undefined. */
export function toWhole(text: string | null | undefined, least: number, most: number): number | undefined {
  const value = text ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) && value >= least && value <= most ? value : undefined;
}

/** Reads a fragment; what it does not say, or says wrongly, is as in `initial`. */
export function readState(fragment: string, initial: PageState): PageState {
  const said = new URLSearchParams(fragment.replace(/^#/, ''));
  const truncation = Number(said.get('truncation') ?? initial.truncation);
  return {
    seed: toWhole(said.get('seed'), 0, Number.MAX_SAFE_INTEGER) ?? initial.seed,
    count: toWhole(said.get('count'), 1, MOST_POINTS) ?? initial.count,
    truncation: truncation >= 0 && truncation <= 1 ? truncation : initial.truncation,
    label: toWhole(said.get('class'), 0, Number.MAX_SAFE_INTEGER) ?? initial.label,
    device: said.has('device') ? toDevice(said.get('device')) : initial.device,
  };
}

/** The fragment of a state; seed and count always, the others where they are not as usual. */
export function writeState(
  { seed, count, truncation, label, device }: PageState,
  initial: PageState,
): string {
  const said = new URLSearchParams({ seed: String(seed), count: String(count) });
  if (truncation !== 1) said.set('truncation', String(truncation));
  if (label !== undefined) said.set('class', String(label));
  if (device !== initial.device) said.set('device', device);
  return `#${said}`;
}
