/**
 * What a rule is, and what it finds. Types only, and the addresses under which others write about such faults.
 */
import type { TypedModel } from '../bisect/cut.js';

/** `error`: it computes wrongly or does not run somewhere. `warning`: it is slower, or less free than it could be. */
export type Severity = 'error' | 'warning';

/** One thing that is wrong with a file. */
export interface Finding {
  /** Name of the rule, such as `auto-pad`. */
  readonly rule: string;
  readonly severity: Severity;
  /** The node, tensor or file that it is about. */
  readonly where: string;
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
  /** A thread or page upstream about it. */
  readonly thread: string;
}

/** What a rule says of one place; the rest of a finding is the rule's own. */
export interface Complaint {
  readonly where: string;
  readonly message: string;
  /** Instead of the rule's. */
  readonly severity?: Severity;
  readonly thread?: string;
}

/** One habit of files that run right everywhere. */
export interface Rule {
  readonly name: string;
  readonly severity: Severity;
  readonly remedy: string;
  readonly thread: string;
  check(subject: TypedModel): Iterable<Complaint>;
}

/** A thread of ONNX Runtime. */
export function onnxruntimeThread(number: number): string {
  return `https://github.com/microsoft/onnxruntime/issues/${number}`;
}

/** The page of one of ONNX's operators. */
export function operatorPage(operator: string): string {
  return `https://onnx.ai/onnx/operators/onnx__${operator}.html`;
}

/** ONNX's description of what a model is. */
export const SPECIFICATION = 'https://onnx.ai/onnx/repo-docs/IR.html';
