/**
 * What there is to say of a generator and of what runs it, as rows of words. It knows no document.
 */
import type { WebGenerator } from '../client.js';

/** How the last samples were drawn. */
export interface Drawing {
  readonly count: number;
  readonly durationMs: number;
}

/** Runtimes and devices as people call them. */
const NAMES: Readonly<Record<string, string>> = {
  'ganx-wasm': 'ganx kernels',
  'onnxruntime-web': 'ONNX Runtime Web',
  wasm: 'WebAssembly',
  webgpu: 'WebGPU',
};

function nameOf(name: string): string {
  return NAMES[name] ?? name;
}

/** `1.2 MB`. */
function formatBytes(sizeBytes: number): string {
  return sizeBytes < 1e6 ? `${(sizeBytes / 1e3).toFixed(0)} kB` : `${(sizeBytes / 1e6).toFixed(1)} MB`;
}

/** Milliseconds with as many digits as mean something. */
function formatMs(value: number): string {
  return `${value < 10 ? value.toFixed(value < 1 ? 2 : 1) : value.toFixed(0)} ms`;
}

/** How fast the last samples came: `drawn with WebAssembly in 1.2 ms each`. */
export function summarizeDrawing({ device }: WebGenerator, { count, durationMs }: Drawing): string {
  return `drawn with ${nameOf(device)} in ${formatMs(durationMs / count)} each`;
}

/** What the generator makes, and where. */
export function summarizeModel({ metadata }: WebGenerator): string {
  const { model, kind, imageShape, imagesSeen } = metadata;
  const [height, width, channels] = imageShape;
  const what =
    kind === 'points'
      ? `points in ${channels} ${channels === 1 ? 'dimension' : 'dimensions'}`
      : `${width} × ${height} ${channels === 1 ? 'grey' : 'colour'} images`;
  const name = model === 'unknown' ? 'A generator' : model.toUpperCase();
  const seen = imagesSeen > 0 ? `, trained on ${imagesSeen.toLocaleString('en')}` : '';
  return `${name} for ${what}${seen}. It draws in your browser; nothing is sent anywhere.`;
}

/** Why there is but one thread, where more were asked for. */
const ONE_THREAD = 'One: the server does not isolate the page (headers COOP and COEP), which more need.';

/**
 * Rows of the panel: what, and how it is.
 *
 * @param threads as many as were asked for
 */
export function listFacts(
  generator: WebGenerator,
  threads: number | undefined,
  drawing: Drawing,
): [string, string][] {
  const { metadata, runtime, version, device, engine, refused, sizeBytes } = generator;
  const { latentSize, latentDistribution, dtype = 'float32', labels } = metadata;
  return [
    ['Model', `${metadata.model}, ${formatBytes(sizeBytes)}, ${dtype}`],
    ['Latent', `${latentSize} numbers, ${latentDistribution}`],
    ...(labels ? [['Classes', labels.join(', ')] satisfies [string, string]] : []),
    ['Runtime', `${nameOf(runtime)} ${version}`],
    ['Device', engine === undefined ? nameOf(device) : `${nameOf(device)} (${engine})`],
    ...(device === 'wasm' && (threads ?? 1) > 1 && !globalThis.crossOriginIsolated
      ? [['Threads', ONE_THREAD] satisfies [string, string]]
      : []),
    ['Speed', `${formatMs(drawing.durationMs / drawing.count)} per sample, over the last ${drawing.count}`],
    ...refused.map((other): [string, string] => [
      `Not ${nameOf(other.device === device ? other.runtime : other.device)}`,
      other.reason,
    ]),
  ];
}
