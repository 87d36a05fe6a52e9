/** The process of one job: `node job.js NAME JSON`. Answers on a stream of its own; stderr tells how it goes on. */
import { writeSync } from 'node:fs';
import { onnxruntimeNode } from '../../runtimes/onnxruntime-node.js';
import { writeFileAtomically } from '../../src/checkpoint/index.js';
import { expected } from '../../src/core/errors.js';
import { probeTensorflowEngine } from '../../src/train/engines/tensorflow-engine.js';
import { encodeEnding, endWithError } from './answer.js';
import { exportSubject } from './generators.js';
import { ANSWER_STREAM, type Ending, type Jobs } from './jobs.js';
import { compareSampling } from './sampling.js';
import { measureSpeed } from './speed.js';
import { measureThroughput } from './throughput.js';
import { compareTraining } from './training.js';

type Work = { readonly [Name in keyof Jobs]: (given: Jobs[Name]['given']) => Promise<Jobs[Name]['result']> };

const WORK: Work = {
  probe: ({ place: { engine, device } }) =>
    engine === 'tensorflow' ? probeTensorflowEngine(device) : onnxruntimeNode.probe(device),
  sampling: ({ device, dtype, tolerance }) => compareSampling(device, dtype, tolerance),
  export: async ({ subject, dtype, path }) => {
    const { bytes } = await exportSubject(subject, dtype);
    await writeFileAtomically(path, bytes);
    return bytes.length;
  },
  throughput: ({ path, device, batches, turns }) => measureThroughput(path, device, batches, turns),
  training: ({ model, place }) => compareTraining(model, place),
  speed: ({ subject, places, precision, repetitions }) =>
    measureSpeed(subject, places, precision, repetitions, (what) => process.stderr.write(`${what}\n`)),
};

async function run(name: string | undefined, given: unknown): Promise<Ending<unknown>> {
  try {
    if (name === undefined || !Object.hasOwn(WORK, name))
      throw expected('check:gpu', `a job of ${Object.keys(WORK).join(', ')}`, name ?? 'none');
    const work = WORK[name as keyof Jobs] as (given: unknown) => Promise<unknown>;
    return { result: await work(given) };
  } catch (error) {
    return endWithError(error);
  }
}

const [name, given = 'null'] = process.argv.slice(2);
writeSync(ANSWER_STREAM, encodeEnding(await run(name, JSON.parse(given))));
// A driver's threads may keep the process, which has nothing more to say.
process.exit();
