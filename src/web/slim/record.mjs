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
import { encodeProbeModel } from '../../../dist/runtimes/probe-model.js';
import { holdsMessage } from './messages.mjs';
import { readBodies } from './module.mjs';
import { makeRecordingModels } from './recording-models.mjs';
import { readRuntime, takeSnapshot } from './snapshot.mjs';
import { countPlaces, markUse } from './trim.mjs';
import { checksumOf, packBits, USED } from './used.mjs';

/** Where the marks go: far above what these generators need. */
const MARKS = 700 * 2 ** 20;
const PAGES = 800 * 16;
/** Functions shorter than this are kept whole: there is little to gain. */
const SHORT = 12000;
const COUNTS = [1, 1, 2, 3, 4, 5, 7, 8, 16, 25, 33, 64, 100];
/** Threads of a process; each takes some of the files. What comes first finds nothing prepared. */
const THREADS = [1, 2, 3];

const [folder, ...asked] = process.argv.slice(2);

/** In a process of its own, since a process has one module: draws, and leaves the marks in a file. */
async function draw(threads, functions, places, first) {
  const { onnxruntimeWeb } = await import('../../../dist/runtimes/onnxruntime-web.js');
  const { createGenerator, findMetadata } = await import('../../../dist/src/sample/index.js');
  const { compareGolden } = await import('../../../dist/src/sample/golden.js');
  const assets = pathToFileURL(join(folder, '/')).href;
  const options = { device: 'wasm', threads, assets };
  const memoryNow = () => new Uint8Array(globalThis.recordedMemory.buffer);
  const files = readdirSync(folder).filter((name) => name.endsWith('.onnx'));
  if (first === 'probe') await (await onnxruntimeWeb.open(encodeProbeModel(), options)).dispose();
  const drawing = new Uint8Array(functions);
  for (const name of first === 'probe' ? files : [first]) {
    const bytes = new Uint8Array(readFileSync(join(folder, name)));
    const session = await onnxruntimeWeb.open(bytes, options);
    const generator = createGenerator(session, findMetadata(bytes));
    const before = memoryNow().slice(MARKS, MARKS + functions);
    memoryNow().fill(0, MARKS, MARKS + functions);
    const { ok } = await compareGolden(generator);
    if (!ok) throw new Error(`${name} is drawn wrongly.`);
    for (const count of first === 'probe' ? COUNTS : COUNTS.slice(0, 3))
      await generator.sample({ count, batch: count });
    const during = memoryNow().slice(MARKS, MARKS + functions);
    for (let i = 0; i < functions; i++) {
      drawing[i] |= during[i];
      memoryNow()[MARKS + i] |= before[i];
    }
    await generator.dispose();
  }
  return { drawing, marks: memoryNow().slice(MARKS, MARKS + functions + places) };
}

if (asked[0] === 'draw') {
  const [, threads, functions, places, first] = asked;
  const { drawing, marks } = await draw(Number(threads), Number(functions), Number(places), first);
  writeFileSync(join(folder, 'drawing.bin'), drawing);
  writeFileSync(join(folder, 'marks.bin'), marks);
  process.exit(0);
}

const merge = (a, b) => a.map((value, i) => value | b[i]);

/** Draws from a marked module in many processes and says which functions and places were reached in any. */
function recordUse(place, module, isTraced, places) {
  writeFileSync(join(place, 'ort-wasm-simd-threaded.wasm'), markUse(module, MARKS, isTraced));
  const functions = isTraced.length;
  const files = readdirSync(place).filter((name) => name.endsWith('.onnx'));
  const runs = [
    ...THREADS.map((threads) => [threads, 'probe']),
    ...files.map((name, i) => [1 + (i % 2), name]),
  ];
  let use;
  for (const [threads, first] of runs) {
    const args = [fileURLToPath(import.meta.url), place, 'draw', threads, functions, places, first].map(
      String,
    );
    execFileSync(process.execPath, args, { stdio: 'inherit' });
    const marks = readFileSync(join(place, 'marks.bin'));
    const now = { drawing: readFileSync(join(place, 'drawing.bin')), marks };
    use = use ? { drawing: merge(use.drawing, now.drawing), marks: merge(use.marks, now.marks) } : now;
  }
  return {
    drawing: use.drawing,
    functions: use.marks.subarray(0, functions),
    places: use.marks.subarray(functions),
  };
}

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
  const { module, memory: begun } = await takeSnapshot(original, encodeProbeModel());
  const bodies = readBodies(module);
  const first = recordUse(
    place,
    module,
    bodies.map(() => false),
    0,
  );
  // What draws, packs weights or keeps lists takes ways that depend on sizes, and is kept whole. The long functions that
  // check a file before it is drawn from take the same way for all that ganx exports.
  const isTraced = bodies.map(
    (body, i) =>
      first.functions[i] === 1 && first.drawing[i] === 0 && body.length >= SHORT && holdsMessage(body, begun),
  );
  const counts = countPlaces(bodies);
  const total = counts.reduce((sum, count, i) => sum + (isTraced[i] ? count : 0), 0);
  const second = recordUse(place, module, isTraced, total);
  const used = {
    runtime: checksumOf(original),
    functions: packBits(merge(first.functions, second.functions)),
    traced: packBits(isTraced),
    places: packBits(second.places),
  };
  writeFileSync(USED, `${JSON.stringify(used, null, 2)}\n`);
} finally {
  rmSync(place, { recursive: true, force: true });
}
