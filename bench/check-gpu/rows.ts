/** One thing that was checked, and how many of them become a table. It knows no device. */
import type { Report } from '../report.js';

export type Status = 'PASS' | 'FAIL' | 'SKIP' | 'TOLD';

/** One line of the check's tables. */
export interface Row {
  /** `TOLD` is a figure without a bound. */
  readonly status: Status;
  readonly what: string;
  /** What was measured; empty where nothing was. */
  readonly measured: string;
  readonly allowed: string;
  /** Why it is not a PASS, or what there is to say. */
  readonly remark: string;
}

/** A line for something that could not be done. */
export function emptyRow(status: Status, what: string, remark: string): Row {
  return { status, what, measured: '-', allowed: '-', remark };
}

/** An error's message as a remark: of a device that lacks a feature, the feature alone. */
export function remarkOf(message: string): string {
  const feature = /Expected a device with (.+?), got `/.exec(message)?.[1];
  return feature === undefined ? message : `It has no ${feature}.`;
}

/** A table of lines. */
export function reportRows(title: string, rows: readonly Row[], notes: readonly string[] = []): Report {
  return {
    title,
    head: ['', 'what', 'measured', 'allowed', 'remark'],
    rows: rows.map(({ status, what, measured, allowed, remark }) => [
      status,
      what,
      measured,
      allowed,
      remark,
    ]),
    notes,
    numbers: rows,
  };
}
