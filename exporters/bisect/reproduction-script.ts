/**
 * The script of a reproduction's page, as text: a browser loads it as it stands here. It runs the minimal model on
 * WebAssembly and on WebGPU, compares, and completes the text for a bug report.
 * https://onnxruntime.ai/docs/tutorials/web/
 */

/** The page's reproduce.js. */
export const PAGE_SCRIPT = String.raw`// Runs node.onnx on each device of ONNX Runtime in this browser and compares with what is expected.
const BUILDS = { wasm: './ort.wasm.min.mjs', webgpu: './ort.webgpu.min.mjs' };
const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array };
const element = (id) => document.getElementById(id);

async function fetchFile(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(name + ': HTTP ' + response.status);
  return response;
}

// A .npy file of version 1.0: the header's length is at byte 8, the values follow the header.
async function fetchTensor({ file, dtype, shape }) {
  const buffer = await (await fetchFile(file)).arrayBuffer();
  const offset = 10 + new DataView(buffer).getUint16(8, true);
  return { dtype, shape, data: new ARRAYS[dtype](buffer.slice(offset)) };
}

function compare(expected, got) {
  if (expected.shape.join() !== got.dims.join()) {
    return { max: Infinity, relative: Infinity, at: 'shape [' + got.dims.join(', ') + ']', expected: '', got: '' };
  }
  let max = 0;
  let position = 0;
  let scale = 1;
  expected.data.forEach((wanted, i) => {
    const given = got.data[i];
    if (Number.isFinite(wanted)) scale = Math.max(scale, Math.abs(wanted));
    if (wanted === given || Object.is(wanted, given)) return;
    const difference = Math.abs(wanted - given);
    const gap = Number.isNaN(difference) ? Infinity : difference;
    if (gap <= max) return;
    max = gap;
    position = i;
  });
  let rest = position;
  const at = expected.shape
    .slice()
    .reverse()
    .map((extent) => {
      const index = rest % extent;
      rest = Math.floor(rest / extent);
      return index;
    })
    .reverse();
  return {
    max,
    relative: max / scale,
    at: '[' + at.join(', ') + ']',
    expected: expected.data[position],
    got: got.data[position],
  };
}

async function describeAdapter() {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error('This browser has no WebGPU adapter here.');
  const { vendor = '', architecture = '', description = '' } = adapter.info ?? {};
  return [vendor, architecture, description].filter((part) => part !== '').join(' ') || 'an adapter without a name';
}

async function runOn(device, manifest, model, feeds, expected) {
  const adapter = device === 'webgpu' ? ', ' + (await describeAdapter()) : '';
  const ort = await import(BUILDS[device]);
  ort.env.logLevel = 'fatal';
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = new URL('./', import.meta.url).href;
  const engine = 'onnxruntime-web ' + (ort.env.versions.web ?? ort.env.versions.common) + adapter;
  const session = await ort.InferenceSession.create(model.slice(), {
    executionProviders: [device],
    logSeverityLevel: 4,
  });
  try {
    const fed = {};
    for (const [name, { dtype, data, shape }] of Object.entries(feeds)) {
      fed[name] = new ort.Tensor(dtype, data.slice(), shape);
    }
    const results = await session.run(fed);
    const gap = compare(expected, results[manifest.output]);
    return { ...gap, engine, verdict: gap.relative > manifest.tolerance ? 'differs' : 'agrees' };
  } finally {
    await session.release();
  }
}

function addRow(device, result) {
  const row = element('results').tBodies[0].insertRow();
  row.dataset.device = device;
  const number = (value) => (typeof value === 'number' ? String(Number(value.toPrecision(7))) : (value ?? ''));
  const { verdict, max, at, expected, got, engine } = result;
  const cells = [device, verdict, number(max), at ?? '', number(expected), number(got), engine ?? ''];
  for (const text of cells) row.insertCell().textContent = text;
  row.cells[1].className = verdict === 'agrees' ? 'right' : verdict === 'differs' ? 'wrong' : '';
  const numbers = max === undefined ? '' : ', largest difference ' + number(max) + ' at ' + at +
    (expected === '' ? '' : ' (' + number(expected) + ' expected, got ' + number(got) + ')');
  element('report').textContent += '- ' + device + ' in a page: ' + verdict + numbers +
    (engine ? ' (' + engine + ')' : '') + '\n';
}

async function main() {
  const status = element('status');
  status.textContent = 'Running …';
  const manifest = await (await fetchFile('./reproduction.json')).json();
  const model = new Uint8Array(await (await fetchFile(manifest.model)).arrayBuffer());
  const feeds = {};
  for (const feed of manifest.feeds) feeds[feed.name] = await fetchTensor(feed);
  const expected = await fetchTensor(manifest.expected);
  const verdicts = [];
  for (const device of Object.keys(BUILDS)) {
    const result = await runOn(device, manifest, model, feeds, expected).catch((error) => ({
      verdict: 'could not run',
      engine: String(error?.message ?? error),
    }));
    verdicts.push(result.verdict);
    addRow(device, result);
  }
  element('report').textContent += '- Browser: ' + navigator.userAgent + '\n';
  const differing = verdicts.filter((verdict) => verdict === 'differs').length;
  status.textContent = differing + ' of ' + verdicts.length + ' devices of this browser differ.';
  document.documentElement.dataset.done = String(differing);
}

element('copy').addEventListener('click', async () => {
  await navigator.clipboard.writeText(element('report').textContent);
  element('copy').textContent = 'Copied';
});

main().catch((error) => {
  element('status').textContent = 'Could not run: ' + (error?.message ?? error);
});
`;
