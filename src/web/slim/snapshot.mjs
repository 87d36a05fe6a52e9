/**
 * ONNX Runtime as it is once it has started: its memory after the operators and kernels have been registered becomes
 * the memory that the module begins with, so that no page has to register them again. It does not know what is left out.
 * https://github.com/bytecodealliance/wizer does the same for programs that it can compile.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  concat,
  countGlobals,
  countImportedFunctions,
  exportGlobals,
  readBodies,
  readExports,
  readSegments,
  readStart,
  replaceSections,
  SECTION,
  signed,
  whole,
  writeBodies,
  writeSegments,
} from './module.mjs';

const SCRIPT = 'onnxruntime-web/ort-wasm-simd-threaded.mjs';

/**
 * What Emscripten's minifier and linker made of some names in this one build, read from its script and from the body
 * of `_OrtInit`. They hold for the file with the checksum in used.json only.
 */
const NAMES = { constructors: 'Va', pthreadSelf: 'ub', table: 'yb' };
/** Where the pointer to the one environment, and the number of its owners, lie. */
const ENVIRONMENT = { instance: 1052220, owners: 1052224 };
/** Where OrtApi lies, and the place in it of ReleaseEnv. */
const API = { at: 786424, releaseEnv: 92 };
/** In Emscripten's `struct pthread`: whether the page has been asked to wait for messages to the thread. */
const WAITING = 128;

const PAGE = 65536;
/** A module that asks for more when it starts would be out of step with its script, which looks once. */
const INITIAL_PAGES = 256;
/** Zeros between two pieces of memory that cost less than a piece more. */
const LEAST_GAP = 64;

/** The installed module. */
export function readRuntime() {
  return readFileSync(fileURLToPath(import.meta.resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm')));
}

/** Starts a module by the package's own script. */
async function start(module) {
  const { default: load } = await import(SCRIPT);
  const compiled = new WebAssembly.Module(module);
  const started = {};
  const args = process.argv;
  // The script would tell the program its own name, which is nobody's business.
  process.argv = args.slice(0, 1);
  try {
    started.script = await load({
      numThreads: 1,
      instantiateWasm(imports, done) {
        started.memory = imports.a.a;
        started.instance = new WebAssembly.Instance(compiled, imports);
        done(started.instance, compiled);
      },
    });
  } finally {
    process.argv = args;
  }
  return started;
}

function must(value, what) {
  if (!value)
    throw new Error(`ONNX Runtime did not ${what}; look at NAMES and the addresses in snapshot.mjs.`);
  return value;
}

/** Opens and closes a session, after which everything is registered that a session needs, and ends the environment. */
function registerAll({ script, instance, memory }, model) {
  must(script._OrtInit(1, 4) === 0, 'start');
  const options = must(script._OrtCreateSessionOptions(99, 1, 1, 0, 0, 0, 0, 4, 0, 0), 'make options');
  const place = script._malloc(model.length);
  script.HEAPU8.set(model, place);
  const session = must(script._OrtCreateSession(place, model.length, options), 'open a session');
  script._OrtReleaseSession(session);
  script._OrtReleaseSessionOptions(options);
  script._free(place);
  const words = new Uint32Array(memory.buffer);
  must(words[ENVIRONMENT.owners / 4] === 1, 'have one environment');
  // Its pool of threads is as large as it was first asked for: each page makes one of its own.
  const release = instance.exports[NAMES.table].get(words[API.at / 4 + API.releaseEnv]);
  release(words[ENVIRONMENT.instance / 4]);
  must(words[ENVIRONMENT.owners / 4] === 0 && words[ENVIRONMENT.instance / 4] === 0, 'end its environment');
}

/** Writes zeros over memory that is free, and holds what nobody needs. */
function wipeFree({ script, memory }) {
  const end = memory.buffer.byteLength - 2 * PAGE;
  const held = [];
  for (let size = PAGE; size >= 4; size /= 2) {
    for (;;) {
      const place = script._malloc(size) >>> 0;
      held.push(place);
      if (place === 0 || place + size > end) break;
      script.HEAPU8.fill(0, place, place + size);
    }
  }
  for (const place of held) script._free(place);
}

/** The pieces of memory that are not zero, as `{ at, bytes }`. */
function findPieces(image) {
  const pieces = [];
  for (let at = 0; at < image.length; ) {
    if (image[at] === 0) {
      at++;
      continue;
    }
    let end = at + 1;
    for (let next = end; next < image.length && next - end < LEAST_GAP; next++) {
      if (image[next] !== 0) end = next + 1;
    }
    pieces.push({ at, bytes: image.subarray(at, end) });
    at = end;
  }
  return pieces;
}

/** Address of the word by which threads agree on who fills the memory: the first number in the start function. */
function findFlag(body) {
  // block block block i32.const
  let at = 8;
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = body[at++];
    value |= (byte & 127) << shift;
    if (byte < 128) return value;
  }
}

const constant = (value) => [0x41, ...signed(value)];

/** The start function: the first thread fills the memory and sets the globals. */
function writeStart(flag, globals, pieces, firstSegment) {
  const segments = pieces.map(({ at, bytes }, i) => ({ at, length: bytes.length, index: firstSegment + i }));
  return concat([
    [0],
    [...constant(flag), ...constant(0), ...constant(1), 0xfe, 0x48, 2, 0], // i32.atomic.rmw.cmpxchg
    [0x45, 0x04, 0x40], // i32.eqz if
    ...globals.map((value, i) => [...constant(value), 0x24, ...whole(i)]), // global.set
    ...segments.map(({ at, length, index }) => [
      ...[...constant(at), ...constant(0), ...constant(length)],
      ...[0xfc, 8, ...whole(index), 0], // memory.init
    ]),
    [...constant(flag), ...constant(2), 0xfe, 0x17, 2, 0], // i32.atomic.store
    [0x0b],
    ...segments.map(({ index }) => [0xfc, 9, ...whole(index)]), // data.drop
    [0x0b],
  ]);
}

/**
 * The module that begins where `module` is once it has started.
 *
 * @param model a small one that it can open
 * @returns `module`, and the `memory` that it begins with
 */
export async function takeSnapshot(module, model) {
  const started = await start(exportGlobals(module));
  registerAll(started, model);
  wipeFree(started);
  const { instance, memory } = started;
  if (memory.buffer.byteLength !== INITIAL_PAGES * PAGE) throw new Error('The memory has grown.');
  const self = instance.exports[NAMES.pthreadSelf]();
  new Uint32Array(memory.buffer)[(self + WAITING) / 4] = 0;
  const image = new Uint8Array(memory.buffer.slice(0));
  const globals = Array.from(
    { length: countGlobals(module) },
    (_, i) => instance.exports[`global${i}`].value,
  );

  const bodies = readBodies(module);
  const imported = countImportedFunctions(module);
  const startIndex = readStart(module) - imported;
  const pieces = findPieces(image);
  // The first segment is what every thread's own memory begins with.
  const [own, ...others] = readSegments(module);
  bodies[startIndex] = writeStart(findFlag(bodies[startIndex]), globals, pieces, others.length + 1);
  // They have run.
  bodies[readExports(module)[NAMES.constructors] - imported] = Uint8Array.of(0, 0x0b);
  const snapshot = replaceSections(module, {
    [SECTION.code]: writeBodies(bodies),
    ...writeSegments([own, ...others.map(() => new Uint8Array()), ...pieces.map(({ bytes }) => bytes)]),
  });
  return { module: snapshot, memory: image };
}
