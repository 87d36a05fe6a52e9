/**
 * Requests that mean harm or mean nothing, as bytes: every route with odd paths, parameters, headers and bodies, and
 * bytes that are no request at all. Request i of a seed is always the same.
 */
import { uniform } from '../../src/core/random.js';

/** Texts that break programs which trust them. */
const NASTY = [
  ...['', '0', '-1', '1e999', 'NaN', '9007199254740993', '99999999999999999999', '0x10', '١', '1.5', ' 7'],
  ...['null', 'undefined', '[object Object]', '__proto__', 'constructor', 'toString', 'a'.repeat(300)],
  ...[
    '../../../etc/passwd',
    '..%2f..%2f',
    '%00',
    '%ff',
    '%zz',
    '\u0000',
    '%F0%9F%98%80',
    '%2e%2e%2f',
    '/',
    '//',
    '\\',
  ],
  ...['<script>alert(1)</script>', "' OR 1=1 --", '$' + '{7*7}', '`id`', '; rm -rf', '%0d%0aX-Injected:%201'],
  ...['true', '[]', '{}', '[1', '16', '7', '0.5', '1', 'cat'],
];

/** Texts that some parameter takes. */
const FINE = ['1', '7', '16', '0.5', '0', 'cat'];

const PATHS = [
  ...[
    '/',
    '/docs',
    '/openapi.json',
    '/metrics',
    '/samples.png',
    '/samples/7.png',
    '/interpolate.webp',
    '/v2',
  ],
  ...['/v2/health/live', '/v2/health/ready', '/v2/models/m', '/v2/models/m/versions/1', '/v2/models/m/ready'],
  ...[
    '/v2/models/m/infer',
    '/v2/models/m/versions/1/infer',
    '/models/m/samples.png',
    '/models/m/samples/3.png',
  ],
  ...['/models/m/interpolate.webp', '/v2/models/none/infer', '/v2/repository/index', '/favicon.ico'],
];

const PARAMETERS = [
  ...[
    'count',
    'seed',
    'from',
    'to',
    'frames',
    'delay',
    'truncation',
    'label',
    'columns',
    'scale',
    'v',
    'model',
  ],
  ...['__proto__', 'constructor[prototype]', 'seed[]', '', 'x'],
];

const METHODS = [
  'GET',
  'GET',
  'GET',
  'POST',
  'POST',
  'HEAD',
  'PUT',
  'DELETE',
  'PATCH',
  'OPTIONS',
  'TRACE',
  'FOO',
  'get',
];

const HEADERS: readonly ((text: string) => string)[] = [
  (text) => `If-None-Match: ${text}`,
  (text) => `Content-Type: ${text}`,
  (text) => `Inference-Header-Content-Length: ${text}`,
  (text) => `Authorization: Bearer ${text}`,
  (text) => `Origin: ${text}`,
  (text) => `Range: bytes=${text}`,
  (text) => `Content-Encoding: ${text}`,
  (text) => `X-Forwarded-For: ${text}`,
  (text) => `Expect: ${text}`,
  (text) => `Accept: ${text}`,
  (text) => `${text}: 1`,
  () => 'Upgrade: websocket\r\nConnection: Upgrade',
  () => 'Transfer-Encoding: chunked\r\nContent-Length: 3',
];

/** Draws numbers for one request. */
function makeDice(seed: number, index: number) {
  const numbers = uniform(seed, 'hostile', index * 256, 256, 0, 1);
  let at = 0;
  const next = (): number => numbers[at++ % 256]!;
  const below = (n: number): number => Math.min(n - 1, Math.floor(next() * n));
  return { next, below, pick: <T>(list: readonly T[]): T => list[below(list.length)]! };
}

type Dice = ReturnType<typeof makeDice>;

const REQUEST = { inputs: [{ name: 'latents', shape: [1, 6], datatype: 'FP32', data: [0, 0, 0, 0, 0, 0] }] };

/** A value that has little to do with what is expected. */
function makeValue({ below, pick, next }: Dice, depth: number): unknown {
  const kind = below(depth > 3 ? 5 : 8);
  if (kind === 0) return pick(NASTY);
  if (kind === 1) return (next() - 0.5) * 10 ** below(40);
  if (kind === 2) return below(100);
  if (kind === 3) return pick([null, true, false]);
  if (kind === 4) return pick(['latents', 'labels', 'images', 'FP32', 'INT32']);
  const dice = { below, pick, next };
  if (kind === 5) return Array.from({ length: below(5) }, () => makeValue(dice, depth + 1));
  const names = [
    'name',
    'shape',
    'datatype',
    'data',
    'parameters',
    'binary_data_size',
    '__proto__',
    'binary_data',
  ];
  return Object.fromEntries(
    Array.from({ length: below(4) }, () => [pick(names), makeValue(dice, depth + 1)]),
  );
}

/** The usual request with one or two of its parts replaced. */
function makeMessage(dice: Dice): unknown {
  const message = structuredClone(REQUEST) as Record<string, unknown>;
  const input = (message.inputs as Record<string, unknown>[])[0]!;
  for (let i = 0; i <= dice.below(2); i++) {
    const place = dice.below(6);
    if (place === 0) message[dice.pick(['id', 'inputs', 'outputs', 'parameters'])] = makeValue(dice, 0);
    else if (place === 1) message.outputs = [{ name: 'images', parameters: makeValue(dice, 0) }];
    else if (place === 2) message.inputs = Array(dice.below(40)).fill(input);
    else input[dice.pick(['name', 'shape', 'datatype', 'data', 'parameters'])] = makeValue(dice, 0);
  }
  return message;
}

function makeBody(dice: Dice): string {
  const kind = dice.below(6);
  if (kind === 0) return '';
  if (kind === 1) return dice.pick(NASTY);
  if (kind === 2) return '['.repeat(1 + dice.below(20_000));
  if (kind === 3)
    return Array.from({ length: dice.below(200) }, () => String.fromCharCode(dice.below(256))).join('');
  const text = JSON.stringify(makeMessage(dice));
  return kind === 4
    ? text
    : text.slice(0, dice.below(text.length)) + dice.pick(NASTY) + text.slice(dice.below(text.length));
}

function makePath(dice: Dice): string {
  const path = dice.pick(PATHS).split('/');
  if (dice.next() < 0.2) path[dice.below(path.length)] = dice.pick(NASTY);
  const query = Array.from(
    { length: dice.below(4) },
    () => `${dice.pick(PARAMETERS)}=${dice.pick(dice.next() < 0.5 ? FINE : NASTY)}`,
  );
  return path.join('/') + (query.length > 0 ? `?${query.join('&')}` : '');
}

/** The bytes of a request, in Latin-1; the connection is to be closed after it. */
export function makeHostileRequest(seed: number, index: number): string {
  const dice = makeDice(seed, index);
  if (dice.next() < 0.05) return makeBody(dice);
  const body = dice.next() < 0.5 ? makeBody(dice) : '';
  const latin = Buffer.from(body, 'utf8').toString('latin1');
  const isJson = dice.next() < 0.4;
  const [method, path] =
    isJson && body ? ['POST', '/v2/models/m/infer'] : [dice.pick(METHODS), makePath(dice)];
  const length = dice.next() < 0.9 ? String(latin.length) : dice.pick(NASTY);
  const odd = dice.next() < 0.3 ? 1 + dice.below(3) : 0;
  const headers = Array.from({ length: odd }, () => dice.pick(HEADERS)(dice.pick(NASTY)));
  const version = dice.next() < 0.97 ? 'HTTP/1.1' : dice.pick(['HTTP/1.0', 'HTTP/2.0', 'HTTP/9', '']);
  const lines = [`${method} ${path} ${version}`, 'Host: a', ...headers];
  if (body) lines.push(`Content-Length: ${length}`);
  return `${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n${latin}`;
}
