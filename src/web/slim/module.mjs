/**
 * A WebAssembly module as a list of sections that can be taken apart and put together again: only what slimming
 * needs. It does not know what a module computes, and reads no instructions.
 * https://webassembly.github.io/spec/core/binary/modules.html
 */

/** Ids of sections. */
export const SECTION = { import: 2, global: 6, export: 7, start: 8, code: 10, data: 11, dataCount: 12 };

const HEADER = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const textDecoder = new TextDecoder();
const textEncoder = new TextEncoder();

/** A place in bytes, and reading from there on. */
export class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte() {
    return this.bytes[this.at++];
  }

  /** An unsigned whole number (LEB128). */
  whole() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes[this.at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  /** A signed whole number of 32 bits (LEB128). */
  signed() {
    let value = 0;
    for (let shift = 0; ; ) {
      const byte = this.bytes[this.at++];
      value |= (byte & 127) << shift;
      shift += 7;
      if (byte < 128) return shift < 32 && byte & 64 ? value | (-1 << shift) : value;
    }
  }

  take(length) {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  name() {
    return textDecoder.decode(this.take(this.whole()));
  }
}

/** An unsigned whole number as LEB128. */
export function whole(value) {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 128);
  }
}

/** A signed whole number of 32 bits as LEB128. */
export function signed(value) {
  const bytes = [];
  for (let rest = value | 0; ; rest >>= 7) {
    if (rest >= -64 && rest < 64) return [...bytes, rest & 127];
    bytes.push((rest & 127) | 128);
  }
}

/** Puts parts (byte arrays, or lists of bytes) behind each other. */
export function concat(parts) {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The sections of a module, in their order: `{ id, content }`. */
export function readSections(module) {
  const reader = new Reader(module, HEADER.length);
  const sections = [];
  while (reader.at < module.length) {
    const id = reader.byte();
    sections.push({ id, content: reader.take(reader.whole()) });
  }
  return sections;
}

/** A module of sections. */
export function writeModule(sections) {
  return concat([
    HEADER,
    ...sections.flatMap(({ id, content }) => [[id, ...whole(content.length)], content]),
  ]);
}

/** The module with the contents of some sections exchanged, by their ids. */
export function replaceSections(module, contents) {
  return writeModule(
    readSections(module).map(({ id, content }) => ({ id, content: contents[id] ?? content })),
  );
}

function contentOf(module, id) {
  return readSections(module).find((section) => section.id === id).content;
}

/** The bodies of all functions that the module defines. */
export function readBodies(module) {
  const reader = new Reader(contentOf(module, SECTION.code));
  return Array.from({ length: reader.whole() }, () => reader.take(reader.whole()));
}

/** The code section of these bodies. */
export function writeBodies(bodies) {
  return concat([whole(bodies.length), ...bodies.flatMap((body) => [whole(body.length), body])]);
}

/** How many functions are imported; they come before those that the module defines. Of memories, one. */
export function countImportedFunctions(module) {
  const reader = new Reader(contentOf(module, SECTION.import));
  let functions = 0;
  for (let left = reader.whole(); left > 0; left--) {
    reader.name();
    reader.name();
    const kind = reader.byte();
    if (kind === 0) {
      reader.whole();
      functions++;
    } else if (kind === 2) {
      if (reader.byte() & 1) reader.whole();
      reader.whole();
    } else throw new Error(`An import of kind ${kind} is nothing that slimming knows.`);
  }
  return functions;
}

/** How many globals the module defines. */
export function countGlobals(module) {
  return new Reader(contentOf(module, SECTION.global)).whole();
}

/** Index of each exported function by its name. */
export function readExports(module) {
  const reader = new Reader(contentOf(module, SECTION.export));
  const exported = {};
  for (let left = reader.whole(); left > 0; left--) {
    const name = reader.name();
    const kind = reader.byte();
    const index = reader.whole();
    if (kind === 0) exported[name] = index;
  }
  return exported;
}

/** The module with every global exported, as `global0` and so on. */
export function exportGlobals(module) {
  const old = contentOf(module, SECTION.export);
  const reader = new Reader(old);
  const count = reader.whole();
  const globals = countGlobals(module);
  const added = Array.from({ length: globals }, (_, i) => {
    const name = textEncoder.encode(`global${i}`);
    return [...whole(name.length), ...name, 3, ...whole(i)];
  });
  const content = concat([whole(count + globals), old.subarray(reader.at), ...added]);
  return replaceSections(module, { [SECTION.export]: content });
}

/** Index of the function that runs when the module is instantiated. */
export function readStart(module) {
  return new Reader(contentOf(module, SECTION.start)).whole();
}

/** The bytes of all data segments, all of which must be passive: copied by instructions, not by instantiating. */
export function readSegments(module) {
  const reader = new Reader(contentOf(module, SECTION.data));
  return Array.from({ length: reader.whole() }, () => {
    if (reader.byte() !== 1) throw new Error('Expected only passive data segments.');
    return reader.take(reader.whole());
  });
}

/** The sections for these passive data segments. */
export function writeSegments(segments) {
  return {
    [SECTION.data]: concat([
      whole(segments.length),
      ...segments.flatMap((bytes) => [[1, ...whole(bytes.length)], bytes]),
    ]),
    [SECTION.dataCount]: Uint8Array.from(whole(segments.length)),
  };
}
