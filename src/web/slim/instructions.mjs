/**
 * Where the instructions of a function begin and end, and how its blocks nest. It computes nothing.
 * https://webassembly.github.io/spec/core/binary/instructions.html
 */
import { Reader } from './module.mjs';

export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  brIf: 0x0d,
};

/** The locals of a body come before its instructions. */
export function skipLocals(body) {
  const reader = new Reader(body);
  for (let groups = reader.whole(); groups > 0; groups--) {
    reader.whole();
    reader.byte();
  }
  return reader.at;
}

function skipMemoryArgument(reader) {
  // Bit 6 says that the index of a memory follows.
  if (reader.whole() & 64) reader.whole();
  reader.whole();
}

/** How many whole numbers follow each instruction of the group 0xfc. */
const BULK_ARGUMENTS = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1];

function skipVector(reader) {
  const code = reader.whole();
  if (code <= 11 || code === 92 || code === 93) skipMemoryArgument(reader);
  else if (code === 12 || code === 13) reader.at += 16;
  else if (code >= 21 && code <= 34) reader.at += 1;
  else if (code >= 84 && code <= 91) {
    skipMemoryArgument(reader);
    reader.at += 1;
  }
}

/** Goes behind the instruction that begins at the reader's place, and says which one it is. */
export function skipInstruction(reader) {
  const code = reader.byte();
  if (code >= 0x45 && code <= 0xc4) return code;
  if (code >= 0x28 && code <= 0x3e) skipMemoryArgument(reader);
  else if (code >= 0x20 && code <= 0x26) reader.whole();
  else {
    switch (code) {
      case 0x00: // unreachable
      case 0x01: // nop
      case 0x05: // else
      case 0x0b: // end
      case 0x0f: // return
      case 0x1a: // drop
      case 0x1b: // select
      case 0xd1: // ref.is_null
        break;
      case 0x02: // block
      case 0x03: // loop
      case 0x04: // if
      case 0x41: // i32.const
      case 0x42: // i64.const
      case 0x0c: // br
      case 0x0d: // br_if
      case 0x10: // call
      case 0x3f: // memory.size
      case 0x40: // memory.grow
      case 0xd0: // ref.null
      case 0xd2: // ref.func
        reader.whole();
        break;
      case 0x11: // call_indirect
        reader.whole();
        reader.whole();
        break;
      case 0x0e: // br_table
        for (let left = reader.whole(); left >= 0; left--) reader.whole();
        break;
      case 0x1c: // select with types
        reader.take(reader.whole());
        break;
      case 0x43: // f32.const
        reader.at += 4;
        break;
      case 0x44: // f64.const
        reader.at += 8;
        break;
      case 0xfc:
        for (let left = BULK_ARGUMENTS[reader.whole()]; left > 0; left--) reader.whole();
        break;
      case 0xfd:
        skipVector(reader);
        break;
      case 0xfe:
        if (reader.whole() === 3) reader.at += 1;
        else skipMemoryArgument(reader);
        break;
      default:
        throw new Error(
          `The instruction 0x${code.toString(16)} at ${reader.at - 1} is none that slimming knows.`,
        );
    }
  }
  return code;
}

/**
 * Tells of every place in a body that is reached only at times: the beginning of either arm of an `if`, what follows
 * a branch that may be taken, and what follows a block. Control passes from such a place to the next one of the same
 * block or nowhere, since nothing can jump into a block.
 *
 * @param visit told where the place is and how deep it lies; the body's own instructions are at depth 0
 */
export function visitPlaces(body, visit) {
  const reader = new Reader(body, skipLocals(body));
  let depth = 0;
  while (depth >= 0) {
    const code = skipInstruction(reader);
    if (code === OP.block || code === OP.loop || code === OP.if) depth++;
    if (code === OP.end) depth--;
    const isPlace = code === OP.if || code === OP.else || code === OP.brIf || code === OP.end;
    if (isPlace && depth >= 0) visit(reader.at, depth);
  }
  if (reader.at !== body.length) throw new Error('A function does not end where it should.');
}
