/** Where the loader of this system finds its shared libraries. Linux only. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

/** `	libm.so.6 (libc6,x86-64) => /lib/libm.so.6`. */
const LINE = /^\s*(\S+) \(([^)]*)\) => (\S+)$/gm;
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86-64', arm64: 'AArch64' };
/** Often not on the path of users other than root. */
const SBIN = ['/sbin', '/usr/sbin'];

/** Libraries by name: those on `LD_LIBRARY_PATH` before those of the system, none where there is no ldconfig. */
export async function listSystemLibraries(): Promise<Map<string, string>> {
  const libraries = new Map<string, string>();
  for (const folder of (process.env.LD_LIBRARY_PATH ?? '').split(delimiter)) {
    if (folder === '' || !existsSync(folder)) continue;
    for (const name of readdirSync(folder)) if (!libraries.has(name)) libraries.set(name, join(folder, name));
  }
  const env = { ...process.env, PATH: [process.env.PATH, ...SBIN].join(delimiter) };
  const { stdout } = await promisify(execFile)('ldconfig', ['-p'], { env }).catch(() => ({ stdout: '' }));
  for (const [, name, flags, path] of stdout.matchAll(LINE)) {
    const isOurs = flags!.includes(ARCHITECTURES[process.arch] ?? process.arch);
    if (isOurs && !libraries.has(name!)) libraries.set(name!, path!);
  }
  return libraries;
}
