/** `ganx parity`: every runtime and device against the live generator; with `--all` every dtype and browser too. */
import { join } from 'node:path';
import { expected } from '../core/errors.js';
import { nameOf } from '../measure/index.js';
import { readDtype } from './export.js';
import { anyText, type FlagValues, realNumber, wholeNumber } from './flags.js';
import { type Fault, saveReproduction } from './parity-bisect.js';
import { openCandidates } from './parity-candidates.js';
import { measureMatrix } from './parity-matrix.js';
import {
  describeFault,
  makeMatrix,
  printFault,
  printMatrix,
  reportPath,
  saveReport,
} from './parity-print.js';
import { planSubjects } from './parity-subjects.js';
import { printLine, printNote } from './print.js';
import type { Verb } from './verb.js';

/** How much is drawn without `--all`, and with it: the matrix holds slow devices, and a runtime's error shows in every image. */
const LATENTS = { one: 256, all: 32 } as const;
const BATCHES = { one: [1, 5], all: [1, 5, 16] } as const;

/** Reads texts between commas, each by `read`. */
function list<T>(read: (text: string, flag: string) => T): (text: string, flag: string) => T[] {
  return (text, flag) => text.split(',').map((part) => read(part.trim(), flag));
}

/** Reads `cuda=1e-5,onnxruntime-web/wasm=1e-6`. */
function readTolerances(text: string, flag: string): Record<string, number> {
  const pairs = list(anyText)(text, flag).map((part): [string, number] => {
    const [name = '', value = ''] = part.split('=', 2);
    return [name, realNumber(0, 255)(value, flag)];
  });
  return Object.fromEntries(pairs);
}

const flags = {
  all: { describe: 'every dtype, and Chromium too; without a source the built-in networks' },
  file: {
    describe: 'compare this file with the network of the source, instead of a fresh export',
    read: anyText,
  },
  dtype: {
    describe: 'types of the exports: fp32, fp16, or both by a comma',
    initially: 'fp32; with --all both',
    read: list(readDtype),
  },
  latents: {
    describe: 'how many latents',
    initially: `${LATENTS.one}; with --all ${LATENTS.all}`,
    read: wholeNumber(1, 1e6),
  },
  batches: {
    describe: 'batch sizes, by commas',
    initially: `${BATCHES.one}; with --all ${BATCHES.all}`,
    read: list(wholeNumber(1, 1e4)),
  },
  only: { describe: 'names (runtime or runtime/device, by commas) that take part', read: list(anyText) },
  require: {
    describe: 'names (runtime or runtime/device, by commas) whose SKIP is a FAIL',
    read: list(anyText),
  },
  tolerance: {
    describe: 'largest differences by name=number, by commas: values for fp32, levels of 255 for fp16',
    read: readTolerances,
  },
  json: { describe: 'print JSON' },
  out: { describe: 'write the report, as its name says: .md or .html', read: reportPath },
  bisect: { describe: 'find the node to blame for a FAIL, and write a page that reproduces it' },
  bisectOut: { describe: 'folder of the reproduction', initially: 'bisect', read: anyText },
};

/** Where each fault goes: the folder itself for the only one, else a folder in it for each. */
function placeFaults(faults: readonly Fault[], folder: string): (string | undefined)[] {
  const found = faults.filter(({ divergence }) => divergence);
  return faults.map(({ divergence, report, row }) => {
    if (!divergence) return undefined;
    if (found.length === 1) return folder;
    const name = `${report.model}-${report.imageShape.join('x')}-${report.dtype}-${nameOf(row)}`;
    return join(folder, name.replace(/[^a-z0-9]+/gi, '-'));
  });
}

async function runParity(values: FlagValues<typeof flags>, path: string): Promise<void> {
  const { all = false, file, only, require, json, out, bisect = false } = values;
  if (path === '' && !all)
    throw expected('parity', 'a run folder, a snapshot or a file', 'none', 'Name one, or give --all.');
  if (path === '' && file !== undefined) throw expected('--file', 'a source whose network it is', 'none');
  const start = performance.now();
  const plans = await planSubjects({ path, file, dtypes: values.dtype, all });
  const { candidates, close } = await openCandidates(all, only);
  const usual = all ? 'all' : 'one';
  const latents = values.latents ?? LATENTS[usual];
  const { reports, faults } = await measureMatrix(plans, candidates, {
    latents,
    batches: values.batches ?? BATCHES[usual].filter((batch) => batch <= latents),
    bisect,
    ...(require ? { require } : {}),
    ...(values.tolerance ? { tolerances: values.tolerance } : {}),
  }).finally(close);

  const matrix = makeMatrix(reports, performance.now() - start);
  const folders = placeFaults(faults, values.bisectOut ?? 'bisect');
  for (const [i, { divergence }] of faults.entries())
    if (divergence) await saveReproduction(folders[i]!, divergence);
  if (out !== undefined) await saveReport(out, matrix);
  if (json) {
    const found = bisect ? { faults: faults.map((fault, i) => describeFault(fault, folders[i])) } : {};
    printLine(JSON.stringify({ ...(all ? matrix : reports[0]), ...found }, null, 2));
  } else {
    printMatrix(matrix);
    for (const [i, fault] of faults.entries()) printFault(fault, folders[i]);
  }
  if (out !== undefined) printNote(`Report: ${out}`);
  if (!matrix.ok) process.exitCode = 1;
}

export const parityVerb: Verb<typeof flags> = {
  name: 'parity',
  describe: 'prove that every runtime here draws the same images',
  path: { name: 'source', describe: 'run folder, snapshot, or generator.onnx', optional: true },
  flags,
  examples: [
    ['parity runs/digits-dcgan', 'against the live TensorFlow.js generator'],
    ['parity generator.onnx --require onnxruntime-node/webgpu', 'fail when WebGPU cannot be tried'],
    ['parity --all --out parity.html', 'every model, dtype and device, in Node and in Chromium'],
    [
      'parity runs/x --file generator.onnx --bisect',
      'the first node of the file that computes something else',
    ],
  ],
  run: runParity,
};
