/** ganx's own package.json: its version, and what it depends on. */
import { createRequire } from 'node:module';

/** The part of package.json that the command line speaks of. */
export interface Manifest {
  readonly version: string;
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** Reads the file of this copy of ganx, by the name under which the package exports it to itself. */
export function readManifest(): Manifest {
  return createRequire(import.meta.url)('ganx/package.json') as Manifest;
}
