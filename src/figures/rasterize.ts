/** SVG to PNG, through sharp (librsvg); text takes the fonts of the system. https://sharp.pixelplumbing.com */
import sharp from 'sharp';

/** Pixels for a unit of the drawing: sharp on dense screens and in print. */
const SCALE = 2;

/** @returns PNG bytes, twice the drawing's size */
export async function rasterize(svg: string): Promise<Uint8Array> {
  // 72 dots an inch is one pixel for a unit.
  return await sharp(Buffer.from(svg), { density: 72 * SCALE })
    .png({ compressionLevel: 9 })
    .toBuffer();
}
