/**
 * The measuring page's script: draws from one generator in one way, as the address says, and leaves the times on
 * `globalThis.measured`. Each visit is one measurement from an empty page on. It does not know who asks.
 */
import { messageOf } from '../src/core/errors.js';
import { drawLatents } from '../src/sample/latents.js';
import type { PageDrawer, PageModel, PageTimes } from './page-types.js';

const SEED = 5;
/** Samples at a time, in the second of the two speeds. */
const BATCH = 16;
/** Each speed is the median of as many runs as fit into this, three at least. */
const MEASURE_MS = 700;
const LEAST_RUNS = 3;

const asked = new URLSearchParams(location.search);
const folder = asked.get('folder') ?? '';

/** ganx as a page has it: the prebuilt bundle. */
async function openGanx(device: string, threads: number): Promise<PageDrawer> {
  const address = new URL('/site/ganx.js', location.href).href;
  const { loadGenerator } = (await import(/* @vite-ignore */ address)) as typeof import('../src/web/site.js');
  const generator = await loadGenerator(`${folder}generator.onnx`, {
    device: device === 'webgpu' ? 'webgpu' : 'wasm',
    threads,
    assets: '/ort/',
    cache: false,
  });
  return {
    engine: generator.engine ?? generator.device,
    latents: generator.metadata,
    draw: async (latents) => (await generator.run(latents)).data,
  };
}

/** The same network in TensorFlow.js, from the same weights. */
async function openTfjs(device: string, threads: number): Promise<PageDrawer> {
  const [{ openNetwork }, description, bytes] = await Promise.all([
    import('./page-tfjs.js'),
    fetch(`${folder}weights.json`).then((response) => response.json() as Promise<PageModel>),
    fetch(`${folder}weights.bin`).then((response) => response.arrayBuffer()),
  ]);
  return await openNetwork(description, new Float32Array(bytes), device, threads);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

async function measure(): Promise<PageTimes> {
  const device = asked.get('device') ?? 'wasm';
  const threads = Number(asked.get('threads') ?? 1);
  const open = asked.get('way') === 'ganx' ? openGanx : openTfjs;
  const drawer = await open(device, threads);
  const loadMs = performance.now();
  const draw = (from: number, count: number) => drawer.draw(drawLatents(drawer.latents, SEED, from, count));
  const first = await draw(0, 1);
  const firstMs = performance.now();

  const time = async (count: number): Promise<number> => {
    const times: number[] = [];
    await draw(0, count);
    for (let spent = 0, at = 0; spent < MEASURE_MS || times.length < LEAST_RUNS; at += count) {
      const start = performance.now();
      await draw(at, count);
      times.push(performance.now() - start);
      spent += times.at(-1)!;
    }
    return median(times) / count;
  };
  const singleMs = await time(1);
  const batchMs = await time(BATCH);
  return { engine: drawer.engine, loadMs, firstMs, singleMs, batchMs, image: [...first] };
}

measure().then(
  (times) => Object.assign(globalThis, { measured: times }),
  (error: unknown) => Object.assign(globalThis, { measured: { failure: messageOf(error) } }),
);
