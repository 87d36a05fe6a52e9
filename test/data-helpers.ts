/** Writes what the data tests read: small zips, honest and not, IDX files and pictures. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import sharp from 'sharp';
import { onTestFinished } from 'vitest';

/** A folder that goes away with the test. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ganx-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A picture of one colour in the given format. */
export function paint(
  width: number,
  height: number,
  colour: string,
  format: 'png' | 'jpeg' | 'webp' | 'gif' | 'tiff' | 'avif' = 'png',
): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: colour } })
    .toFormat(format, { quality: 100 })
    .toBuffer();
}

/** An entry of {@link writeZip}; what is not given is told truly. */
export interface ZipEntry {
  readonly name: string;
  readonly data: Buffer;
  readonly declaredBytes?: number;
  readonly checksum?: number;
  readonly isEncrypted?: boolean;
}

/** A zip of deflated entries (APPNOTE 4.3), lies included. */
export function writeZip(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { name, data, declaredBytes = data.length, checksum = crc32(data), isEncrypted } of entries) {
    const packed = deflateRawSync(data);
    const path = Buffer.from(name);
    // The fields that both headers share, from "version needed" on.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800 | (isEncrypted ? 1 : 0), 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(checksum, 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(declaredBytes, 18);
    common.writeUInt16LE(path.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, path, packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    centrals.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, tail, path]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

/** An IDX file of uint8 values. */
export function writeIdx(extents: readonly number[], values: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * extents.length);
  header.writeUInt16BE(0x0800 + extents.length, 2);
  for (const [i, extent] of extents.entries()) header.writeUInt32BE(extent, 4 + 4 * i);
  return Buffer.concat([header, values]);
}

/** Values 0, 1, 2, … modulo 256: no two rows are alike for odd lengths. */
export function countUp(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i % 256);
}
