/**
 * Data drawn by hand on the figure: by mouse, pen or finger, or with the arrow keys. It knows neither figure nor
 * training; places come from whoever asks.
 */
import { normal } from '../../src/core/random.js';
import { normalize } from '../../src/measure/one-dimension.js';
import { type Data, LINE } from './messages.js';

/** A drawing that grows. */
export interface Drawing {
  /** The pen is at a place of the figure: x as in the figure, level from 0 at the bottom to 1 at the top. */
  moveTo(x: number, y: number, isDown: boolean): void;
  /** What is drawn so far; undefined while it is nothing. */
  read(): Data | undefined;
}

/** A density: the pen sets its height, cell by cell. */
export function drawDensity(start: ArrayLike<number>): Drawing {
  const most = Math.max(...Array.from(start)) * 1.35;
  const heights = Float64Array.from(start, (value) => value / most);
  let before: { cell: number; level: number } | undefined;
  return {
    moveTo(x, level, isDown) {
      const share = (x - LINE.low) / (LINE.high - LINE.low);
      const cell = Math.min(LINE.cells - 1, Math.max(0, Math.floor(share * LINE.cells)));
      if (isDown) {
        // Straight between two places of the pen, which may be several cells apart.
        const from = before ?? { cell, level };
        const steps = Math.max(1, Math.abs(cell - from.cell));
        for (let i = 0; i <= steps; i++) {
          const at = Math.round(from.cell + ((cell - from.cell) * i) / steps);
          heights[at] = from.level + ((level - from.level) * i) / steps;
        }
      }
      before = isDown ? { cell, level } : undefined;
    },
    read: () =>
      heights.some((height) => height > 0.005)
        ? { kind: 'line', density: normalize(heights, LINE) }
        : undefined,
  };
}

const POINTS_A_PLACE = 24;
const SPREAD = 0.025;

/** Points: the pen sprays them. */
export function sprayPoints(): Drawing {
  const points: number[] = [];
  return {
    moveTo(x, y, isDown) {
      if (!isDown || Math.abs(x) > 1.1 || Math.abs(y) > 1.1) return;
      const noise = normal(0, 'hand', points.length, 2 * POINTS_A_PLACE);
      noise.forEach((value, i) => {
        points.push((i % 2 === 0 ? x : y) + SPREAD * value);
      });
    },
    read: () => (points.length > 0 ? { kind: 'plane', points: Float32Array.from(points) } : undefined),
  };
}

/** Listens to a canvas; `locate` says where in the figure a place of the canvas lies. @returns how to stop */
export function bindPen(
  canvas: HTMLCanvasElement,
  locate: (px: number, py: number) => readonly [number, number],
  move: (x: number, y: number, isDown: boolean) => void,
): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  let isDown = false;
  const at = (event: PointerEvent): void => {
    const box = canvas.getBoundingClientRect();
    move(...locate(event.clientX - box.left, event.clientY - box.top), isDown);
  };
  canvas.addEventListener(
    'pointerdown',
    (event) => {
      isDown = true;
      canvas.setPointerCapture(event.pointerId);
      at(event);
    },
    { signal },
  );
  canvas.addEventListener('pointermove', (event) => isDown && at(event), { signal });
  for (const name of ['pointerup', 'pointercancel'] as const) {
    canvas.addEventListener(
      name,
      (event) => {
        isDown = false;
        at(event);
      },
      { signal },
    );
  }
  bindKeys(canvas, locate, move, signal);
  canvas.tabIndex = 0;
  canvas.role = 'application';
  canvas.dataset.hand = '';
  return () => {
    stop.abort();
    canvas.removeAttribute('tabindex');
    canvas.role = 'img';
    delete canvas.dataset.hand;
  };
}

/** Arrow keys move a pen that draws while Space or Shift is held. */
function bindKeys(
  canvas: HTMLCanvasElement,
  locate: (px: number, py: number) => readonly [number, number],
  move: (x: number, y: number, isDown: boolean) => void,
  signal: AbortSignal,
): void {
  const place = { x: 0.5, y: 0.5 };
  const ways: Readonly<Record<string, readonly [number, number]>> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
    ' ': [0, 0],
  };
  canvas.addEventListener(
    'keydown',
    (event) => {
      const way = ways[event.key];
      if (!way) return;
      event.preventDefault();
      place.x = Math.min(1, Math.max(0, place.x + 0.02 * way[0]));
      place.y = Math.min(1, Math.max(0, place.y + 0.02 * way[1]));
      const [px, py] = [place.x * canvas.clientWidth, place.y * canvas.clientHeight];
      move(...locate(px, py), event.shiftKey || event.key === ' ');
      const context = canvas.getContext('2d')!;
      context.strokeStyle = getComputedStyle(canvas).color;
      context.beginPath();
      context.arc(px, py, 6, 0, 2 * Math.PI);
      context.stroke();
    },
    { signal },
  );
  // The pen is lifted where Shift is let go.
  canvas.addEventListener(
    'keyup',
    ({ key }) => {
      if (key === 'Shift' || key === ' ')
        move(...locate(place.x * canvas.clientWidth, place.y * canvas.clientHeight), false);
    },
    { signal },
  );
}
