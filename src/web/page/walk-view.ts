/**
 * The way from one sample to another as a small film: a picture, a strip of its stages, a slider and a play button. It
 * draws each step once, in the worker, and shows what is there already. It knows neither the grid nor the address.
 */
import { type FloatTensor, plainTensor } from '../../core/tensor.js';
import { type Samples, walkLatents } from '../../sample/index.js';
import type { WebGenerator } from '../client.js';
import { drawPicture, paint, saveFile, toPixels } from '../picture.js';
import { SMALL } from '../sample-grid.js';
import { bindButton, findElement } from './find-element.js';

/** Steps of a walk, both ends included; the strip shows every fourth. */
const STEPS = 33;
const STAGE = 4;
/** Steps that are drawn at a time, so that the first ones show early. */
const BATCH = 8;
/** Time from one step to the next when it plays. */
const STEP_MS = 60;

/** A walk between two of the samples on view. */
export interface Walk {
  readonly generator: WebGenerator;
  readonly samples: Samples;
  /** Places of both ends. */
  readonly from: number;
  readonly to: number;
  /** `Sample 3 to sample 7 of seed 0`. */
  readonly title: string;
  readonly fileName: string;
}

/** The walk's part of the page. */
export interface WalkView {
  /** Shows a walk, instead of another that was there. @throws GanError as the generator's `run` */
  start(walk: Walk): Promise<void>;
  /** Ends it, and hides itself. */
  close(): void;
}

/** Row `index` of a tensor [n, L] as [1, L]. */
function rowOf({ data, shape }: FloatTensor, index: number): FloatTensor {
  const size = shape[1]!;
  return plainTensor(data.slice(index * size, (index + 1) * size), [1, size]);
}

/** Draws the walk piece by piece. A walk between two classes changes over in its middle. */
async function* drawSteps({ generator, samples, from, to }: Walk): AsyncGenerator<FloatTensor, void, void> {
  const { metadata } = generator;
  const { latents, labels } = samples;
  const way = walkLatents(metadata, rowOf(latents, from), rowOf(latents, to), STEPS);
  const { latentSize } = metadata;
  for (let done = 0; done < STEPS; done += BATCH) {
    const count = Math.min(BATCH, STEPS - done);
    const piece = plainTensor(way.data.slice(done * latentSize, (done + count) * latentSize), [
      count,
      latentSize,
    ]);
    const classes =
      labels && Int32Array.from({ length: count }, (_, i) => labels[done + i < STEPS / 2 ? from : to]!);
    yield await generator.run(piece, classes);
  }
}

/** Sets up the walk's part of the page. */
export function setUpWalk(onClose: () => void): WalkView {
  const section = findElement('walk', HTMLElement);
  const title = findElement('walk-title', HTMLHeadingElement);
  const image = findElement('walk-image', HTMLCanvasElement);
  const strip = findElement('walk-strip', HTMLDivElement);
  const slider = findElement('walk-step', HTMLInputElement);
  const stillness = matchMedia('(prefers-reduced-motion: reduce)');
  slider.max = String(STEPS - 1);
  const stages = Array.from({ length: Math.ceil(STEPS / STAGE) }, () => document.createElement('canvas'));
  strip.append(...stages);

  let walk: Walk | undefined;
  let frames: ReturnType<typeof toPixels> = [];
  let images: Float32Array[] = [];
  let timer: ReturnType<typeof setInterval> | undefined;
  let direction = 1;

  const show = (step: number): void => {
    const frame = frames[step];
    if (!frame) return;
    paint(image, frame);
    slider.value = String(step);
    slider.setAttribute('aria-valuetext', `Step ${step + 1} of ${STEPS}`);
    image.setAttribute('aria-label', `Step ${step + 1} of ${STEPS}`);
    const here = Math.round(step / STAGE);
    for (const [i, stage] of stages.entries()) stage.toggleAttribute('data-here', i === here);
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
    play.textContent = 'Play';
  };
  const start = (): void => {
    play.textContent = 'Pause';
    timer = setInterval(() => {
      const step = Number(slider.value);
      if (step + direction < 0 || step + direction >= STEPS) direction = -direction;
      show(step + direction);
    }, STEP_MS);
  };
  const play = bindButton('walk-play', () => (timer === undefined ? start() : stop()));
  const close = (): void => {
    stop();
    walk = undefined;
    section.hidden = true;
  };
  bindButton('walk-close', () => {
    close();
    onClose();
  });
  bindButton('walk-download', () => {
    if (!walk || frames.length < STEPS) return;
    const { generator, fileName } = walk;
    const shown = images.filter((_, step) => step % STAGE === 0);
    const values = new Float32Array(shown.length * shown[0]!.length);
    for (const [i, one] of shown.entries()) values.set(one, i * one.length);
    const { metadata } = generator;
    void drawPicture(plainTensor(values, [shown.length, ...metadata.imageShape]), metadata, {
      columns: shown.length,
    }).then((file) => saveFile(file, `${fileName}.png`));
  });
  slider.addEventListener('input', () => {
    stop();
    show(Number(slider.value));
  });
  for (const [i, stage] of stages.entries()) {
    stage.addEventListener('click', () => {
      stop();
      show(Math.min(STEPS - 1, i * STAGE));
    });
  }

  const startWalk = async (next: Walk): Promise<void> => {
    stop();
    walk = next;
    frames = [];
    images = [];
    direction = 1;
    title.textContent = next.title;
    const { metadata } = next.generator;
    const [height, width] = metadata.imageShape;
    for (const canvas of [image, ...stages]) {
      canvas.width = width;
      canvas.height = height;
      canvas.classList.toggle('small', Math.max(height, width) <= SMALL);
    }
    section.hidden = false;
    for await (const piece of drawSteps(next)) {
      // Another walk, or none, has taken its place.
      if (walk !== next) return;
      const size = height * width * metadata.imageShape[2];
      for (const pixels of toPixels(piece, metadata)) {
        const step = frames.push(pixels) - 1;
        const at = (step % BATCH) * size;
        images.push(piece.data.slice(at, at + size));
        if (step % STAGE === 0) paint(stages[step / STAGE]!, pixels);
        if (step === 0) show(0);
      }
    }
    section.dataset.steps = String(frames.length);
    if (!stillness.matches) start();
  };
  return {
    start: async (next) => {
      delete section.dataset.steps;
      await startWalk(next);
      if (walk !== next) return;
      title.focus({ preventScroll: true });
      section.scrollIntoView({ block: 'nearest', behavior: stillness.matches ? 'auto' : 'smooth' });
    },
    close,
  };
}
