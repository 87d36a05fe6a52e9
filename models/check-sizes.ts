/** What every model asks of the sizes that a user may set. */
import { expected } from '../src/core/errors.js';
import type { BuildOptions } from './types.js';

/** Refuses a latent size or a width that is no whole number above 0. @throws GanError `BAD_ARGUMENT` */
export function checkSizes(model: string, { latentSize = 1, width = 1 }: BuildOptions): void {
  for (const [what, value] of Object.entries({ 'latent size': latentSize, width })) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw expected(model, `a whole ${what} of at least 1`, value);
  }
}
