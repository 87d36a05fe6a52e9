/**
 * The element draws the samples; functions of `ganx/web` draw the walk with the element's own generator.
 * Everything is computed in the browser; nothing is sent anywhere.
 */
import { defineGanxSamples, drawPicture, walkLatents } from 'ganx/web';

const STEPS = 8;
const samples = document.querySelector('ganx-samples');
const form = document.querySelector('form');
const walk = document.querySelector('#walk');
const about = document.querySelector('#about');

/** One row of a tensor [n, L], as [1, L]. */
function pickRow({ shape, dtype, data }, row) {
  const size = shape[1];
  return { shape: [1, size], dtype, data: data.slice(row * size, (row + 1) * size) };
}

async function drawWalk(index) {
  const { generator, samples: drawn } = samples;
  const { metadata } = generator;
  const [first, last] = [0, index].map((row) => pickRow(drawn.latents, row));
  // A generator with classes stays in that of the chosen sample.
  const labels = drawn.labels && new Int32Array(STEPS).fill(drawn.labels[index]);
  const images = await generator.run(walkLatents(metadata, first, last, STEPS), labels);
  const picture = await drawPicture(images, metadata, { columns: STEPS });
  URL.revokeObjectURL(walk.src);
  walk.src = URL.createObjectURL(picture);
  walk.alt = `${STEPS} steps from sample 0 to sample ${index}`;
}

samples.addEventListener('ganx-select', ({ detail }) => drawWalk(detail.index));
samples.addEventListener('ganx-draw', ({ detail }) => {
  const { runtime, version, engine, metadata } = samples.generator;
  about.textContent = `${metadata.model}, seed ${detail.seed}: ${Math.round(detail.durationMs)} ms by ${runtime} ${version} (${engine}).`;
  drawWalk(1);
});
form.addEventListener('submit', (event) => {
  event.preventDefault();
  samples.seed = form.seed.value;
});
document.querySelector('#save').addEventListener('click', () => samples.download());

// Last, so that nothing happens before somebody listens.
defineGanxSamples();
