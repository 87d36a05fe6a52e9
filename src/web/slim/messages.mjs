/**
 * Which functions hold messages for people. ONNX Runtime checks and complains everywhere: a large function with
 * messages is mostly made of what runs when something is wrong. It does not know what runs.
 */
import { skipInstruction, skipLocals } from './instructions.mjs';
import { Reader } from './module.mjs';

const I32_CONST = 0x41;
/** Shorter texts are names. */
const LEAST_LETTERS = 12;

function isText(memory, address) {
  // A text begins behind the end of another.
  if (address < 1 || memory[address - 1] !== 0) return false;
  for (let at = address; at < address + LEAST_LETTERS; at++) {
    if (!(memory[at] >= 32 && memory[at] < 127)) return false;
  }
  return true;
}

/**
 * Whether a function's body points at a text.
 *
 * @param memory of the module once it has started
 */
export function holdsMessage(body, memory) {
  const reader = new Reader(body, skipLocals(body));
  while (reader.at < body.length) {
    const number = new Reader(body, reader.at + 1);
    const code = skipInstruction(reader);
    if (code === I32_CONST && isText(memory, number.signed())) return true;
  }
  return false;
}
