/**
 * What `ganx parity` compares with what: a run's fresh export or a file of it with the live network, a file on its own
 * with TensorFlow.js, or the built-in networks. Each subject is planned first and opened when its turn comes.
 */
import { stat } from 'node:fs/promises';
import { type ExportSource, openLiveGenerator } from '../../exporters/index.js';
import { loadRuntime } from '../../runtimes/index.js';
import { readWholeFile } from '../checkpoint/index.js';
import { expected } from '../core/errors.js';
import type { GeneratorMetadata } from '../core/metadata.js';
import type { Session } from '../core/types.js';
import { readMetadata } from '../sample/index.js';
import { exportWithCheck, findSource } from './export.js';
import { makeNetworks } from './parity-networks.js';

export type DataType = NonNullable<GeneratorMetadata['dtype']>;

/** A file under test, what it is compared with, and a file that is known to be right, where there is one. */
export interface Subject {
  readonly bytes: Uint8Array;
  readonly metadata: GeneratorMetadata;
  /** To be disposed by whoever opened the subject. */
  readonly reference: Session;
  /** A fresh export of the live network, where `bytes` is a file that was given. */
  readonly fresh?: Uint8Array;
}

/** A subject that is still to be opened. */
export interface SubjectPlan {
  /** Name, image shape and dtype: known before, so that a subject that cannot be made can be named. */
  readonly model: string;
  readonly imageShape: readonly [number, number, number];
  readonly dtype: DataType;
  open(): Promise<Subject>;
}

/** Which subjects are meant. */
export interface SubjectChoice {
  /** Run folder, snapshot or file; '' for the built-in networks. */
  readonly path: string;
  /** A file to compare with the network of `path`, instead of fresh exports. */
  readonly file?: string | undefined;
  /** Types of fresh exports; float32 when absent, and float16 too where `all` are meant. */
  readonly dtypes?: readonly DataType[] | undefined;
  readonly all: boolean;
}

/** Whether a path is an ONNX file, and not a run folder or a checkpoint. */
async function isModelFile(path: string): Promise<boolean> {
  if (path.endsWith('.safetensors')) return false;
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

function planExport(source: ExportSource, dtype: DataType): SubjectPlan {
  return {
    model: source.model,
    imageShape: source.gan.shape.imageShape,
    dtype,
    async open() {
      const { bytes, metadata } = await exportWithCheck(source, { dtype });
      return { bytes, metadata, reference: await openLiveGenerator(source.gan, source.weights) };
    },
  };
}

/** A file and what it says of itself. */
async function readFile(path: string): Promise<{ bytes: Uint8Array; metadata: GeneratorMetadata }> {
  const bytes = await readWholeFile(path);
  return { bytes, metadata: readMetadata(bytes) };
}

/** A file on its own: run op by op by TensorFlow.js, in an engine that shares nothing with ONNX Runtime. */
async function planFile(path: string): Promise<SubjectPlan> {
  const { bytes, metadata } = await readFile(path);
  const { model, imageShape, dtype = 'float32' } = metadata;
  return {
    model,
    imageShape,
    dtype,
    async open() {
      const tensorflow = await loadRuntime('tensorflow');
      return { bytes, metadata, reference: await tensorflow.open(bytes, { device: 'cpu' }) };
    },
  };
}

/** A file that should be an export of this network. */
async function planExported(file: string, source: ExportSource): Promise<SubjectPlan> {
  const { bytes, metadata } = await readFile(file);
  const { shape } = source.gan;
  const { dtype = 'float32', layout, imageShape, latentSize } = metadata;
  const describe = (one: Pick<GeneratorMetadata, 'latentSize' | 'imageShape'>): string =>
    `${one.latentSize} latents to images of ${one.imageShape.join('×')}`;
  if (describe(metadata) !== describe(shape)) {
    throw expected(
      '--file',
      `an export of this network: ${describe(shape)}`,
      describe({ latentSize, imageShape }),
      'Name the run that it was exported from.',
    );
  }
  return {
    model: source.model,
    imageShape,
    dtype,
    async open() {
      const { bytes: fresh } = await exportWithCheck(source, { dtype, layout });
      return { bytes, metadata, fresh, reference: await openLiveGenerator(source.gan, source.weights) };
    },
  };
}

/** @throws GanError for a path or file that is not what it should be; nothing has been run by then */
export async function planSubjects({ path, file, dtypes, all }: SubjectChoice): Promise<SubjectPlan[]> {
  const types = dtypes ?? (all ? (['float32', 'float16'] as const) : (['float32'] as const));
  if (path === '') return makeNetworks().flatMap((source) => types.map((dtype) => planExport(source, dtype)));
  const isFile = await isModelFile(path);
  if (file !== undefined && isFile) throw expected('--file', 'a run or snapshot to compare it with', path);
  if (dtypes !== undefined && (isFile || file !== undefined))
    throw expected('--dtype', 'a run or snapshot to export from', file ?? path, 'A file has its own type.');
  if (isFile) return [await planFile(path)];
  const { source } = await findSource(path);
  if (file !== undefined) return [await planExported(file, source)];
  return types.map((dtype) => planExport(source, dtype));
}
