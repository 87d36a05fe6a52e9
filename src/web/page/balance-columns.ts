/**
 * Columns of a grid such that its rows are about equally long: sixteen samples are two rows of eight, not ten and six.
 * It knows no samples.
 */
import type { SampleGrid } from '../sample-grid.js';

/** The least and the greatest width of a tile, in CSS pixels. */
const LEAST = 72;
const MOST = 160;

/** Most columns that fit, fewer where the last row would be much shorter. */
export function chooseColumns(count: number, width: number): number {
  const most = Math.max(1, Math.floor(width / LEAST));
  const rows = Math.ceil(count / most);
  return Math.max(1, Math.ceil(count / rows));
}

/** Keeps the columns of a grid balanced while its width and its number of tiles change. */
export function balanceColumns({ element, tiles, setColumns }: SampleGrid): void {
  const balance = (): void => {
    if (tiles.length === 0) {
      element.style.maxWidth = '';
      return;
    }
    const columns = chooseColumns(tiles.length, element.parentElement?.clientWidth ?? 0);
    element.style.maxWidth = `${columns * MOST}px`;
    setColumns(columns);
  };
  new ResizeObserver(balance).observe(element.parentElement ?? element);
  new MutationObserver(balance).observe(element, { childList: true });
}
