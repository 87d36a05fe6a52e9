/**
 * Generators that another tool exported: what people say of the latents, together with what a session shows, becomes
 * the metadata that such a file lacks. It does not know where the words come from (a command line, a page's attributes).
 */
import { expected, GanError } from '../core/errors.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import { plainTensor, sizeOf } from '../core/tensor.js';
import type { Session, ValueInfo } from '../core/types.js';
import { drawLatents } from './latents.js';
import { describeValues } from './layout.js';

/** What a person says of a generator that says nothing of itself. */
export interface LatentDescription {
  /** Extents of the input: `1x512` as the file has it (the first is the batch), or `512` without the batch. */
  readonly latent: string;
  /** The values of black and white, `-1,1` when absent. */
  readonly range?: string;
  /** Axes of the images; told by where 1 or 3 channels stand when absent. */
  readonly layout?: 'nhwc' | 'nchw';
  /** `normal` when absent; `uniform` is from -1 to 1, as usual elsewhere, and `uniform:0,1` from 0 to 1. */
  readonly distribution?: string;
  /** Names of the classes by commas, for a file with a second input int32 [batch]. */
  readonly labels?: string;
}

/** Channels that a picture can have. */
const CHANNELS = [1, 3];

function refuse(what: string, got: string, remedy: string): GanError {
  return new GanError('BAD_MODEL_FILE', 'generator', `Expected ${what}, got \`${got}\`. ${remedy}`);
}

/** `-1,1` as two rising numbers. */
function readRange(what: string, text: string): [number, number] {
  const parts = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [low = Number.NaN, high = Number.NaN] = parts;
  if (parts.length === 2 && low < high && Number.isFinite(low) && Number.isFinite(high)) return [low, high];
  throw expected('describe', `${what} as two rising numbers, such as -1,1`, text);
}

function readDistribution(
  text: string,
): Pick<GeneratorMetadata, 'latentDistribution'> & { latentRange?: readonly [number, number] } {
  if (text === 'normal') return { latentDistribution: 'normal' };
  if (text === 'uniform') return { latentDistribution: 'uniform', latentRange: [-1, 1] };
  if (text.startsWith('uniform:')) {
    const latentRange = readRange('bounds of the latents', text.slice('uniform:'.length));
    return { latentDistribution: 'uniform', latentRange };
  }
  throw expected('describe', 'a distribution of normal, uniform or uniform:LOW,HIGH', text);
}

function readExtents(text: string): number[] {
  const extents = text.split(/[x×]/i).map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : 0));
  if (extents.every((extent) => Number.isSafeInteger(extent) && extent > 0)) return extents;
  throw expected('describe', 'a latent as extents, such as 1x512', text);
}

/** Extents of one latent, without the batch. */
function matchLatent({ name, shape }: ValueInfo, text: string): number[] {
  const given = readExtents(text);
  const misfit = (): GanError => {
    const remedy = 'Give its extents; the first one is the batch and may be left out.';
    return expected('describe', `a latent that fits the input ${name} [${shape.join(', ')}]`, text, remedy);
  };
  if (shape.length === 0) return given.length > 1 && given[0] === 1 ? given.slice(1) : given;
  const hasBatch = given.length === shape.length;
  if (!hasBatch && given.length !== shape.length - 1) throw misfit();
  const latent = hasBatch ? given.slice(1) : given;
  const fits = (extent: number, declared: number | string | undefined): boolean =>
    typeof declared !== 'number' || declared < 0 || declared === extent;
  const batchFits = !hasBatch || given[0] === 1 || fits(given[0]!, shape[0]);
  if (batchFits && latent.every((extent, axis) => fits(extent, shape[axis + 1]))) return latent;
  throw misfit();
}

function findInputs(inputs: readonly ValueInfo[], labels: string | undefined) {
  const floats = inputs.filter(({ dtype }) => dtype === 'float32');
  const classes = inputs.filter(({ dtype, shape }) => dtype === 'int32' && shape.length === 1);
  const [latents, label] = [floats[0], classes[0]];
  const isUsable = floats.length === 1 && classes.length <= 1 && inputs.length === 1 + classes.length;
  if (latents === undefined || !isUsable) {
    const what = 'one float32 input (the latents), and perhaps one int32 [batch] (the class)';
    throw refuse(what, describeValues(inputs), 'Make the other inputs constants and export it again.');
  }
  if (label !== undefined && labels === undefined) {
    const what = `names for the classes that the input ${label.name} takes`;
    throw expected('describe', what, 'none', 'Give them by commas: --labels a,b,c.');
  }
  if (label === undefined && labels !== undefined) {
    const what = 'an input int32 [batch] for the labels';
    throw refuse(what, describeValues(inputs), 'Leave the labels out, or export it with such an input.');
  }
  return { latents, label };
}

/** The one output that can be images [n, _, _, _], or points [n, 2]. */
function findOutput(outputs: readonly ValueInfo[]): ValueInfo {
  const floats = outputs.filter(({ dtype }) => dtype === 'float32');
  const pictures = floats.filter(({ shape }) => shape.length === 4);
  const chosen = pictures.length === 1 ? pictures[0] : floats.length === 1 ? floats[0] : undefined;
  if (chosen) return chosen;
  throw refuse('one float32 output of images', describeValues(outputs), 'Export it with that output alone.');
}

/** Extents of the output without the batch; what the file leaves open is found by one run. */
async function findExtents(
  session: Session,
  inputs: ReturnType<typeof findInputs>,
  output: ValueInfo,
  latent: readonly number[],
): Promise<number[]> {
  const declared = output.shape.slice(1);
  if (declared.length > 0 && declared.every((extent) => typeof extent === 'number' && extent > 0)) {
    return declared as number[];
  }
  const fixed = inputs.latents.shape[0];
  const batch = typeof fixed === 'number' && fixed > 0 ? fixed : 1;
  const latentSize = sizeOf(latent);
  const { data } = drawLatents({ latentSize, latentDistribution: 'normal' }, 0, 0, batch);
  const feeds = {
    [inputs.latents.name]: plainTensor(data, [batch, ...latent]),
    ...(inputs.label ? { [inputs.label.name]: plainTensor(new Int32Array(batch), [batch]) } : {}),
  };
  return [...(await session.run(feeds))[output.name]!.shape.slice(1)];
}

/** Layout and [H, W, C] of the output's extents. */
function readImages(
  extents: readonly number[],
  asked: LatentDescription['layout'],
): Pick<GeneratorMetadata, 'layout' | 'imageShape' | 'kind'> {
  const shown = `[n, ${extents.join(', ')}]`;
  if (extents.length === 1 && extents[0] === 2) {
    return { kind: 'points', layout: 'nhwc', imageShape: [1, 1, 2] };
  }
  const [a, b, c] = extents;
  if (a === undefined || b === undefined || c === undefined || extents.length > 3) {
    const what = 'images [n, C, H, W] or [n, H, W, C], or points [n, 2]';
    throw refuse(what, shown, 'Reshape the output and export it again.');
  }
  const [first, last] = [CHANNELS.includes(a), CHANNELS.includes(c)];
  if (asked === undefined && first === last) {
    const what = first ? 'a layout, since both fit' : 'images with 1 or 3 channels';
    throw expected('describe', what, shown, first ? 'Give --layout nchw or --layout nhwc.' : '');
  }
  const layout = asked ?? (first ? 'nchw' : 'nhwc');
  if (!(layout === 'nchw' ? first : last)) {
    throw expected('describe', `images with 1 or 3 channels in the layout ${layout}`, shown);
  }
  return { kind: 'images', layout, imageShape: layout === 'nchw' ? [b, c, a] : [a, b, c] };
}

/**
 * Makes the metadata of a generator that has none. Names, types and, where the file states them, extents come from the
 * session; the model is run once where it does not. There is no golden sample then.
 *
 * @throws GanError `BAD_ARGUMENT` for a description that cannot be read or does not fit the session;
 *         `BAD_MODEL_FILE` for a session that is no generator of images or points
 */
export async function describeForeign(
  description: LatentDescription,
  session: Session,
): Promise<GeneratorMetadata> {
  const { latent: text, range = '-1,1', layout, distribution = 'normal', labels } = description;
  if (layout !== undefined && layout !== 'nhwc' && layout !== 'nchw') {
    throw expected('describe', 'a layout of nhwc or nchw', layout);
  }
  const imageRange = readRange('a range of the images', range);
  const latents = readDistribution(distribution);
  const names = labels?.split(',').map((name) => name.trim());
  if (names?.includes('')) throw expected('describe', 'names of classes by commas', labels);
  const inputs = findInputs(session.inputs, labels);
  const latent = matchLatent(inputs.latents, text);
  const output = findOutput(session.outputs);
  const extents = await findExtents(session, inputs, output, latent);
  return {
    model: 'unknown',
    ...latents,
    latentSize: sizeOf(latent),
    ...(latent.length === 1 ? {} : { latentShape: latent }),
    ...readImages(extents, layout),
    imageRange,
    ...(names ? { labels: names } : {}),
    imagesSeen: 0,
    seed: 0,
    dataDigest: '',
    inputName: inputs.latents.name,
    outputName: output.name,
    ...(inputs.label ? { labelName: inputs.label.name } : {}),
  };
}
