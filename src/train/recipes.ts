/**
 * Recipes by name: a model together with the part and the form of the data that it was trained on. The
 * hyperparameters are the model's own defaults (models/), so that whoever names the model alone trains as well.
 */
import { expected } from '../core/errors.js';

/** What a recipe fixes beside its model's hyperparameters. */
export interface Recipe {
  readonly describe: string;
  readonly model: string;
  readonly size?: number;
  readonly channels?: 1 | 3;
  /** Which items are trained on: from the first number up to, and without, the second, as far as there are so many. */
  readonly rows?: readonly [number, number];
}

const RECIPES: Readonly<Record<string, Recipe>> = {
  'goodfellow2014/mnist': {
    describe: 'MNIST, 50,000 images, 400 epochs',
    model: 'goodfellow2014-mnist',
    size: 28,
    channels: 1,
    rows: [0, 50_000],
  },
  'goodfellow2014/tfd-pretrain': {
    describe: 'faces of 48×48, first stage',
    model: 'goodfellow2014-tfd-pretrain',
    size: 48,
    channels: 1,
  },
  'goodfellow2014/tfd': {
    describe: 'faces, second stage: --from the first',
    model: 'goodfellow2014-tfd',
    size: 48,
    channels: 1,
  },
  'goodfellow2014/cifar10-fc': {
    describe: 'CIFAR-10, fully connected',
    model: 'goodfellow2014-cifar10-fc',
    size: 32,
    channels: 3,
    rows: [0, 40_000],
  },
  'goodfellow2014/cifar10-conv': {
    describe: 'CIFAR-10, convolutional D',
    model: 'goodfellow2014-cifar10-conv',
    size: 32,
    channels: 3,
    rows: [0, 40_000],
  },
  'best/mnist': {
    describe: 'MNIST, with what was learned since',
    model: 'best-mnist',
    size: 28,
    channels: 1,
    rows: [0, 50_000],
  },
};

/** Names that {@link findRecipe} knows. */
export const recipeNames: readonly string[] = Object.keys(RECIPES);

/** @throws GanError `BAD_ARGUMENT` that lists the known names */
export function findRecipe(name: string): Recipe {
  const recipe = Object.hasOwn(RECIPES, name) ? RECIPES[name] : undefined;
  if (!recipe) throw expected('train', `a recipe of ${recipeNames.join(', ')}`, name);
  return recipe;
}
