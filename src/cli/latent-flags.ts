/** The flags that describe a generator which another tool exported, for every verb that draws from a file. */
import { expected } from '../core/errors.js';
import type { LatentDescription } from '../sample/index.js';
import { anyText, type FlagValues, knownName } from './flags.js';

export const latentFlags = {
  latent: {
    describe: 'latents of a file from another tool, as 1x512; the first is the batch',
    read: anyText,
  },
  range: { describe: 'its values of black and white', initially: '-1,1', read: anyText },
  layout: {
    describe: 'its axes: nchw or nhwc',
    initially: 'as its channels tell',
    read: knownName(['nhwc', 'nchw']),
  },
  distribution: {
    describe: 'its latents: normal, uniform (-1 to 1) or uniform:LOW,HIGH',
    initially: 'normal',
    read: anyText,
  },
  labels: { describe: 'names of its classes by commas', read: anyText },
};

/**
 * The description that the flags make; undefined without any of them.
 *
 * @throws GanError `BAD_ARGUMENT` for flags that describe latents without their extents
 */
export function readDescription(values: FlagValues<typeof latentFlags>): LatentDescription | undefined {
  const { latent, range, layout, distribution, labels } = values;
  const others = { range, layout, distribution, labels };
  if (latent === undefined) {
    const given = Object.entries(others).find(([, value]) => value !== undefined)?.[0];
    if (given === undefined) return undefined;
    throw expected(`--${given}`, '--latent with it', 'none', 'Give the extents, as --latent 1x512.');
  }
  return {
    latent,
    ...(range === undefined ? {} : { range }),
    ...(layout === undefined ? {} : { layout }),
    ...(distribution === undefined ? {} : { distribution }),
    ...(labels === undefined ? {} : { labels }),
  };
}
