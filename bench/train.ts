/**
 * Milliseconds per training step: ganx's engines against each other and against PyTorch, on the same machine in one
 * run, with the same network, batch and optimizer; then where the compiled step's time goes, and what would be left of
 * it if there were nothing but its matrix products.
 */
import { GanError, messageOf } from '../src/core/errors.js';
import { type Contender, ENGINES, enterEngine } from './contender.js';
import { benchLimit } from './limit.js';
import { enterPeer, type PeerMode } from './peer.js';
import { formatNumber, median, type Report } from './report.js';
import { profileStep, reportProfile, type StepProfile } from './step-profile.js';
import { type Entry, prepareEntry, takeTurns } from './turns.js';
import { prepareWorkload, type Subject, type Workload } from './workload.js';

/** How {@link benchTrain} is run. */
export interface TrainBenchOptions {
  readonly repetitions: number;
  /** Also the engine in pure JavaScript where a step takes minutes. */
  readonly all: boolean;
  /** Told what runs now. */
  readonly tell: (what: string) => void;
}

/** Somebody who did not take part. */
export interface Absence {
  readonly name: string;
  /** `SKIP` for what is not installed, `cannot` for what fails. */
  readonly kind: 'SKIP' | 'cannot';
  readonly reason: string;
}

const REFERENCE = 'ganx onnxruntime';
const PURE_JS = 'ganx tfjs cpu';
/** Pure JavaScript needs some ten seconds a step for these, and minutes for the others. */
const PURE_JS_MODELS = ['mlp'];
const PEERS: Readonly<Record<string, PeerMode>> = {
  'PyTorch eager': 'default',
  'PyTorch eager, tuned': 'eager',
  'PyTorch compile': 'compile',
};
const PEER_PROFILE_STEPS = 5;
const PEER_OPERATORS = 8;
const COLUMNS = [
  'engine',
  'ms/step',
  'least',
  `times ${REFERENCE}`,
  'images/s',
  'kernels',
  'host',
  'steps',
  'first lossD',
];

/** Contenders by name, still to be made ready. */
export type Openers = Readonly<Record<string, (workload: Workload) => Promise<Contender>>>;

function listOpeners({ model }: Subject, all: boolean): Openers {
  const engines = Object.entries(ENGINES)
    .filter(([name]) => name !== PURE_JS || all || PURE_JS_MODELS.includes(model))
    .map(([name, open]) => [name, (workload: Workload) => enterEngine(open, workload)] as const);
  const peers = Object.entries(PEERS).map(
    ([name, mode]) => [name, (workload: Workload) => enterPeer(mode, workload)] as const,
  );
  return Object.fromEntries([...engines, ...peers]);
}

/** Who took part, who did not, and what there is to say of it. */
export interface Competition {
  readonly entries: readonly Entry[];
  readonly absences: readonly Absence[];
  readonly notes: readonly string[];
}

/** Lets everybody who can train the workload take turns at it; nobody is left open. */
export async function compete(
  workload: Workload,
  openers: Openers,
  repetitions: number,
  tell: (what: string) => void,
): Promise<Competition> {
  const entries: Entry[] = [];
  const absences: Absence[] = [];
  try {
    for (const [name, open] of Object.entries(openers)) {
      tell(`${name} gets ready`);
      let contender: Contender | undefined;
      try {
        contender = await open(workload);
        entries.push(await prepareEntry(name, contender));
      } catch (error) {
        await contender?.dispose();
        const isMissing = error instanceof GanError && error.code === 'RUNTIME_UNAVAILABLE';
        absences.push({ name, kind: isMissing ? 'SKIP' : 'cannot', reason: messageOf(error) });
      }
    }
    const elsewhere = await takeTurns(entries, repetitions, tell);
    const notes = [
      `Meanwhile something else kept ${median(elsewhere).toFixed(2)} cores busy (median over the turns), ` +
        `at most ${Math.max(...elsewhere).toFixed(2)}.`,
    ];
    for (const { name, contender } of entries) {
      const operators = await contender.profile?.(PEER_PROFILE_STEPS);
      if (operators) notes.push(`${name} by its own profiler, ms/step: ${listOperators(operators)}.`);
    }
    return { entries, absences, notes };
  } finally {
    for (const { contender } of entries) await contender.dispose();
  }
}

function listOperators(operators: Readonly<Record<string, number>>): string {
  const ranked = Object.entries(operators).sort(([, a], [, b]) => b - a);
  return ranked
    .slice(0, PEER_OPERATORS)
    .map(([name, ms]) => `${name} ${formatNumber(ms)}`)
    .join(', ');
}

/** Trains one subject in all ways and gives three tables: the ways, the operators of ours, and their limit. */
export async function benchTrain(subject: Subject, options: TrainBenchOptions): Promise<Report[]> {
  const tell = (what: string): void => options.tell(`${subject.title.split(',')[0]}: ${what}`);
  const workload = await prepareWorkload(subject);
  try {
    const competition = await compete(workload, listOpeners(subject, options.all), options.repetitions, tell);
    tell('ONNX Runtime profiles the step');
    const profile = await profileStep(workload);
    tell('the products by themselves');
    const limit = await benchLimit(subject.title, profile);
    return [makeReport(subject, competition, profile), reportProfile(subject.title, profile), limit];
  } finally {
    await workload.close();
  }
}

function makeReport(
  subject: Subject,
  { entries, absences, notes }: Competition,
  { kernelMs, wallMs }: StepProfile,
): Report {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const reference = entries.find(({ name }) => name === REFERENCE);
  const results = entries.map(({ name, contender, turns }) => {
    const times = turns.map(({ wallMs }) => wallMs);
    const ms = median(times);
    const hosts = turns.flatMap(({ hostMs, wallMs }) => (hostMs === undefined ? [] : [hostMs / wallMs]));
    return {
      name,
      description: contender.description,
      msPerStep: ms,
      leastMs: Math.min(...times),
      ratio: reference && median(times.map((time, round) => time / reference.turns[round]!.wallMs)),
      imagesPerSecond: (subject.batch / ms) * 1000,
      hostShare: hosts.length > 0 ? median(hosts) : undefined,
      steps: turns.reduce((sum, { steps }) => sum + steps, 0),
      firstLossD: contender.firstLossD,
      turnsMs: times,
    };
  });
  const rows = results.map((result) => [
    result.name,
    formatNumber(result.msPerStep),
    formatNumber(result.leastMs),
    result.ratio === undefined ? '-' : formatNumber(result.ratio),
    formatNumber(result.imagesPerSecond),
    result.name === REFERENCE ? percent(kernelMs / wallMs) : '-',
    result.hostShare === undefined ? '-' : percent(result.hostShare),
    String(result.steps),
    result.firstLossD.toFixed(4),
  ]);
  rows.push(
    ...absences.map(({ name, kind }) => [name, kind, ...Array<string>(COLUMNS.length - 2).fill('-')]),
  );
  return {
    title: `Training step: ${subject.title}`,
    head: COLUMNS,
    rows,
    notes: [
      ...results.map(({ name, description }) => `${name}: ${description}`),
      ...absences.map(({ name, kind, reason }) => `${name}: ${kind}. ${reason}`),
      ...notes,
    ],
    numbers: { subject: subject.title, results, absences, kernelShare: kernelMs / wallMs },
  };
}
