/**
 * The form above the samples: its fields follow the page's state, and tell when a visitor changes one. It draws
 * nothing.
 */
import type { GeneratorMetadata } from '../../core/metadata.js';
import { bindButton, findElement } from './find-element.js';
import { MOST_IMAGES, MOST_POINTS, type PageState, toDevice } from './state.js';

/** What a visitor can want. */
export interface ControlsPage {
  /** @param isPassing the value changes on, as under a slider that is being moved */
  onChange(change: Partial<PageState>, isPassing: boolean): void;
  onNext(): void;
  onDownload(): void;
}

/** The form. */
export interface Controls {
  show(state: PageState): void;
  /** Fits the fields to a generator, and lets them be used. */
  enable(metadata: GeneratorMetadata): void;
}

/** The number in a field, or undefined when it is none that the field allows. */
function readNumber(field: HTMLInputElement): number | undefined {
  return field.checkValidity() && Number.isSafeInteger(field.valueAsNumber) ? field.valueAsNumber : undefined;
}

/** Sets up the form. */
export function setUpControls({ onChange, onNext, onDownload }: ControlsPage): Controls {
  const form = findElement('controls', HTMLFormElement);
  const seed = findElement('seed', HTMLInputElement);
  const count = findElement('count', HTMLInputElement);
  const truncation = findElement('truncation', HTMLInputElement);
  const truncationValue = findElement('truncation-value', HTMLOutputElement);
  const label = findElement('class', HTMLSelectElement);
  const device = findElement('device', HTMLSelectElement);
  const next = bindButton('next', onNext);
  const download = bindButton('download', onDownload);

  // Enter in a field has changed it already; there is nowhere to send a form to.
  form.addEventListener('submit', (event) => event.preventDefault());
  for (const [name, field] of [
    ['seed', seed],
    ['count', count],
  ] as const) {
    field.addEventListener('change', () => {
      const value = readNumber(field);
      if (value === undefined) field.reportValidity();
      else onChange({ [name]: value }, false);
    });
  }
  const passTruncation = (isPassing: boolean): void => {
    truncationValue.value = truncation.value;
    onChange({ truncation: truncation.valueAsNumber }, isPassing);
  };
  truncation.addEventListener('input', () => passTruncation(true));
  truncation.addEventListener('change', () => passTruncation(false));
  label.addEventListener('change', () =>
    onChange({ label: label.value === '' ? undefined : Number(label.value) }, false),
  );
  device.addEventListener('change', () => onChange({ device: toDevice(device.value) }, false));

  return {
    show: (state) => {
      seed.value = String(state.seed);
      count.value = String(state.count);
      truncation.value = String(state.truncation);
      truncationValue.value = String(state.truncation);
      label.value = String(state.label ?? '');
      device.value = state.device;
    },
    enable: ({ kind, labels }) => {
      count.max = String(kind === 'points' ? MOST_POINTS : MOST_IMAGES);
      const options = ['All classes', ...(labels ?? [])].map(
        (name, i) => new Option(name, i === 0 ? '' : String(i - 1)),
      );
      label.replaceChildren(...options);
      findElement('class-field', HTMLLabelElement).hidden = labels === undefined;
      for (const field of [seed, count, truncation, label, next, download]) field.disabled = false;
    },
  };
}
