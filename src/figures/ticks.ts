/** Round numbers for axes, and numbers as short text. It knows no chart. */

/**
 * Ticks at 1, 2 or 5 times a power of ten that enclose the values.
 *
 * @param wanted about how many
 * @returns at least two, rising; the first at most `low`, the last at least `high`
 */
export function chooseTicks(low: number, high: number, wanted: number): number[] {
  const span = high > low ? high - low : Math.abs(high) || 1;
  const power = 10 ** Math.floor(Math.log10(span / wanted));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((one) => span / one <= wanted) ?? power * 10;
  // A value that is a tick but for the last bits of a float shall not take another one.
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** `0.2`, `225`, `−1.4`; with `digits` significant ones at most. */
export function formatNumber(value: number, digits = 6): string {
  return String(Number(value.toPrecision(digits))).replace('-', '\u2212');
}

/** `50k`, `1.5M`. */
export function formatShort(value: number): string {
  if (value >= 1e6) return `${formatNumber(value / 1e6, 3)}M`;
  return value >= 1e3 ? `${formatNumber(value / 1e3, 3)}k` : formatNumber(value);
}

/** A value that was measured, to three digits or three behind the point: `0.174`, `4.00`, `−1235`. */
export function formatValue(value: number): string {
  const size = Math.abs(value);
  const decimals = size < 1 ? 3 : size < 10 ? 2 : size < 100 ? 1 : 0;
  return value.toFixed(decimals).replace('-', '\u2212');
}
