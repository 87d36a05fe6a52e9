/**
 * How people write the ten digits: each way is a list of strokes, each stroke a list of points that the pen passes
 * through smoothly. A corner is the end of a stroke and the start of the next, and points that are equal are one.
 */

/** Points of one stroke: x0, y0, x1, y1, …; y runs down, a digit is about 1 high and 0.7 wide. */
export type Stroke = readonly number[];

/** One way to write a digit, and how often it is met among the ways of that digit. */
export interface Glyph {
  readonly weight: number;
  readonly strokes: readonly Stroke[];
}

/** A glyph from strokes in hundredths: `x,y x,y …`. */
function writeGlyph(weight: number, ...strokes: string[]): Glyph {
  return {
    weight,
    strokes: strokes.map((points) => points.split(/[ ,]/).map((value) => Number(value) / 100)),
  };
}

/** The ways of writing each digit, 0 to 9. */
export const GLYPHS: readonly (readonly Glyph[])[] = [
  [
    // 0
    writeGlyph(6, '46,2 22,12 6,40 7,72 24,95 47,97 66,78 72,46 62,14 42,3'),
    writeGlyph(3, '60,10 40,3 16,20 5,55 13,88 36,97 62,78 72,42 62,12 46,6 40,14'),
    writeGlyph(2, '30,6 10,22 3,52 12,84 40,97 70,84 83,50 72,17 45,3 20,10'),
  ],
  [
    // 1
    writeGlyph(8, '32,2 31,34 29,66 28,98'),
    writeGlyph(2, '42,2 37,32 32,66 30,98'),
    writeGlyph(2, '14,24 24,15 34,2', '34,2 34,35 33,68 33,98'),
    writeGlyph(0.6, '16,22 26,14 36,2', '36,2 36,35 35,68 35,96', '12,97 34,96 60,96'),
  ],
  [
    // 2
    writeGlyph(4, '8,24 18,8 40,2 58,12 60,34 46,58 26,78 6,95', '6,95 28,94 50,95 76,93'),
    writeGlyph(4, '10,20 24,5 46,5 58,22 52,46 36,70 16,88 3,87 6,74 20,74 36,88 54,97 80,90'),
    writeGlyph(2, '6,16 26,4 50,6 62,20 56,42 38,68 18,90 10,94 30,90 50,92 78,97'),
  ],
  [
    // 3
    writeGlyph(5, '8,14 26,3 50,6 58,22 46,39 24,46', '24,46 50,50 64,68 56,88 32,97 5,90'),
    writeGlyph(3, '6,10 30,2 54,10 54,28 36,43 23,47 30,50 52,54 62,70 52,90 28,98 4,92'),
    writeGlyph(1, '8,5 30,5 58,3', '58,3 44,22 28,42', '28,42 54,46 66,66 56,88 30,97 5,88'),
  ],
  [
    // 4
    writeGlyph(6, '12,5 9,26 8,48 22,56 42,53 64,47', '64,4 62,36 60,68 58,98'),
    writeGlyph(3, '20,6 14,28 6,54', '6,54 30,55 50,54 74,52', '56,10 54,40 52,70 50,98'),
    writeGlyph(2, '48,2 32,24 16,46 4,62', '4,62 26,62 46,62 74,60', '48,2 48,34 47,66 46,98'),
  ],
  [
    // 5
    writeGlyph(4, '18,6 15,22 12,42', '12,42 30,38 52,46 62,66 52,88 28,97 4,90', '18,6 38,6 68,4'),
    writeGlyph(3, '72,4 48,5 24,8', '24,8 18,24 14,40', '14,40 34,42 50,56 54,76 40,93 20,96 5,86'),
    writeGlyph(2, '70,3 46,5 26,14 16,32 28,46 46,58 52,76 40,92 22,97 4,93'),
  ],
  [
    // 6
    writeGlyph(5, '50,3 30,20 14,45 7,72 17,93 40,96 58,82 58,64 42,55 22,64 11,80'),
    writeGlyph(3, '40,2 20,26 8,55 10,82 28,97 52,92 64,74 54,58 36,58 20,72 18,84'),
    writeGlyph(2, '24,2 14,28 8,58 12,84 30,97 50,90 58,72 46,60 28,66 13,80'),
  ],
  [
    // 7
    writeGlyph(5, '5,10 28,7 46,7 66,5', '66,5 56,32 44,64 32,98'),
    writeGlyph(3, '5,20 10,10 34,7 56,6 66,13 58,36 48,66 42,98'),
    writeGlyph(2, '6,10 28,8 48,7 68,5', '68,5 54,34 42,66 34,98', '24,52 42,50 70,47'),
  ],
  [
    // 8
    writeGlyph(6, '58,12 40,3 18,10 12,26 28,42 48,58 58,76 48,93 27,97 10,86 14,68 32,50 52,33 60,14'),
    writeGlyph(3, '34,46 16,34 14,14 34,3 54,12 54,32 35,46 14,62 8,82 26,97 50,94 60,76 52,58 34,46'),
    writeGlyph(2, '66,4 44,4 22,14 18,30 34,44 46,60 46,82 30,97 12,90 12,70 30,48 50,26 66,6'),
  ],
  [
    // 9
    writeGlyph(4, '58,16 40,3 18,10 8,28 16,44 36,45 54,32 59,14', '59,14 57,40 54,70 50,98'),
    writeGlyph(3, '60,12 42,3 20,10 10,28 20,44 38,42 54,26 60,12 58,36 50,68 38,98'),
    writeGlyph(2, '58,22 48,5 26,5 10,22 14,42 34,46 54,34 60,20 60,46 54,76 36,95 12,92'),
  ],
];
