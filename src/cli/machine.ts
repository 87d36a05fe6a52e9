/** The machine that the program runs on, as far as it decides what works: system, C library, Node, driver, and ganx. */
import { availableParallelism, totalmem } from 'node:os';
import { hasNvidiaDriver } from '../train/index.js';
import { readManifest } from './manifest.js';

/** Facts about this machine and this copy of ganx. */
export interface Machine {
  readonly ganx: string;
  readonly node: string;
  /** The oldest Node that ganx runs on. */
  readonly nodeNeeded: string;
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** `glibc 2.36` or `musl` on Linux; elsewhere nothing. */
  readonly libc?: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly nvidiaDriver: boolean;
}

/** `NAME@VERSION` as ganx is tested with it, to be installed. */
export function versioned(name: string): string {
  const { dependencies, devDependencies } = readManifest();
  return `${name}@${{ ...devDependencies, ...dependencies }[name]}`;
}

function findLibc(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime ? `glibc ${header.glibcVersionRuntime}` : 'musl';
}

/** Looks at the machine; nothing is loaded for it. */
export function describeMachine(): Machine {
  const { version, engines } = readManifest();
  const libc = findLibc();
  return {
    ganx: version,
    node: process.versions.node,
    nodeNeeded: engines.node.replace('>=', ''),
    platform: process.platform,
    arch: process.arch,
    ...(libc ? { libc } : {}),
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    nvidiaDriver: hasNvidiaDriver(),
  };
}

/** Whether the Node that runs is at least the one that is needed. */
export function isNodeNewEnough({ node, nodeNeeded }: Machine): boolean {
  const parts = (version: string): number[] => version.split('.').map(Number);
  const [have, need] = [parts(node), parts(nodeNeeded)];
  for (let i = 0; i < need.length; i++) if (have[i] !== need[i]) return have[i]! > need[i]!;
  return true;
}
