/**
 * A page as its author would ship it: bundled with Vite into a folder. It knows neither server nor browser.
 */
import { build } from 'vite';

/** Where a bundle lies and what went into it. */
export interface Bundle {
  readonly folder: string;
  /** Every module that any chunk holds, as Vite names it. */
  readonly modules: readonly string[];
  /** Code of each chunk by file name. */
  readonly chunks: Readonly<Record<string, string>>;
}

/**
 * Bundles the page whose index.html lies in `root`.
 *
 * @param publicFolder files to be served beside it
 * @param external     packages to leave out of the bundle
 */
export async function bundlePage(
  root: string,
  folder: string,
  publicFolder: string,
  external: readonly string[] = [],
): Promise<Bundle> {
  const output = await build({
    root,
    configFile: false,
    logLevel: 'error',
    publicDir: publicFolder,
    // As the README tells: a worker loads the runtime that it needs.
    worker: { format: 'es' },
    build: { outDir: folder, emptyOutDir: true, rolldownOptions: { external: [...external] } },
  });
  if (Array.isArray(output) || !('output' in output)) throw new Error('Expected one bundle.');
  const chunks = output.output.filter((file) => file.type === 'chunk');
  return {
    folder,
    modules: chunks.flatMap(({ moduleIds }) => moduleIds),
    chunks: Object.fromEntries(chunks.map(({ fileName, code }) => [fileName, code])),
  };
}
