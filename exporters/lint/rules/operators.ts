/**
 * Rules on single operators: attributes that runtimes read differently, results that nobody can foretell, leftovers
 * of training, names that no runtime knows.
 */
import type { onnx } from 'onnx-proto';
import { attributeOf, bodiesOf, type Model, textOf } from '../../proto/read-model.js';
import { onnxruntimeThread, operatorPage, type Rule } from '../rule.js';

/** A node anywhere in the file, in bodies too, and what to call it. */
interface Place {
  readonly node: onnx.INodeProto;
  readonly where: string;
}

function* placesIn(nodes: readonly onnx.INodeProto[]): Generator<Place> {
  for (const node of nodes) {
    yield { node, where: node.name || node.output?.[0] || `a ${node.opType} without a name` };
    for (const body of bodiesOf(node)) yield* placesIn(body.node ?? []);
  }
}

/** Every node of a file. */
export function listPlaces({ proto }: Model): Place[] {
  return [...placesIn(proto.graph?.node ?? [])];
}

const autoPad: Rule = {
  name: 'auto-pad',
  severity: 'error',
  remedy: 'Write the pads out in `pads` and leave `auto_pad` away.',
  thread: onnxruntimeThread(26734),
  *check({ model }) {
    for (const { node, where } of listPlaces(model)) {
      const value = textOf(node, 'auto_pad');
      if (value === undefined || value === 'NOTSET') continue;
      yield {
        where,
        message: `${node.opType} has \`auto_pad\` ${value}; runtimes disagree on which side is padded.`,
        severity: value === 'VALID' ? 'warning' : 'error',
        ...(node.opType === 'ConvTranspose' ? { thread: onnxruntimeThread(11927) } : {}),
      };
    }
  },
};

const outputShape: Rule = {
  name: 'output-shape',
  severity: 'error',
  remedy: 'Write `pads` and `output_padding` out and leave `output_shape` away.',
  thread: 'https://github.com/onnx/onnx/issues/4299',
  *check({ model }) {
    for (const { node, where } of listPlaces(model)) {
      if (node.opType !== 'ConvTranspose' || !attributeOf(node, 'output_shape')) continue;
      yield { where, message: 'ConvTranspose has `output_shape`; which pads follow from it is disputed.' };
    }
  },
};

const RANDOM = /^(?:Random(?:Normal|Uniform)(?:Like)?|Multinomial|Bernoulli)$/;

const random: Rule = {
  name: 'random',
  severity: 'error',
  remedy: 'Draw outside: make latents, labels and noise inputs of the graph.',
  thread: 'https://github.com/onnx/onnx/issues/6408',
  *check({ model }) {
    for (const { node, where } of listPlaces(model)) {
      if (RANDOM.test(node.opType ?? '')) {
        yield { where, message: `${node.opType} draws other numbers in every runtime, even from one seed.` };
      }
    }
  },
};

const resize: Rule = {
  name: 'resize',
  severity: 'warning',
  remedy: 'Use ConvTranspose, or Resize with asymmetric, nearest, floor and constant whole scales.',
  thread: onnxruntimeThread(28310),
  *check({ model }) {
    const constants = new Set([
      ...model.constantNames,
      ...model.nodes.filter(({ op }) => op === 'Constant').flatMap(({ outputs }) => outputs),
    ]);
    for (const { node, where } of listPlaces(model)) {
      if (node.opType === 'Upsample') {
        const message = 'Upsample was taken out of ONNX with opset 10.';
        yield { where, message, severity: 'error', thread: operatorPage('Upsample') };
      }
      if (node.opType !== 'Resize') continue;
      const coordinates = textOf(node, 'coordinate_transformation_mode') ?? 'half_pixel';
      const mode = textOf(node, 'mode') ?? 'nearest';
      const rounding = textOf(node, 'nearest_mode') ?? 'round_prefer_floor';
      const modes = [coordinates, mode, ...(mode === 'nearest' ? [rounding] : [])].join(', ');
      if (modes !== 'asymmetric, nearest, floor') {
        yield { where, message: `Resize with ${modes} gives other pixels in other runtimes.` };
      }
      const target = node.input?.slice(2).find((name) => name !== '');
      if (target !== undefined && !constants.has(target)) {
        yield {
          where,
          message: `Resize takes its size from \`${target}\` at run time: a GPU waits for the CPU there.`,
        };
      }
    }
  },
};

const training: Rule = {
  name: 'training',
  severity: 'warning',
  remedy: 'Export in inference mode and fold norms into the convolutions around them.',
  thread: onnxruntimeThread(26584),
  *check({ model }) {
    for (const { node, where } of listPlaces(model)) {
      if (node.opType === 'Dropout') {
        const flag = node.input?.[2] ? model.constants.get(node.input[2]) : undefined;
        const drops = Boolean(flag?.rawData?.[0] ?? flag?.int32Data?.[0]);
        const message = drops
          ? 'Dropout is in training mode: it draws random numbers.'
          : 'Dropout does nothing outside training.';
        yield { where, message, severity: drops ? 'error' : 'warning', thread: operatorPage('Dropout') };
      }
      if (node.opType !== 'BatchNormalization') continue;
      const results = (node.output ?? []).filter((name) => name !== '').length;
      const trains = Number(attributeOf(node, 'training_mode')?.i ?? 0) === 1 || results > 1;
      yield trains
        ? {
            where,
            message: 'BatchNormalization is in training mode: a sample depends on its batch.',
            severity: 'error',
          }
        : { where, message: 'BatchNormalization is not folded into the weights before it.' };
    }
  },
};

/** Operator sets beside ONNX's own that ONNX Runtime has everywhere. */
const OWN_DOMAINS = ['com.microsoft'];

const domain: Rule = {
  name: 'domain',
  severity: 'error',
  remedy: 'Export with operators of ONNX’s own set.',
  thread: 'https://onnxruntime.ai/docs/reference/operators/add-custom-op.html',
  *check({ model }) {
    const functions = new Set(
      (model.proto.functions ?? []).map(({ domain: owner, name }) => `${owner}.${name}`),
    );
    for (const { node, where } of listPlaces(model)) {
      const owner = node.domain ?? '';
      if (['', 'ai.onnx', 'ai.onnx.ml'].includes(owner) || functions.has(`${owner}.${node.opType}`)) continue;
      const isOwn = OWN_DOMAINS.includes(owner);
      yield {
        where,
        message: `${node.opType} is of the domain \`${owner}\`, ${
          isOwn ? 'which only ONNX Runtime has' : 'which no runtime has by itself'
        }.`,
        severity: isOwn ? 'warning' : 'error',
      };
    }
  },
};

/** Rules on operators, in the order of their findings. */
export const OPERATOR_RULES: readonly Rule[] = [autoPad, outputShape, random, resize, training, domain];
