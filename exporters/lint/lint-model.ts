/**
 * Checks any ONNX file for what is known to compute wrongly, to be refused or to be slow somewhere: every rule on the
 * decoded file. The rules are in the folder beside; nothing is run.
 */
import { inferElementTypes } from '../proto/element-types.js';
import { readModel } from '../proto/read-model.js';
import { type Finding, onnxruntimeThread, type Rule } from './rule.js';
import { GRAPH_RULES } from './rules/graph.js';
import { NUMBER_RULES } from './rules/numbers.js';
import { OPERATOR_RULES } from './rules/operators.js';

/** The largest message that protobuf can hold. */
const LARGEST_BYTES = 2 ** 31 - 1;

const RULES: readonly Rule[] = [...NUMBER_RULES, ...GRAPH_RULES, ...OPERATOR_RULES];

/** Names of all rules. */
export const RULE_NAMES: readonly string[] = ['file-size', ...RULES.map(({ name }) => name)];

/**
 * What is wrong with a file of this size, which may be more than can be read at once.
 *
 * @param where the file, named in messages
 */
export function lintSize(sizeBytes: number, where: string): Finding[] {
  if (sizeBytes <= LARGEST_BYTES) return [];
  const message = `The file has ${sizeBytes} bytes; protobuf, and so most runtimes, end at 2 GiB.`;
  const remedy = 'Make the network narrower, or store it in float16.';
  return [{ rule: 'file-size', severity: 'error', where, message, remedy, thread: onnxruntimeThread(13543) }];
}

/**
 * Lints a file.
 *
 * @param where the file, named in messages
 * @returns what is wrong, errors first
 * @throws GanError `BAD_MODEL_FILE` for bytes that are no ONNX model
 */
export function lintModel(bytes: Uint8Array, where: string): Finding[] {
  const tooLarge = lintSize(bytes.length, where);
  if (tooLarge.length > 0) return tooLarge;
  const model = readModel(bytes, where);
  const subject = { model, types: inferElementTypes(model) };
  const findings = RULES.flatMap(({ name, severity, remedy, thread, check }) =>
    [...check(subject)].map((complaint) => ({ rule: name, severity, remedy, thread, ...complaint })),
  );
  return findings.sort((a, b) => a.severity.localeCompare(b.severity));
}
