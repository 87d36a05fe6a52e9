/** The version of this copy of ganx, by the name under which the package exports its package.json to itself. */
import { createRequire } from 'node:module';

let version: string | undefined;

export function ganxVersion(): string {
  version ??= (createRequire(import.meta.url)('ganx/package.json') as { version: string }).version;
  return version;
}
