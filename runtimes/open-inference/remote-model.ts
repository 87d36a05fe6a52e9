/**
 * What a server says of itself and of a model, and whether that is the model of a file. It asks, and runs nothing.
 * https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
import { GanError } from '../../src/core/errors.js';
import type { ValueInfo } from '../../src/core/types.js';
import { type Address, NAME } from './address.js';
import { type Connection, unusable } from './connection.js';
import type { FileInterface, FileValue } from './file-interface.js';
import type { WireValue } from './messages.js';
import { badAnswer, dtypeOf, WIRE_TYPES, type WireType } from './wire-types.js';

/** A server that is ready. */
export interface Server {
  readonly name: string;
  readonly version: string;
  /** It takes and gives tensors as bytes. */
  readonly isBinary: boolean;
}

/** A model that a server holds, described by the file of the same model. */
export interface RemoteModel {
  readonly server: Server;
  readonly inputs: readonly WireValue[];
  readonly outputs: readonly WireValue[];
}

type Json = Readonly<Record<string, unknown>>;

async function getObject({ get }: Connection, url: string): Promise<Json> {
  const value = await get(url);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw badAnswer(`answer at ${url} to be an object`, value, 'Is this a server of the protocol?');
}

/** Servers say no by the status of the answer, by its content, or by both. */
async function expectReady({ get }: Connection, url: string): Promise<void> {
  const value = (await get(url)) as { ready?: unknown } | null | undefined;
  if (value?.ready === false) throw unusable(url, 'not ready', 'Wait until it is, and try again.');
}

/**
 * Asks whether the server and the model are ready, and who the server is.
 *
 * @throws GanError `RUNTIME_UNAVAILABLE`
 */
export async function askServer({ server, model }: Address, connection: Connection): Promise<Server> {
  await expectReady(connection, `${server}/health/ready`);
  const [{ name, version, extensions }] = await Promise.all([
    getObject(connection, server),
    expectReady(connection, `${model}/ready`),
  ]);
  return {
    name: typeof name === 'string' && name !== '' ? name : 'a server without a name',
    version: typeof version === 'string' && version !== '' ? version : 'unknown',
    isBinary: Array.isArray(extensions) && extensions.includes('binary_tensor_data'),
  };
}

/** An input or output as a server states it. */
interface Stated {
  readonly name: string;
  readonly type: WireType;
  readonly shape: readonly number[];
}

function readStated(url: string, side: string, values: unknown): Stated[] {
  if (values === undefined || values === null) return [];
  if (!Array.isArray(values) || !values.every((one) => one instanceof Object))
    throw badAnswer(`${side} at ${url} to be a list`, values);
  return (values as Json[]).map(({ name, datatype, shape }) => {
    if (dtypeOf(datatype) === undefined)
      throw badAnswer(`\`${name}\` as one of ${WIRE_TYPES.join(', ')}`, datatype, 'Cast it in the graph.');
    const extents = (Array.isArray(shape) ? shape : []).map(Number);
    return { name: String(name), type: datatype as WireType, shape: extents };
  });
}

/** `images: float32 [batch, 28, 28, 1]`. */
function describeValue({ name, dtype, shape }: FileValue): string {
  const extents = shape?.map((extent) => (extent === -1 ? '?' : extent)).join(', ');
  return `${name}: ${dtype}${extents === undefined ? '' : ` [${extents}]`}`;
}

const describeStated = ({ name, type, shape }: Stated): string => `${name}: ${type} [${shape.join(', ')}]`;

/** Free dimensions fit any extent. */
function fits(shape: ValueInfo['shape'], stated: readonly number[]): boolean {
  return (
    shape.length === stated.length &&
    shape.every(
      (extent, axis) =>
        typeof extent === 'string' || extent < 0 || stated[axis]! < 0 || extent === stated[axis],
    )
  );
}

/** Triton has no tensor of a batch and nothing else, as classes are: there it is a column, [batch, 1]. */
function isColumn(shape: ValueInfo['shape'], stated: readonly number[]): boolean {
  return shape.length === 1 && stated.length === 2 && stated[1] === 1;
}

/** How the protocol calls what a file states. */
const TYPE_OF = { float32: 'FP32', int32: 'INT32', uint8: 'UINT8', bool: 'BOOL' } as const;

/** Some servers state nothing of a model: then the file is all there is to go by. */
function believe(url: string, { name, dtype, shape }: FileValue): WireValue {
  if (!shape) throw badAnswer(`\`${name}\` at ${url} to have a shape, since the file has none`, 'none');
  return { info: { name, dtype, shape }, type: TYPE_OF[dtype] };
}

/** Finds every value of the file among those of the server, which must have no other. */
function match(url: string, side: 'inputs' | 'outputs', file: FileInterface, model: Json): WireValue[] {
  const stated = readStated(url, side, model[side]);
  const own = file[side];
  if (stated.length === 0) return own.map((value) => believe(url, value));
  const pairs = own.flatMap(({ name, dtype, shape }) => {
    const other = stated.find((one) => one.name === name);
    if (!other || dtypeOf(other.type) !== dtype) return [];
    const column = side === 'inputs' && shape !== undefined && isColumn(shape, other.shape);
    if (shape && !column && !fits(shape, other.shape)) return [];
    const info = { name, dtype, shape: shape ?? other.shape };
    return [{ info, type: other.type, ...(column ? { isColumn: true } : {}) }];
  });
  if (pairs.length === own.length && stated.length === own.length) return pairs;
  throw new GanError(
    'RUNTIME_UNAVAILABLE',
    NAME,
    `Expected ${url} to have the file's ${side} ${own.map(describeValue).join(', ')}, ` +
      `got \`${stated.map(describeStated).join(', ')}\`. It is another model: load this file there, or correct the URL.`,
  );
}

/**
 * Asks for the model and compares it with the file's.
 *
 * @throws GanError `RUNTIME_UNAVAILABLE` for a server that is not ready, and for another model
 */
export async function matchModel(
  address: Address,
  connection: Connection,
  file: FileInterface,
): Promise<RemoteModel> {
  const server = await askServer(address, connection);
  const model = await getObject(connection, address.model);
  return {
    server,
    inputs: match(address.model, 'inputs', file, model),
    outputs: match(address.model, 'outputs', file, model),
  };
}
