/**
 * Looks at an image file's outer form: which format it is, and whether its end is there.
 * The decoder is lazy: rows outside the centre crop are never decoded, so it overlooks a file that is cut below them.
 * PNG: https://www.w3.org/TR/png-3/#5DataRep, JPEG: ITU-T T.81 annex B.
 */

type ImageFormat = 'PNG' | 'JPEG' | 'GIF' | 'WebP' | 'TIFF' | 'AVIF';

const KNOWN_FORMATS = 'JPEG, PNG, WebP, GIF, TIFF or AVIF';
const JPEG_END = Buffer.from([0xff, 0xd9]);
const JPEG_START_OF_SCAN = 0xda;

function recognizeFormat(bytes: Buffer): ImageFormat | undefined {
  const text = bytes.toString('latin1', 0, 12);
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'PNG';
  if (text.startsWith('\xff\xd8\xff')) return 'JPEG';
  if (/^GIF8[79]a/.test(text)) return 'GIF';
  if (text.startsWith('RIFF') && text.endsWith('WEBP')) return 'WebP';
  if (text.startsWith('II*\0') || text.startsWith('MM\0*')) return 'TIFF';
  if (/^ftyp(avif|avis|mif1)$/.test(text.slice(4))) return 'AVIF';
  return undefined;
}

/** Whether the chunks reach IEND. */
function isPngWhole(bytes: Buffer): boolean {
  let at = 8;
  while (at + 12 <= bytes.length) {
    const length = bytes.readUInt32BE(at);
    if (bytes.toString('latin1', at + 4, at + 8) === 'IEND') return true;
    at += 12 + length;
  }
  return false;
}

/** Whether an end-of-image marker follows the first scan; a thumbnail's own, inside a segment, does not count. */
function isJpegWhole(bytes: Buffer): boolean {
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1]!;
    // 0xff may be repeated as padding before a marker.
    if (marker === 0xff) at++;
    else if (marker === JPEG_START_OF_SCAN) return bytes.indexOf(JPEG_END, at + 2) !== -1;
    else at += 2 + bytes.readUInt16BE(at + 2);
  }
  return false;
}

/** Why these bytes cannot be a whole image of a known format, to follow the file's name; undefined if they can. */
export function findFault(bytes: Buffer): string | undefined {
  if (bytes.length === 0) return 'is empty';
  const format = recognizeFormat(bytes);
  if (!format) return `is no image (${KNOWN_FORMATS})`;
  const isWhole = format === 'PNG' ? isPngWhole(bytes) : format === 'JPEG' ? isJpegWhole(bytes) : true;
  return isWhole ? undefined : `is a ${format} file that is cut off`;
}
