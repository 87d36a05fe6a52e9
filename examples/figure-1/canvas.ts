/**
 * Canvases that are sharp on any screen, in the colours of the style sheet. It knows no figure.
 */

/** The colours that figures are drawn in, by the names of their CSS variables without `--`. */
export type Palette = Readonly<
  Record<'ink' | 'faint' | 'line' | 'raised' | 'data' | 'green' | 'blue' | 'orange', string>
>;

/** A canvas that is ready to be drawn on, in CSS pixels. */
export interface Surface {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
  readonly colours: Palette;
}

const NAMES = ['ink', 'faint', 'line', 'raised', 'data', 'green', 'blue', 'orange'] as const;

/** Reads the colours as the browser resolved them; a probe resolves light-dark(). */
function readPalette(canvas: HTMLCanvasElement): Palette {
  const style = getComputedStyle(canvas);
  const isDark = matchMedia('(prefers-color-scheme: dark)').matches;
  const resolve = (name: string): string => {
    const value = style.getPropertyValue(`--${name}`).trim();
    const pair = /^light-dark\((.*),\s*(.*)\)$/.exec(value);
    return pair ? pair[isDark ? 2 : 1]! : value;
  };
  return Object.fromEntries(NAMES.map((name) => [name, resolve(name)])) as Palette;
}

/** Fits a canvas to its place on the page and clears it. */
export function prepare(canvas: HTMLCanvasElement): Surface {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = devicePixelRatio;
  const context = canvas.getContext('2d')!;
  const [wide, high] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.lineJoin = 'round';
  context.lineCap = 'round';
  context.font = '13px system-ui, sans-serif';
  return { context, width, height, colours: readPalette(canvas) };
}

/** How a line looks. */
export interface Pen {
  readonly colour: string;
  readonly width: number;
  readonly dash?: readonly number[];
  readonly alpha?: number;
}

/** Draws a line through points; a gap where a coordinate is no number. */
export function drawLine(
  context: CanvasRenderingContext2D,
  points: Iterable<readonly [number, number]>,
  { colour, width, dash = [], alpha = 1 }: Pen,
): void {
  context.save();
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.globalAlpha = alpha;
  context.setLineDash([...dash]);
  context.beginPath();
  let isDown = false;
  for (const [x, y] of points) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) isDown = false;
    else if (isDown) context.lineTo(x, y);
    else {
      context.moveTo(x, y);
      isDown = true;
    }
  }
  context.stroke();
  context.restore();
}
