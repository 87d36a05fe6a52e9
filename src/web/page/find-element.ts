/**
 * Elements of index.html by their id and kind. It knows none in particular.
 */
import { expected } from '../../core/errors.js';

/**
 * The element with this id.
 *
 * @throws GanError `BAD_ARGUMENT` when the page has none of that kind: the page and its script do not belong together
 */
export function findElement<T extends HTMLElement>(id: string, kind: new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw expected('page', `an element #${id} of kind ${kind.name}`, element?.tagName ?? 'none');
}

/** The button with this id, which calls `act` when it is pressed. */
export function bindButton(id: string, act: () => void): HTMLButtonElement {
  const button = findElement(id, HTMLButtonElement);
  button.addEventListener('click', act);
  return button;
}
