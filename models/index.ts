/** The models by name. A new paper is one file beside this one and one line here. */
import { expected } from '../src/core/errors.js';
import { bestMnist } from './best-mnist.js';
import { dcgan } from './dcgan.js';
import { goodfellow2014 } from './goodfellow2014.js';
import { mlp } from './mlp.js';
import type { GanModel } from './types.js';

const MODELS: Readonly<Record<string, GanModel>> = Object.fromEntries(
  [mlp, dcgan, ...goodfellow2014, bestMnist].map((model) => [model.name, model]),
);

/** Names that {@link findModel} knows. */
export const modelNames: readonly string[] = Object.keys(MODELS);

/** @throws GanError `BAD_ARGUMENT` that lists the known names */
export function findModel(name: string): GanModel {
  const model = Object.hasOwn(MODELS, name) ? MODELS[name] : undefined;
  if (!model) throw expected('models', `a model of ${modelNames.join(', ')}`, name);
  return model;
}

export type * from './types.js';
