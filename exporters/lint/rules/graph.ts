/**
 * Rules on the graph as a whole: what it takes and gives, how its parts are named, whether everything is there.
 */
import type { onnx } from 'onnx-proto';
import { onnxruntimeThread, type Rule, SPECIFICATION } from '../rule.js';
import { listPlaces } from './operators.js';

const dimsOf = ({ type }: onnx.IValueInfoProto) => type?.tensorType?.shape?.dim;

const batch: Rule = {
  name: 'free-batch',
  severity: 'warning',
  remedy: 'Make the first axis of every input and output one named free dimension, such as `batch`.',
  thread: 'https://github.com/triton-inference-server/onnxruntime_backend/issues/88',
  *check({ model }) {
    const names = new Set<string>();
    const values = [...model.inputs, ...model.outputs];
    for (const value of values) {
      const where = value.name ?? '';
      const first = dimsOf(value)?.[0];
      if (first?.dimParam) names.add(first.dimParam);
      else if (first?.dimValue) {
        yield { where, message: `The first axis of \`${where}\` is always ${first.dimValue}: no batches.` };
      } else yield { where, message: `The first axis of \`${where}\` has no name.` };
    }
    if (names.size > 1) {
      yield {
        where: [...names].join(', '),
        message: 'Inputs and outputs call their first axis by different names.',
      };
    }
  },
};

const inputNames: Rule = {
  name: 'input-name',
  severity: 'error',
  remedy: 'Name every input and output.',
  thread: SPECIFICATION,
  *check({ model }) {
    const sides = [
      ['input', model.inputs],
      ['output', model.outputs],
    ] as const;
    for (const [side, values] of sides) {
      for (const [at, { name }] of values.entries()) {
        if (!name)
          yield {
            where: `${side} ${at}`,
            message: `The ${side} at ${at} has no name: nobody can feed or fetch it.`,
          };
      }
    }
  },
};

const nodeNames: Rule = {
  name: 'node-name',
  severity: 'warning',
  remedy: 'Give every node a name of its own that says which layer it belongs to.',
  thread: SPECIFICATION,
  *check({ model }) {
    const places = listPlaces(model);
    const unnamed = places.filter(({ node }) => !node.name);
    if (unnamed[0]) {
      const message = `${unnamed.length} of ${places.length} nodes have no name: reports and profiles cannot point at them.`;
      yield { where: unnamed[0].where, message };
    }
    const seen = new Set<string>();
    for (const { node, where } of places) {
      if (!node.name) continue;
      if (seen.has(node.name)) yield { where, message: `More than one node is called \`${node.name}\`.` };
      seen.add(node.name);
    }
  },
};

const duplicates: Rule = {
  name: 'duplicate',
  severity: 'error',
  remedy: 'Give every tensor a name of its own.',
  thread: SPECIFICATION,
  *check({ model }) {
    const seen = new Set<string>();
    const names = [
      ...model.inputs.map(({ name }) => name ?? ''),
      ...(model.proto.graph?.initializer ?? []).map(({ name }) => name ?? ''),
      ...model.nodes.flatMap(({ outputs }) => outputs),
    ];
    for (const name of names) {
      if (name !== '' && seen.has(name))
        yield { where: name, message: `\`${name}\` is made more than once.` };
      seen.add(name);
    }
  },
};

const order: Rule = {
  name: 'order',
  severity: 'error',
  remedy: 'List nodes after those whose results they read, and leave nothing out.',
  thread: SPECIFICATION,
  *check({ model }) {
    const known = new Set([...model.inputs.map(({ name }) => name ?? ''), ...model.constantNames]);
    for (const { name, reads, outputs } of model.nodes) {
      for (const tensor of reads) {
        if (known.has(tensor)) continue;
        const later = model.producers.has(tensor);
        yield {
          where: name,
          message: `\`${name}\` reads \`${tensor}\`, which ${later ? 'is made only after it' : 'nothing makes'}.`,
        };
      }
      for (const tensor of outputs) known.add(tensor);
    }
    for (const { name } of model.outputs) {
      if (!known.has(name ?? ''))
        yield { where: name ?? '', message: `Nothing makes the output \`${name}\`.` };
    }
  },
};

const unused: Rule = {
  name: 'unused',
  severity: 'warning',
  remedy: 'Leave away what nobody reads: it costs bytes and time, and gives nothing.',
  thread: SPECIFICATION,
  *check({ model }) {
    const read = new Set([
      ...model.nodes.flatMap(({ reads }) => reads),
      ...model.outputs.map(({ name }) => name ?? ''),
    ]);
    for (const { name, op, outputs } of model.nodes) {
      if (!outputs.some((tensor) => read.has(tensor))) {
        yield { where: name, message: `Nobody reads what the ${op} \`${name}\` gives.` };
      }
    }
    for (const [name, { dims }] of model.constants) {
      if (!read.has(name))
        yield { where: name, message: `No node reads \`${name}\` [${(dims ?? []).join(', ')}].` };
    }
  },
};

const constantInputs: Rule = {
  name: 'constant-input',
  severity: 'warning',
  remedy: 'List weights among the initializers only.',
  thread: onnxruntimeThread(4507),
  *check({ model }) {
    for (const { name } of model.proto.graph?.input ?? []) {
      if (name && model.constantNames.has(name)) {
        yield {
          where: name,
          message: `\`${name}\` is an input and a constant: ONNX Runtime will not fold it.`,
        };
      }
    }
  },
};

/** Rules on the graph, in the order of their findings. */
export const GRAPH_RULES: readonly Rule[] = [
  inputNames,
  batch,
  order,
  duplicates,
  nodeNames,
  unused,
  constantInputs,
];
