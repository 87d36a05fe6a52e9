/**
 * The Mersenne Twister as NumPy's RandomState has it, so that a test can draw the very numbers that a published check
 * value rests on. M. Matsumoto, T. Nishimura, ACM TOMACS 8 (1998).
 */

const SIZE = 624;
const MIDDLE = 397;

/** `numpy.random.RandomState(seed).rand(count)`. */
export function randomState(seed: number, count: number): Float64Array {
  const state = new Uint32Array(SIZE);
  state[0] = seed;
  for (let i = 1; i < SIZE; i++) {
    const last = state[i - 1]! ^ (state[i - 1]! >>> 30);
    state[i] = Math.imul(1812433253, last) + i;
  }
  let at = SIZE;
  const refill = (): void => {
    for (let i = 0; i < SIZE; i++) {
      const joined = (state[i]! & 0x80000000) | (state[(i + 1) % SIZE]! & 0x7fffffff);
      state[i] = state[(i + MIDDLE) % SIZE]! ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
    }
    at = 0;
  };
  const next = (): number => {
    if (at === SIZE) refill();
    let word = state[at++]!;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  };
  return Float64Array.from(
    { length: count },
    () => ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992,
  );
}
