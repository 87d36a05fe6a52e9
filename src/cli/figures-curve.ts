/** `ganx figures --curve`: the Parzen log-likelihood of every snapshot of a run, kept in its parzen.jsonl. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { listSnapshots, openStats, readWholeFile } from '../checkpoint/index.js';
import type { PlainTensor } from '../core/tensor.js';
import { drawPixels, type LikelihoodRecord, parseLikelihoods } from '../figures/index.js';
import { openGenerator } from '../load-generator.js';
import { type DistanceOptions, measureParzen } from '../measure/index.js';
import { exportWithCheck, findSource } from './export.js';
import { openBar } from './print.js';

/** The lines of a run's parzen.jsonl; none where there is no such file. */
export async function readLikelihoods(run: string): Promise<LikelihoodRecord[]> {
  const file = join(run, 'parzen.jsonl');
  if (!existsSync(file)) return [];
  return parseLikelihoods(new TextDecoder().decode(await readWholeFile(file)), file);
}

/** What each snapshot is measured with. */
export interface CurveOptions extends DistanceOptions {
  readonly samples: number;
  readonly seed: number;
  readonly device: string;
}

/**
 * Measures the snapshots that have no line yet for so many samples.
 *
 * @param validation items that choose σ, uint8 [n, H, W, C]; the likelihood is theirs
 * @throws GanError when a snapshot cannot be used; the signal's reason when aborted
 */
export async function measureCurve(
  run: string,
  validation: PlainTensor,
  options: CurveOptions,
): Promise<void> {
  const { samples, seed, device, signal } = options;
  const measured = await readLikelihoods(run);
  // Likelihoods rise with the number of samples, so that only equal numbers make one curve.
  const known = new Set(
    measured.filter((one) => (one.samples ?? samples) === samples).map(({ imagesSeen }) => imagesSeen),
  );
  const snapshots = await listSnapshots(run);
  const log = await openStats(join(run, 'parzen.jsonl'));
  const bar = openBar('Measuring snapshots', 'samples');
  try {
    for (const [done, path] of snapshots.entries()) {
      const onDrawn = (drawn: number) => bar.update(done * samples + drawn, snapshots.length * samples);
      onDrawn(0);
      signal?.throwIfAborted();
      const { source } = await findSource(path);
      if (known.has(source.imagesSeen)) continue;
      const { bytes } = await exportWithCheck(source);
      const generator = await openGenerator(bytes, { device });
      try {
        const pixels = await drawPixels(generator, { samples, seed, signal, onDrawn });
        const found = await measureParzen(
          { samples: pixels, validation, test: validation },
          { run: options.run, signal },
        );
        const { sigma, mean, standardError } = found;
        await log.append({ imagesSeen: source.imagesSeen, sigma, validation: mean, standardError, samples });
      } finally {
        await generator.dispose();
      }
    }
  } finally {
    bar.stop();
    await log.close();
  }
}
