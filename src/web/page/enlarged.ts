/**
 * One sample of the grid, large, in a dialog: to the next and the previous one, to a file, to a walk. It knows neither
 * generators nor how samples came about.
 */
import { paint, saveFile } from '../picture.js';
import { SMALL } from '../sample-grid.js';
import { bindButton, findElement } from './find-element.js';

/** A sample as the dialog shows it. */
export interface Enlargeable {
  /** `Sample 3 of seed 7`. */
  readonly name: string;
  /** Name of its file, without an ending. */
  readonly fileName: string;
  readonly pixels: Parameters<typeof paint>[1];
}

/** What the dialog asks its page for. */
export interface EnlargedPage {
  /** The sample at a place, or undefined beyond the ends. */
  sampleAt(index: number): Enlargeable | undefined;
  /** The visitor wants to walk from this one. */
  onWalk(index: number): void;
  /** The dialog has been closed on this one. */
  onClose(index: number): void;
}

/** The dialog of the page; call it with the place of a sample to open it. */
export function setUpEnlarged({ sampleAt, onWalk, onClose }: EnlargedPage): (index: number) => void {
  const dialog = findElement('enlarged', HTMLDialogElement);
  const title = findElement('enlarged-title', HTMLHeadingElement);
  const canvas = findElement('enlarged-image', HTMLCanvasElement);
  let shown = 0;
  let goesWalking = false;

  const show = (index: number): void => {
    const sample = sampleAt(index);
    if (!sample) return;
    shown = index;
    title.textContent = sample.name;
    paint(canvas, sample.pixels);
    canvas.classList.toggle('small', Math.max(canvas.width, canvas.height) <= SMALL);
    for (const [button, place] of [
      [previous, index - 1],
      [next, index + 1],
    ] as const) {
      // Not `disabled`, which would throw the focus out of the dialog's order.
      button.setAttribute('aria-disabled', String(sampleAt(place) === undefined));
    }
  };
  const previous = bindButton('enlarged-previous', () => show(shown - 1));
  const next = bindButton('enlarged-next', () => show(shown + 1));
  bindButton('enlarged-close', () => dialog.close());
  bindButton('enlarged-walk', () => {
    goesWalking = true;
    dialog.close();
  });
  bindButton('enlarged-download', () => {
    const fileName = sampleAt(shown)?.fileName ?? 'sample';
    canvas.toBlob((file) => {
      if (file) saveFile(file, `${fileName}.png`);
    });
  });
  dialog.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    show(shown + step);
  });
  // A click on what lies around it closes it.
  dialog.addEventListener('click', (event) => {
    if (event.target !== dialog) return;
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    const isInside =
      event.clientX >= left && event.clientX <= right && event.clientY >= top && event.clientY <= bottom;
    if (!isInside) dialog.close();
  });
  dialog.addEventListener('close', () => {
    onClose(shown);
    if (goesWalking) onWalk(shown);
    goesWalking = false;
  });
  return (index) => {
    show(index);
    if (!dialog.open) dialog.showModal();
  };
}
