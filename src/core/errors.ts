/**
 * The one error that ganx throws on purpose.
 * Grammar of a message: `[where] Expected <what>, got \`<value>\`. <what to do, or the known ones>.`
 */

/** What kind of thing went wrong; stable, so that a program can act on it. */
export type GanErrorCode =
  | 'BAD_ARGUMENT'
  | 'BAD_DATA'
  | 'BAD_CHECKPOINT'
  | 'BAD_MODEL_FILE'
  | 'UNSUPPORTED_OP'
  | 'BAKED_RANDOMNESS'
  | 'PARITY'
  | 'RUNTIME_UNAVAILABLE'
  | 'DIVERGED'
  | 'IO';

/** An error with a stable `code`, the place `where` it was found, and a message that says what to do. */
export class GanError extends Error {
  readonly code: GanErrorCode;
  readonly where: string;

  constructor(code: GanErrorCode, where: string, message: string, options?: { cause?: unknown }) {
    super(`[${where}] ${message}`, options);
    this.name = 'GanError';
    this.code = code;
    this.where = where;
  }

  /** The message without the place, for whoever states that himself. */
  get reason(): string {
    return this.message.slice(`[${this.where}] `.length);
  }
}

/** The `Expected <what>, got <value>. <remedy>` error for an argument that is not usable. */
export function expected(where: string, what: string, got: unknown, remedy = ''): GanError {
  const value =
    typeof got === 'string' || typeof got === 'number' ? String(got) : (JSON.stringify(got) ?? String(got));
  return new GanError(
    'BAD_ARGUMENT',
    where,
    `Expected ${what}, got \`${value}\`.${remedy ? ` ${remedy}` : ''}`,
  );
}

/** The message of whatever was thrown, on one line. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
