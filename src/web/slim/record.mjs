/**
 * Records what of ONNX Runtime's module runs while generators are opened and drawn from, and writes it to used.json,
 * which the build slims the module by. Run again after each update of onnxruntime-web, or when exports hold new
 * operators: npm run -s build; node src/web/slim/record.mjs
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readBodies } from './module.mjs';
import { makeRecordingModels } from './recording-models.mjs';
import { readRuntime, takeSnapshot } from './snapshot.mjs';
import { countPlaces, markUse } from './trim.mjs';
import { checksumOf, packBits, USED } from './used.mjs';

/** Where the marks go: far above what these generators need. */
const MARKS = 700 * 2 ** 20;
const PAGES = 800 * 16;
/** Functions shorter than this are kept whole: there is little to gain. */
const SHORT = 200;
const COUNTS = [1, 1, 2, 3, 4, 5, 7, 8, 16, 25, 33, 64, 100];
const THREADS = [1, 2, 3];

const [folder, ...asked] = process.argv.slice(2);

/** In a process of its own, since a process has one module: draws, and leaves the marks in a file. */
async function draw(threads, functions) {
  const { onnxruntimeWeb } = await import('../../../dist/runtimes/onnxruntime-web.js');
  const { createGenerator, findMetadata } = await import('../../../dist/src/sample/index.js');
  const { compareGolden } = await import('../../../dist/src/sample/golden.js');
  const { encodeProbeModel } = await import('../../../dist/runtimes/probe-model.js');
  const assets = pathToFileURL(join(folder, '/')).href;
  const options = { device: 'wasm', threads, assets };
  const memoryNow = () => new Uint8Array(globalThis.recordedMemory.buffer);
  const probe = await onnxruntimeWeb.open(encodeProbeModel(), options);
  await probe.dispose();
  const drawing = new Uint8Array(functions);
  for (const name of readdirSync(folder).filter((one) => one.endsWith('.onnx'))) {
    const bytes = new Uint8Array(readFileSync(join(folder, name)));
    const session = await onnxruntimeWeb.open(bytes, options);
    const generator = createGenerator(session, findMetadata(bytes));
    const before = memoryNow().slice(MARKS, MARKS + functions);
    memoryNow().fill(0, MARKS, MARKS + functions);
    const { ok } = await compareGolden(generator);
    if (!ok) throw new Error(`${name} is drawn wrongly.`);
    for (const count of COUNTS) await generator.sample({ count, batch: count });
    const during = memoryNow().slice(MARKS, MARKS + functions);
    for (let i = 0; i < functions; i++) {
      drawing[i] |= during[i];
      memoryNow()[MARKS + i] |= before[i];
    }
    await generator.dispose();
  }
  return { drawing, marks: memoryNow().slice(MARKS, MARKS + functions + Number(asked[3])) };
}

if (asked[0] === 'draw') {
  const [, threads, functions] = asked;
  const { drawing, marks } = await draw(Number(threads), Number(functions));
  writeFileSync(join(folder, 'drawing.bin'), drawing);
  writeFileSync(join(folder, 'marks.bin'), marks);
  process.exit(0);
}

/** Draws from a marked module and says which functions and places were reached. */
function recordUse(place, module, isTraced, places, threads) {
  writeFileSync(join(place, 'ort-wasm-simd-threaded.wasm'), markUse(module, MARKS, isTraced));
  const functions = isTraced.length;
  const me = fileURLToPath(import.meta.url);
  execFileSync(process.execPath, [me, place, 'draw', threads, functions, places].map(String), {
    stdio: 'inherit',
  });
  const marks = readFileSync(join(place, 'marks.bin'));
  return {
    drawing: readFileSync(join(place, 'drawing.bin')),
    functions: marks.subarray(0, functions),
    places: marks.subarray(functions),
  };
}

const merge = (a, b) => a.map((value, i) => value | b[i]);

const place = mkdtempSync(join(tmpdir(), 'ganx-slim-'));
try {
  const script = readFileSync(
    fileURLToPath(import.meta.resolve('onnxruntime-web/ort-wasm-simd-threaded.mjs')),
    'utf8',
  );
  const memory = 'x=new WebAssembly.Memory({initial:256,';
  if (!script.includes(memory)) throw new Error('The script makes its memory in another way.');
  const widened = script.replace(
    memory,
    `x=globalThis.recordedMemory=new WebAssembly.Memory({initial:${PAGES},`,
  );
  writeFileSync(join(place, 'ort-wasm-simd-threaded.mjs'), widened);
  for (const [i, bytes] of (await makeRecordingModels()).entries())
    writeFileSync(join(place, `${i}.onnx`), bytes);

  const original = readRuntime();
  const module = await takeSnapshot(original);
  const bodies = readBodies(module);
  const untraced = bodies.map(() => false);
  let first;
  for (const threads of THREADS) {
    const use = recordUse(place, module, untraced, 0, threads);
    first = first
      ? { drawing: merge(first.drawing, use.drawing), functions: merge(first.functions, use.functions) }
      : use;
  }
  // What draws depends on sizes and is kept whole; what only opens a file takes the same way every time.
  const isTraced = bodies.map(
    (body, i) => first.functions[i] === 1 && first.drawing[i] === 0 && body.length >= SHORT,
  );
  const counts = countPlaces(bodies);
  const total = counts.reduce((sum, count, i) => sum + (isTraced[i] ? count : 0), 0);
  let places;
  let functions = first.functions;
  for (const threads of THREADS) {
    const use = recordUse(place, module, isTraced, total, threads);
    places = places ? merge(places, use.places) : use.places;
    functions = merge(functions, use.functions);
  }
  const used = {
    runtime: checksumOf(original),
    functions: packBits(functions),
    traced: packBits(isTraced),
    places: packBits(places),
  };
  writeFileSync(USED, `${JSON.stringify(used, null, 2)}\n`);
} finally {
  rmSync(place, { recursive: true, force: true });
}
