/** `ganx serve`: generators over HTTP, until Ctrl-C or SIGTERM. */
import { basename } from 'node:path';
import { loadRuntime, runtimeNames } from '../../runtimes/index.js';
import { expected } from '../core/errors.js';
import { createServer, type ServerOptions } from '../serve/index.js';
import { anyText, type FlagValues, knownName, wholeNumber } from './flags.js';
import { latentFlags, readDescription } from './latent-flags.js';
import { openLogStream } from './log-stream.js';
import { printNote } from './print.js';
import { abortOnSignal } from './stop.js';
import type { Verb } from './verb.js';

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

const flags = {
  host: { describe: 'address to listen on; 0.0.0.0 for all', initially: '127.0.0.1', read: anyText },
  port: { alias: 'p', describe: '0 for any free one', initially: 8080, read: wholeNumber(0, 65_535) },
  runtime: {
    describe: `library: ${runtimeNames.join(', ')}`,
    initially: 'the best that works',
    read: knownName(runtimeNames),
  },
  device: { describe: 'cpu, webgpu, cuda, wasm, …, or auto', initially: 'auto', read: anyText },
  workers: {
    describe: 'threads of each model, which each hold it in memory',
    initially: 'one for each core',
    read: wholeNumber(1, 1024),
  },
  threads: {
    describe: 'threads of one operator in each worker',
    initially: 'the cores divided among the workers',
    read: wholeNumber(1, 1024),
  },
  ...latentFlags,
  maxBatch: { describe: 'most images in one run', initially: 64, read: wholeNumber(1, 4096) },
  maxWait: {
    describe: 'most microseconds that a run waits for as many images as came together lately',
    initially: "5000, or a quarter of a run's time while others run",
    read: wholeNumber(0, 1_000_000),
  },
  maxQueue: {
    describe: 'images of a model that are accepted and not yet answered; above it, 503',
    initially: 1024,
    read: wholeNumber(1, 1_000_000),
  },
  maxCount: { describe: 'most images in one request', initially: 256, read: wholeNumber(1, 65_536) },
  deadline: {
    describe: 'milliseconds for a whole answer',
    initially: 30_000,
    read: wholeNumber(1, 3_600_000),
  },
  maxConnections: { describe: 'connections at a time', initially: 1024, read: wholeNumber(1, 65_536) },
  rate: {
    describe: 'requests a minute from one address, 0 for any number',
    initially: '6000, on 127.0.0.1 any number',
    read: wholeNumber(0, 1_000_000_000),
  },
  trustProxy: { describe: 'callers are those of X-Forwarded-For; only behind a proxy that sets it' },
  token: { describe: 'bearer token that requests need; better in GANX_TOKEN', read: anyText },
  cors: { describe: 'origins whose pages may read answers, by commas; * for all', read: anyText },
  reloadEvery: {
    describe: 'milliseconds between looks at the files, 0 for none',
    initially: 1000,
    read: wholeNumber(0, 3_600_000),
  },
  notice: {
    describe: 'milliseconds after SIGTERM in which connections are still taken, for load balancers',
    initially: 0,
    read: wholeNumber(0, 600_000),
  },
  logLevel: {
    describe: `${LEVELS.join(', ')}: JSON lines on stdout`,
    initially: 'info',
    read: knownName(LEVELS),
  },
};

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];
const BUSY_RATE = 6000;

/** `digits=run/generator.onnx`, or a file that gives its own name. */
function readModels(paths: readonly string[]): Record<string, string> {
  const models: Record<string, string> = {};
  for (const text of paths) {
    const [, given, rest] = /^([A-Za-z0-9_][A-Za-z0-9_.-]*)=(.+)$/.exec(text) ?? [];
    const path = rest ?? text;
    const name =
      given ??
      basename(path)
        .replace(/\.onnx$/i, '')
        .replace(/[^A-Za-z0-9_.-]/g, '-');
    if (Object.hasOwn(models, name))
      throw expected('serve', 'models of different names', name, `Name them: \`NAME=${path}\`.`);
    models[name] = path;
  }
  return models;
}

/** Fails early where the port is taken, with what to do. */
function explainListening(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE')
    return expected('serve', 'a free port', port, 'Another program listens there: give another --port.');
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return expected('--host', 'an address of this machine', host, 'Try 127.0.0.1 or 0.0.0.0.');
  if (error.code === 'EACCES')
    return expected('serve', 'a port that you may listen on', port, 'Give a --port from 1024.');
  return error;
}

async function runServe(
  values: FlagValues<typeof flags>,
  _path: string,
  paths: readonly string[],
): Promise<void> {
  const { host = '127.0.0.1', port = 8080, runtime, device, notice = 0, logLevel = 'info' } = values;
  const {
    trustProxy,
    workers,
    threads,
    maxBatch,
    maxQueue,
    maxCount,
    maxConnections,
    maxWait,
    deadline,
    reloadEvery,
  } = values;
  const token = values.token ?? (process.env.GANX_TOKEN || undefined);
  const describe = readDescription(values);
  const isLocal = LOOPBACK.includes(host);
  if (runtime) await loadRuntime(runtime);
  const options: ServerOptions = {
    models: readModels(paths),
    load: {
      ...(runtime ? { runtime } : {}),
      ...(device ? { device } : {}),
      ...(workers ? { workers } : {}),
      ...(threads ? { threads } : {}),
      ...(describe ? { describe } : {}),
    },
    ...{ maxBatch, maxQueue, maxCount, maxConnections, token, trustProxy },
    maxWaitUs: maxWait,
    deadlineMs: deadline,
    reloadEveryMs: reloadEvery,
    ratePerMinute: values.rate ?? (isLocal ? 0 : BUSY_RATE),
    cors: values.cors?.split(',').map((origin) => origin.trim()),
    logger: { level: logLevel, stream: openLogStream() },
  };
  const server = await createServer(options);
  const { signal, release } = abortOnSignal(() =>
    printNote('\nFinishing what was accepted; again to end at once.'),
  );
  try {
    const address = await server.listen(host, port).catch((error: NodeJS.ErrnoException) => {
      throw explainListening(error, host, port);
    });
    for (const line of server.describe()) printNote(line);
    printNote(`Listening on ${address}`);
    if (!isLocal && token === undefined)
      printNote('Whoever reaches this address can use it: GANX_TOKEN sets a token.');
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  } finally {
    await server.close(notice);
    release();
  }
}

export const serveVerb: Verb<typeof flags> = {
  name: 'serve',
  describe: 'serve generators over HTTP',
  path: { name: 'file', describe: 'a generator.onnx, or NAME=generator.onnx', many: true },
  flags,
  examples: [
    ['serve generator.onnx', 'pictures at http://127.0.0.1:8080, the Open Inference Protocol at /v2'],
    ['serve digits=a/generator.onnx faces=b/generator.onnx --port 9000', 'two models'],
    ['serve generator.onnx --host 0.0.0.0 --rate 600 --cors https://example.org', 'for other machines'],
  ],
  run: runServe,
};
