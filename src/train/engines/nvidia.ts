/**
 * Whether this machine has an NVIDIA driver at all, told by the files that it leaves: a look that costs nothing, before
 * a library of some hundred megabytes is loaded to find out whether it can use one.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Linux: the control device, or the one that Windows lends to its guests; Windows: the driver's library. */
function listTraces(): string[] {
  if (process.platform === 'linux') return ['/dev/nvidiactl', '/dev/dxg'];
  if (process.platform === 'win32') return [join(process.env.SystemRoot ?? '', 'System32', 'nvcuda.dll')];
  return [];
}

/** False means that no CUDA device can work here; true, that one might. */
export function hasNvidiaDriver(): boolean {
  return listTraces().some((path) => existsSync(path));
}
