/**
 * Looking at both networks while they train: x = G(z) and D's logits at given points, by one compiled graph that takes
 * the weights as inputs. What is seen is the generator as it is, not its average.
 */
import { encodeModel } from '../../exporters/model-proto.js';
import { type TraceInput, trace } from '../../exporters/trace.js';
import type { Gan, Network } from '../../models/types.js';
import { type FloatTensor, plainTensor, type TensorMap } from '../core/tensor.js';
import type { State } from './engines/engine.js';
import type { OpenSession } from './engines/session-engine.js';

/** What is asked of both networks. */
export interface Questions {
  /** [n, L]. */
  readonly latents: FloatTensor;
  /** [m, H, W, C]. */
  readonly points: FloatTensor;
}

/** What both networks say. */
export interface Answers {
  /** G(z): [n, H, W, C]. */
  readonly images: FloatTensor;
  /** [m, 1]; D = σ(logit). */
  readonly logits: FloatTensor;
}

/** Both networks, ready to be asked again and again. */
export interface Watch {
  /** @param state any state of the training; averaged weights by the names of the weights work too */
  ask(state: State): Promise<Answers>;
  dispose(): Promise<void>;
}

function compileWatch(gan: Gan, { latents, points }: Questions): Uint8Array {
  const inputs: Record<string, TraceInput> = {
    latents: { shape: latents.shape, dtype: 'float32' },
    points: { shape: points.shape, dtype: 'float32' },
  };
  for (const network of [gan.generator, gan.discriminator]) {
    for (const { name, shape } of network.weights) {
      inputs[`${network.name}/${name}`] = { shape, dtype: 'float32' };
    }
  }
  const graph = trace(
    (tensors) => {
      const call = ({ name, weights }: Network) => ({
        training: false,
        weights: Object.fromEntries(
          weights.map((weight) => [weight.name, tensors[`${name}/${weight.name}`]!]),
        ),
        coins: {},
        updates: {},
      });
      return {
        images: gan.generator.apply(tensors.latents!, call(gan.generator)),
        logits: gan.discriminator.apply(tensors.points!, call(gan.discriminator)),
      };
    },
    inputs,
    { name: 'watch' },
  );
  return encodeModel(graph);
}

/** Compiles both networks for fixed questions. */
export async function openWatch(gan: Gan, questions: Questions, openSession: OpenSession): Promise<Watch> {
  const session = await openSession(compileWatch(gan, questions));
  return {
    async ask(state) {
      const feeds: TensorMap = { ...questions };
      for (const { name } of session.inputs) if (!(name in feeds)) feeds[name] = state[name]!;
      const { images, logits } = await session.run(feeds);
      return { images: images as FloatTensor, logits: logits as FloatTensor };
    },
    dispose: () => session.dispose(),
  };
}

/** Evenly spaced latents of one dimension, the middles of `count` equal parts of (−√3, √3): [count, 1]. */
export function spreadLatents(count: number): FloatTensor {
  const most = Math.sqrt(3);
  const at = (_: unknown, i: number): number => most * ((2 * (i + 0.5)) / count - 1);
  return plainTensor(Float32Array.from({ length: count }, at), [count, 1]);
}
