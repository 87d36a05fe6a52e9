/**
 * A page that draws from generator.onnx, which lies beside it, or from a file that the visitor opens.
 * Everything is computed in the browser; nothing is sent anywhere.
 */
import { loadGenerator, toPng } from 'ganx';

const form = document.querySelector('form');
const sheet = document.querySelector('#sheet');
const status = document.querySelector('#status');
let generator;

function say(text, isError = false) {
  status.textContent = text;
  status.classList.toggle('error', isError);
}

async function open(source) {
  const loaded = await loadGenerator(source);
  await generator?.dispose();
  generator = loaded;
}

async function draw() {
  const seed = form.seed.valueAsNumber;
  const began = performance.now();
  const { images } = await generator.sample({ count: form.count.valueAsNumber, seed });
  const durationMs = Math.round(performance.now() - began);
  const png = new Blob([toPng(images, generator.metadata)], { type: 'image/png' });
  URL.revokeObjectURL(sheet.src);
  sheet.src = URL.createObjectURL(png);
  sheet.alt = `${images.shape[0]} samples of seed ${seed}`;
  await sheet.decode();
  const { runtime, version, device, metadata } = generator;
  say(`${sheet.alt} from ${metadata.model} in ${durationMs} ms, by ${runtime} ${version} on ${device}.`);
}

/** One thing at a time: controls are off meanwhile, and whatever goes wrong is told. */
async function busy(task) {
  const controls = [...form.elements];
  for (const control of controls) control.disabled = true;
  try {
    await task();
  } catch (error) {
    say(error.message, true);
  } finally {
    // Without a generator there is nothing to draw from, but a file can still be opened.
    for (const control of controls) control.disabled = !generator && control !== form.file;
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  busy(draw);
});

document.querySelector('#again').addEventListener('click', () => {
  form.seed.value = Math.floor(Math.random() * 1e6);
  form.requestSubmit();
});

form.file.addEventListener('change', () =>
  busy(async () => {
    await open(new Uint8Array(await form.file.files[0].arrayBuffer()));
    await draw();
  }),
);

busy(async () => {
  await open('generator.onnx');
  await draw();
});
