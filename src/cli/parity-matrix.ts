/**
 * Subjects times candidates: opens one subject after the other, measures it everywhere, and has the faults of what
 * fails looked for while everything is still open. It prints nothing but progress.
 */
import { GanError, messageOf } from '../core/errors.js';
import {
  type Candidate,
  measureParity,
  nameOf,
  type ParityOptions,
  type ParityReport,
} from '../measure/index.js';
import { bisectFailures, type Fault } from './parity-bisect.js';
import type { Subject, SubjectPlan } from './parity-subjects.js';
import { openBar } from './print.js';

/** How much each subject is asked to do. */
export interface MatrixOptions extends Pick<ParityOptions, 'require' | 'tolerances'> {
  readonly latents: number;
  readonly batches: readonly number[];
  /** Whether to look for the first node that diverges where a candidate fails. */
  readonly bisect: boolean;
}

/** The report on a file that could not be made: one FAIL with the export's own reason. */
function reportRefusal({ model, imageShape, dtype }: SubjectPlan, error: GanError): ParityReport {
  return {
    reference: { runtime: 'tfjs-live', device: 'none', version: '' },
    model,
    imageShape,
    dtype,
    latents: 0,
    rows: [
      {
        runtime: 'export',
        device: dtype,
        status: 'FAIL',
        reason: messageOf(error),
        batches: [],
        latents: 0,
        tolerance: 0,
        unit: 'value',
        toleranceWhy: 'no file was written',
        durationMs: 0,
      },
    ],
    ok: false,
  };
}

/** Opens a subject; an export that does not agree with its own network is a result, not the end of the matrix. */
async function openSubject(plan: SubjectPlan): Promise<Subject | GanError> {
  try {
    return await plan.open();
  } catch (error) {
    if (error instanceof GanError && error.code === 'PARITY') return error;
    throw error;
  }
}

/** Measures every subject on every candidate. @throws GanError for options out of range or unknown names */
export async function measureMatrix(
  plans: readonly SubjectPlan[],
  candidates: readonly Candidate[],
  { bisect, ...options }: MatrixOptions,
): Promise<{ reports: ParityReport[]; faults: Fault[] }> {
  const each = candidates.length * options.latents * options.batches.length;
  const bar = openBar('Parity', 'images');
  const reports: ParityReport[] = [];
  const faults: Fault[] = [];
  try {
    for (const [i, plan] of plans.entries()) {
      const name = `${plan.model} ${plan.imageShape.join('×')}, ${plan.dtype}`;
      const update = (images: number, text: string): void =>
        bar.update(i * each + images, plans.length * each, `${name}: ${text}`);
      update(0, 'export');
      const subject = await openSubject(plan);
      if (subject instanceof GanError) {
        reports.push(reportRefusal(plan, subject));
        continue;
      }
      const { bytes, metadata, reference } = subject;
      try {
        const report = await measureParity(bytes, metadata, reference, candidates, {
          ...options,
          onProgress: (images, candidate) => update(images, nameOf(candidate)),
        });
        reports.push(report);
        if (bisect && !report.ok) {
          update(each, 'bisect');
          const most = Math.max(...options.batches);
          faults.push(...(await bisectFailures(subject, report, candidates, most)));
        }
      } finally {
        await reference.dispose();
      }
    }
    return { reports, faults };
  } finally {
    bar.stop();
  }
}
