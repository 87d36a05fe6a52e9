/**
 * Milliseconds per training step of ganx's engines on their devices and of PyTorch on the same GPU, who take turns in
 * one process. It does not choose who takes part.
 */
import { enterEngine } from '../contender.js';
import { enterPeer, type PeerMode } from '../peer.js';
import { formatNumber, median, type Report } from '../report.js';
import { compete, type Openers } from '../train.js';
import { prepareWorkload, TRAIN_SUBJECTS } from '../workload.js';
import type { TrainingPrecision } from './options.js';
import { openPlace, type Place, titleOf } from './places.js';

const PEERS: Readonly<Record<string, PeerMode>> = {
  'PyTorch eager on cuda': 'eager',
  'PyTorch compile on cuda': 'compile',
};
const OURS = 'ganx ';
const REFERENCE = 'PyTorch eager on cuda';
const COLUMNS = ['engine', 'ms/step', 'least', `times ${REFERENCE}`, 'images/s', 'host', 'first lossD'];

/** A table, and the first lossD of ganx's engines by their titles. */
export interface Speed {
  readonly report: Report;
  readonly firstLosses: Readonly<Record<string, number>>;
}

/** Trains a subject of the training benchmark at every place and in PyTorch, and gives the table. */
export async function measureSpeed(
  subjectName: string,
  places: readonly Place[],
  precision: TrainingPrecision,
  repetitions: number,
  tell: (what: string) => void,
): Promise<Speed> {
  const subject = TRAIN_SUBJECTS[subjectName]!;
  const workload = await prepareWorkload(subject);
  try {
    const ours = places.map((place) => [
      `${OURS}${titleOf(place)}`,
      (given: typeof workload) => enterEngine((made) => openPlace(place, made), given),
    ]);
    const peers = Object.entries(PEERS).map(([name, mode]) => [
      name,
      (given: typeof workload) => enterPeer(mode, given, 'cuda'),
    ]);
    const openers = Object.fromEntries([...ours, ...peers]) as Openers;
    const { entries, absences, notes } = await compete(workload, openers, repetitions, (what) =>
      tell(`${subjectName}, ${precision}: ${what}`),
    );
    const reference = entries.find(({ name }) => name === REFERENCE);
    const results = entries.map(({ name, contender, turns }) => {
      const turnsMs = turns.map(({ wallMs }) => wallMs);
      const ratios = turnsMs.flatMap((ms, round) =>
        reference?.turns[round] ? [ms / reference.turns[round].wallMs] : [],
      );
      const hosts = turns.flatMap(({ hostMs, wallMs }) => (hostMs === undefined ? [] : [hostMs / wallMs]));
      return {
        name,
        description: contender.description,
        msPerStep: median(turnsMs),
        turnsMs,
        ratio: ratios.length > 0 ? median(ratios) : undefined,
        hostShare: hosts.length > 0 ? median(hosts) : undefined,
        firstLossD: contender.firstLossD,
      };
    });
    const rows = results.map(({ name, msPerStep, turnsMs, ratio, hostShare, firstLossD }) => [
      name,
      formatNumber(msPerStep),
      formatNumber(Math.min(...turnsMs)),
      ratio === undefined ? '-' : formatNumber(ratio),
      formatNumber((subject.batch / msPerStep) * 1000),
      hostShare === undefined ? '-' : `${(hostShare * 100).toFixed(1)} %`,
      firstLossD.toFixed(4),
    ]);
    const absent = absences.map(({ name, kind }) => [name, kind, ...COLUMNS.slice(2).map(() => '-')]);
    const report = {
      title: `Training speed, ${precision}: ${subject.title}`,
      head: COLUMNS,
      rows: [...rows, ...absent],
      notes: [
        ...results.map(({ name, description }) => `${name}: ${description}`),
        ...absences.map(({ name, kind, reason }) => `${name}: ${kind}. ${reason}`),
        ...notes,
      ],
      numbers: { subject: subjectName, precision, results, absences },
    };
    const firstLosses = results.flatMap(({ name, firstLossD }) =>
      name.startsWith(OURS) ? [[name.slice(OURS.length), firstLossD]] : [],
    );
    return { report, firstLosses: Object.fromEntries(firstLosses) };
  } finally {
    await workload.close();
  }
}
