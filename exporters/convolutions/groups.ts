/**
 * A batch worked through group by group, so that what is large and needed only for a moment stays in the processor's
 * cache. https://onnx.ai/onnx/operators/onnx__Scan.html
 */
import type { Builder } from '../builder.js';

/** More elements than this leave the processor's cache before they are read again. */
const MOST_ELEMENTS = 2 ** 20;

/** Into how many groups of equal size a batch is cut so that a group's elements stay in the cache. */
export function countGroups(batch: number, elementsPerExample: number): number {
  if (batch * elementsPerExample <= 2 * MOST_ELEMENTS) return 1;
  const divisors = Array.from({ length: batch }, (_, i) => i + 1).filter((count) => batch % count === 0);
  return divisors.find((groups) => (batch / groups) * elementsPerExample <= MOST_ELEMENTS) ?? batch;
}

/** Runs `write` on one group of examples after the other, as the body of a Scan; [B, …] -> [groups, B / groups, …]. */
export function writeInGroups(
  builder: Builder,
  x: string,
  groups: number,
  write: (inner: Builder, part: string) => string,
): string {
  if (groups === 1) return write(builder, x);
  const [batch, ...rest] = builder.graph.typeOf(x).shape as [number, ...number[]];
  const part = [batch / groups, ...rest];
  const grouped = builder.reshape(x, [groups, ...part]);
  const body = builder.graph.openBody(builder.scopedName('group'));
  const input = body.addInput(`${body.name}/examples`, { shape: part, dtype: 'float32' });
  const output = write(builder.inBody(body), input);
  body.outputs.push(output);
  const shape = [groups, ...(body.typeOf(output).shape as readonly number[])];
  return builder.node('Scan', [grouped], shape, 'float32', { body: { graph: body }, num_scan_inputs: 1 });
}
