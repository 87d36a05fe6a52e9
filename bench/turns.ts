/**
 * Contenders take turns, so that whatever slows the machine slows all of them, and never two work at once: in the
 * pause before each turn the threads of the one before, which spin for a moment, fall asleep.
 * It also sees how much of the machine somebody else takes. It knows contenders only by their names.
 */
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Contender, type Turn, warmUp } from './contender.js';

/** Steps to warm up with, after the first. */
const WARMING_STEPS = 8;
/** A turn lasts about this long, so that fast contenders average over several steps. */
const TURN_MS = 1500;
const PAUSE_MS = 100;
/** Whoever needs longer than this for a step takes one turn: it would hold up everybody, and averages by itself. */
const SLOW_STEP_MS = 5000;

/** A contender and its turns, one of each round, as times per step. */
export interface Entry {
  readonly name: string;
  readonly contender: Contender;
  /** The least time of a step so far: a turn is planned by it. */
  leastMs: number;
  readonly isSlow: boolean;
  readonly turns: Turn[];
}

/** Milliseconds that all cores together have worked since the machine started. */
function workedMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}

/** Warms a contender up and finds out how long its steps are. */
export async function prepareEntry(name: string, contender: Contender): Promise<Entry> {
  let { steps, wallMs } = await contender.run(1);
  const isSlow = wallMs / steps > SLOW_STEP_MS;
  if (!isSlow) {
    await warmUp(contender);
    ({ steps, wallMs } = await contender.run(WARMING_STEPS));
  }
  return { name, contender, leastMs: wallMs / steps, isSlow, turns: [] };
}

/**
 * Lets everybody take `rounds` turns, each round in another order.
 *
 * @param tell told who works now
 * @returns for each turn, how many cores something else kept busy meanwhile
 */
export async function takeTurns(
  entries: readonly Entry[],
  rounds: number,
  tell: (what: string) => void,
): Promise<number[]> {
  const elsewhere: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < entries.length; turn++) {
      const entry = entries[(turn + round) % entries.length]!;
      if (entry.isSlow && round > 0) continue;
      const wanted = Math.max(1, Math.round(TURN_MS / entry.leastMs));
      await sleep(PAUSE_MS);
      tell(`turn ${round + 1} of ${rounds}: ${entry.name}, ${wanted} step${wanted > 1 ? 's' : ''}`);
      const before = workedMs();
      const { steps, wallMs, cpuMs, hostMs, lossD } = await entry.contender.run(wanted);
      elsewhere.push(Math.max(0, workedMs() - before - cpuMs) / wallMs);
      const host = hostMs === undefined ? {} : { hostMs: hostMs / steps };
      entry.turns.push({ steps, wallMs: wallMs / steps, cpuMs: cpuMs / steps, ...host, lossD });
      entry.leastMs = Math.min(entry.leastMs, wallMs / steps);
    }
  }
  return elsewhere;
}
