/**
 * A model repository of NVIDIA Triton on the disk: `<repository>/<name>/config.pbtxt` and `<name>/1/model.onnx`. Files
 * get their names when they are whole, the model last, so that a server that watches the folder never sees half of it.
 * https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/model_repository.html
 */
import { existsSync, readdirSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { formatTritonConfig } from '../../exporters/index.js';
import { fillFileAtomically, readWholeFile, writeFileAtomically } from '../checkpoint/index.js';
import { expected } from '../core/errors.js';
import { readModelFile } from '../sample/index.js';

/** Where in the repository. */
export interface TritonPlace {
  readonly repository: string;
  readonly name: string;
  /** Another model may lie there. */
  readonly replace: boolean;
}

/** Reads a model's name, which is also that of a folder and a part of a URL. */
export function readModelName(text: string, flag: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/.test(text)) return text;
  throw expected(flag, 'a name of letters, digits, _, - and .', text);
}

/** Refuses a place that is taken. */
function checkPlace({ repository, name, replace }: TritonPlace): void {
  const folder = join(repository, name);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const others = names.filter((one) => /^\d+$/.test(one) && one !== '1');
  if (others.length > 0) {
    const remedy = 'Triton would serve that one: remove it, or take another --name.';
    throw expected('--triton', `${folder} without other versions`, others.join(', '), remedy);
  }
  if (replace || !(names.includes('config.pbtxt') || existsSync(join(folder, '1', 'model.onnx')))) return;
  const remedy = 'Take another --name, or --replace it.';
  throw expected('--triton', `no model ${name} in ${repository} yet`, folder, remedy);
}

/**
 * Adds a model.
 *
 * @param fill writes and checks the model at the path that it is given
 * @returns what `fill` returns
 * @throws GanError `BAD_ARGUMENT` where a model lies already, `IO`, or what `fill` throws; nothing is changed then
 */
export async function addToRepository<T>(
  place: TritonPlace,
  fill: (temporary: string) => Promise<T>,
): Promise<T> {
  checkPlace(place);
  const folder = join(place.repository, place.name);
  try {
    return await fillFileAtomically(join(folder, '1', 'model.onnx'), async (temporary) => {
      const result = await fill(temporary);
      const outline = readModelFile(await readWholeFile(temporary));
      const config = new TextEncoder().encode(formatTritonConfig(place.name, outline));
      await writeFileAtomically(join(folder, 'config.pbtxt'), config);
      return result;
    });
  } catch (error) {
    // Folders that were made for it; those that hold something stay.
    for (const made of [join(folder, '1'), folder]) await rmdir(made).catch(() => undefined);
    throw error;
  }
}
