/** Errors of a setup as sentences for people, with what to do about them. It throws none. */
import { messageOf } from '../core/errors.js';

/** System errors whose own words do not say what to do. */
const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: 'Free some space, or name a folder on another disk in GANX_CACHE.',
  EDQUOT: 'Your disk quota is used up: name a folder on another disk in GANX_CACHE.',
  EACCES: 'Make that place writable for you, or name another one for the cache in GANX_CACHE.',
  EROFS: 'That file system is read-only: name another place for the cache in GANX_CACHE.',
};

/** An error as one sentence, without the place where it was found, and without advice to do what is being done. */
export function explain(error: unknown): string {
  const text = messageOf(error)
    .replace(/^\[[^\]]*\] /, '')
    .replace(/ Run `ganx setup tensorflow.*$/, '');
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const remedy = REMEDIES[code];
  return remedy ? `${text}. ${remedy}` : text;
}
