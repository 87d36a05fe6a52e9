/**
 * The protobuf wire format, as little of it as reading a file's outline takes: fields are stepped over, not copied,
 * so a model of a gigabyte is walked in no time. It does not know any message type.
 * https://protobuf.dev/programming-guides/encoding/
 */

/** One field of a message. */
export interface WireField {
  readonly number: number;
  /** 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes. */
  readonly type: number;
  /** The varint's value; 0 for other types. Exact up to 2^53, which is more than lengths and versions need. */
  readonly value: number;
  /** The payload as a view into the message; empty for a varint. */
  readonly payload: Uint8Array;
}

/** Bytes that are not a protobuf message; `cut` when they only end too early. */
export class WireError extends Error {
  readonly cut: boolean;

  constructor(message: string, cut: boolean) {
    super(message);
    this.name = 'WireError';
    this.cut = cut;
  }
}

const text = new TextDecoder();

/** The UTF-8 text of a field. */
export function readText(field: WireField): string {
  return text.decode(field.payload);
}

/**
 * The fields of a message in file order.
 *
 * @throws WireError where a field cannot be read
 */
export function* readFields(message: Uint8Array): Generator<WireField> {
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let i = 0, unit = 1; i < 10; i++, unit *= 128) {
      if (at >= message.length) throw new WireError(`a number runs over the end at byte ${at}`, true);
      const byte = message[at++]!;
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
    throw new WireError(`a number of more than 10 bytes before byte ${at}`, false);
  };
  while (at < message.length) {
    const start = at;
    const tag = readVarint();
    const number = Math.floor(tag / 8);
    const type = tag % 8;
    if (number < 1 || number >= 2 ** 29 || ![0, 1, 2, 5].includes(type)) {
      throw new WireError(`no field begins so, at byte ${start}`, false);
    }
    const value = type === 0 ? readVarint() : 0;
    const length = type === 0 ? 0 : type === 2 ? readVarint() : type === 1 ? 8 : 4;
    if (length > message.length - at) {
      const reason = `field ${number} at byte ${start} has ${length} bytes, ${message.length - at} are left`;
      throw new WireError(reason, true);
    }
    yield { number, type, value, payload: message.subarray(at, at + length) };
    at += length;
  }
}
