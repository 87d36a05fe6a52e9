/** What the parts of a setup tell each other: what is wanted, where things go, and who hears how it goes on. */

/** How far something is, in bytes; the total is undefined where nobody knows it. */
export type Advance = (doneBytes: number, totalBytes: number | undefined) => void;

/** Hears how a setup goes on. */
export interface SetupProgress {
  /** What begins now, or what went wrong, in a few words. */
  readonly say: (text: string) => void;
  /** How far it is. */
  readonly advance: Advance;
}

/** What is to be set up. */
export interface Task {
  /** The npm package that is wanted. */
  readonly package: string;
  readonly gpu: boolean;
  /** Without what an earlier setup made; downloads are still used. */
  readonly again: boolean;
  /** The folder for everything that outlives a project. */
  readonly cache: string;
  readonly progress: SetupProgress;
  readonly signal: AbortSignal | undefined;
  /** Lets pip and installers write to this process's stderr, when that is a terminal. */
  readonly showPrograms: boolean;
}
