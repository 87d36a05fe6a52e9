/**
 * Finds out what of a module runs, and takes the rest out: whole functions, and within functions whatever follows a
 * place that was never reached. What is taken out becomes `unreachable`, which stops the program: nothing that is
 * left computes anything else than before. Indices of functions, tables, data and exports stay as they are.
 */
import { OP, skipInstruction, skipLocals, visitPlaces } from './instructions.mjs';
import { concat, Reader, readBodies, replaceSections, SECTION, whole, writeBodies } from './module.mjs';

/** A body that stops the program. */
const NOTHING = Uint8Array.of(0, OP.unreachable, OP.end);

/** Instructions that write 1 to one byte of memory. */
function markAt(address) {
  return [0x41, 0, 0x41, 1, 0x3a, 0, ...whole(address)];
}

/** How many places the body of each function has; see {@link visitPlaces}. */
export function countPlaces(bodies) {
  return bodies.map((body) => {
    let places = 0;
    visitPlaces(body, () => places++);
    return places;
  });
}

/**
 * The module with a mark for each function that is called, and for each place of some functions that is reached.
 *
 * @param address  where in the module's memory the marks go, a byte each: functions first, then places
 * @param isTraced for each function whether its places are marked
 */
export function markUse(module, address, isTraced) {
  const bodies = readBodies(module);
  let next = address + bodies.length;
  const marked = bodies.map((body, i) => {
    const begin = skipLocals(body);
    const parts = [body.subarray(0, begin), markAt(address + i)];
    let from = begin;
    if (isTraced[i]) {
      visitPlaces(body, (at) => {
        parts.push(body.subarray(from, at), markAt(next++));
        from = at;
      });
    }
    parts.push(body.subarray(from));
    return concat(parts);
  });
  return replaceSections(module, { [SECTION.code]: writeBodies(marked) });
}

/** A body without what follows places that are not reached; `isReached` is asked for each, in their order. */
function trimBody(body, isReached) {
  const doomed = new Set();
  visitPlaces(body, (at) => {
    if (!isReached()) doomed.add(at);
  });
  const begin = skipLocals(body);
  const reader = new Reader(body, begin);
  const parts = [];
  let from = 0;
  let depth = 0;
  /** Depth of the block of which the rest is being left out. */
  let dead;
  while (reader.at < body.length) {
    const start = reader.at;
    const code = skipInstruction(reader);
    if (depth === dead && (code === OP.else || code === OP.end)) {
      dead = undefined;
      from = start;
    }
    if (code === OP.block || code === OP.loop || code === OP.if) depth++;
    if (code === OP.end) depth--;
    if (dead === undefined && doomed.has(reader.at)) {
      parts.push(body.subarray(from, reader.at), [OP.unreachable]);
      dead = depth;
    }
  }
  parts.push(body.subarray(from));
  return concat(parts);
}

/**
 * The module without what is not used.
 *
 * @param use `functions`: for each whether it is called; `isTraced`: for each whether its places count, otherwise it is
 *            kept whole; `places`: of the traced ones, in their order, whether each is reached
 */
export function trimModule(module, { functions, isTraced, places }) {
  let next = 0;
  const bodies = readBodies(module).map((body, i) => {
    if (isTraced[i]) return trimBody(body, () => places[next++]);
    return functions[i] ? body : NOTHING;
  });
  return replaceSections(module, { [SECTION.code]: writeBodies(bodies) });
}
