/**
 * Two samples of a grid, by dragging one onto the other, or by a key on both. It does not know what becomes of them.
 */
import type { SampleGrid } from '../sample-grid.js';

/** What a choice of two leads to. */
export interface PickTwo {
  /** Makes a sample the first of two; the next one that is clicked or gets the key is the second. */
  begin(index: number): void;
  /** Takes a click on a sample if it is the second of two. */
  takeClick(index: number): boolean;
  /** Forgets a first one. */
  cancel(): void;
}

/** Movements up to this many pixels are an unsteady click. */
const STEADY = 8;

/** The picture that is dragged along. */
function makeGhost(tile: HTMLElement): HTMLCanvasElement {
  const ghost = document.createElement('canvas');
  const image = tile.querySelector('canvas')!;
  ghost.width = image.width;
  ghost.height = image.height;
  ghost.getContext('2d')!.drawImage(image, 0, 0);
  ghost.id = 'ghost';
  ghost.style.width = `${tile.clientWidth}px`;
  ghost.style.imageRendering = getComputedStyle(image).imageRendering;
  return ghost;
}

/**
 * Watches a grid.
 *
 * @param onPick called with the places of both samples
 * @param tell   says to people what has happened and what to do next
 */
export function watchPicks(
  grid: SampleGrid,
  onPick: (from: number, to: number) => void,
  tell: (text: string) => void,
): PickTwo {
  const { element, tiles } = grid;
  let first: number | undefined;
  let hasDragged = false;

  const placeOf = (target: EventTarget | null): number =>
    tiles.findIndex((tile) => target instanceof Node && tile.contains(target));
  const mark = (name: 'start' | 'over', index: number | undefined): void => {
    for (const [i, tile] of tiles.entries()) tile.toggleAttribute(`data-${name}`, i === index);
  };
  const begin = (index: number): void => {
    first = index;
    mark('start', index);
    tell(`${tiles[index]!.ariaLabel} is where the walk begins. Choose another one, or press Escape.`);
  };
  const cancel = (): void => {
    first = undefined;
    mark('start', undefined);
  };
  const finish = (to: number): boolean => {
    if (first === undefined) return false;
    const from = first;
    cancel();
    if (from !== to) onPick(from, to);
    return true;
  };

  element.addEventListener('keydown', (event) => {
    const at = placeOf(event.target);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape' && first !== undefined) {
      cancel();
      tell('No walk.');
    } else if (event.key.toLowerCase() === 'w' && at >= 0 && !finish(at)) begin(at);
  });

  const drag = (down: PointerEvent, from: number): void => {
    let ghost: HTMLCanvasElement | undefined;
    const placeUnder = (event: PointerEvent) =>
      placeOf(document.elementFromPoint(event.clientX, event.clientY));
    const move = (event: PointerEvent): void => {
      if (event.pointerId !== down.pointerId) return;
      const [x, y] = [event.clientX - down.clientX, event.clientY - down.clientY];
      if (!ghost && Math.hypot(x, y) <= STEADY) return;
      if (!ghost) {
        hasDragged = true;
        ghost = makeGhost(tiles[from]!);
        document.body.append(ghost);
        mark('start', from);
      }
      const half = tiles[from]!.clientWidth / 2;
      ghost.style.transform = `translate(${event.clientX - half}px, ${event.clientY - half}px) scale(0.85)`;
      const over = placeUnder(event);
      mark('over', over === from ? undefined : over);
    };
    const end = (event: PointerEvent): void => {
      if (event.pointerId !== down.pointerId) return;
      for (const [name, listener] of Object.entries(listeners)) document.removeEventListener(name, listener);
      if (!ghost) return;
      ghost.remove();
      mark('start', undefined);
      mark('over', undefined);
      const to = event.type === 'pointerup' ? placeUnder(event) : -1;
      if (to >= 0 && to !== from) onPick(from, to);
    };
    const listeners = {
      pointermove: move as EventListener,
      pointerup: end as EventListener,
      pointercancel: end as EventListener,
    };
    for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener);
  };

  element.addEventListener('pointerdown', (event) => {
    hasDragged = false;
    const from = placeOf(event.target);
    if (from < 0 || !event.isPrimary || event.button !== 0) return;
    // A finger stays with the element that it touched first, which would hide what lies under it.
    if (event.target instanceof Element) event.target.releasePointerCapture(event.pointerId);
    drag(event, from);
  });
  // The end of a drag is no click.
  element.addEventListener(
    'click',
    (event) => {
      if (hasDragged) event.stopPropagation();
      hasDragged = false;
    },
    { capture: true },
  );
  return { begin, takeClick: finish, cancel };
}
