/**
 * Contenders take turns, so that whatever slows the machine slows all of them, and never two work at once: in the
 * pause before each turn the threads of the one before, which spin for a moment, fall asleep.
 * It also sees how much of the machine somebody else takes. It knows contenders only by their names.
 */
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender, Turn } from './contender.js';

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
  readonly stepsPerTurn: number;
  readonly isSlow: boolean;
  readonly turns: Turn[];
}

/** Milliseconds that all cores together have worked since the machine started. */
function workedMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}

/** Warms a contender up and finds how many steps make a turn. */
export async function prepareEntry(name: string, contender: Contender): Promise<Entry> {
  let { steps, wallMs } = await contender.run(1);
  const isSlow = wallMs / steps > SLOW_STEP_MS;
  if (!isSlow) ({ steps, wallMs } = await contender.run(WARMING_STEPS));
  const stepsPerTurn = Math.max(1, Math.round((TURN_MS * steps) / wallMs));
  return { name, contender, stepsPerTurn, isSlow, turns: [] };
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
      const { name, contender, stepsPerTurn, isSlow, turns } = entries[(turn + round) % entries.length]!;
      if (isSlow && round > 0) continue;
      await sleep(PAUSE_MS);
      tell(`turn ${round + 1} of ${rounds}: ${name}, ${stepsPerTurn} step${stepsPerTurn > 1 ? 's' : ''}`);
      const before = workedMs();
      const done = await contender.run(stepsPerTurn);
      elsewhere.push(Math.max(0, workedMs() - before - done.cpuMs) / done.wallMs);
      const { steps, wallMs, cpuMs, hostMs, lossD } = done;
      const host = hostMs === undefined ? {} : { hostMs: hostMs / steps };
      turns.push({ steps, wallMs: wallMs / steps, cpuMs: cpuMs / steps, ...host, lossD });
    }
  }
  return elsewhere;
}
