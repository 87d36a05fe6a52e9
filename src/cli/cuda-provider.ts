/**
 * Where ONNX Runtime's CUDA library lies or would lie, and which libraries it misses: the runtime itself says the same
 * few words whatever is wrong.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';

/** The provider as it was found. */
export interface CudaProvider {
  /** The script that fetches it, as one would type its path here; undefined when the package itself is missing. */
  readonly installer?: string;
  readonly present: boolean;
  /** Names of libraries that the system's loader does not find. */
  readonly missing: readonly string[];
}

/** Looks for the provider; nothing of it is loaded. */
export async function findCudaProvider(): Promise<CudaProvider> {
  let folder: string;
  try {
    folder = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  } catch {
    return { present: false, missing: [] };
  }
  const installer = relative('', join(folder, 'script', 'install.js'));
  const { platform, arch } = process;
  const library = join(folder, 'bin', 'napi-v6', platform, arch, 'libonnxruntime_providers_cuda.so');
  if (!existsSync(library)) return { installer, present: false, missing: [] };
  const { stdout } = await promisify(execFile)('ldd', [library]).catch(() => ({ stdout: '' }));
  const missing = [...stdout.matchAll(/^\s*(\S+) => not found/gm)].map(([, name]) => name!);
  return { installer, present: true, missing };
}
