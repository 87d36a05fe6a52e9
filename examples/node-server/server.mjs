/**
 * A server of samples: GET /samples.png?count=16&seed=7 answers with a PNG.
 * Start it with: node server.mjs generator.onnx
 */
import { createServer } from 'node:http';
import { GanError, loadGenerator, toPng } from 'ganx';

const MOST_SAMPLES = 256;
/** Only to read paths against; requests name the path alone. */
const ORIGIN = 'http://localhost';
const generator = await loadGenerator(process.argv[2] ?? 'generator.onnx');

/** One run at a time: a run blocks the event loop anyway, and what waits holds no memory. */
let turn = Promise.resolve();
function inTurn(task) {
  const result = turn.then(task);
  turn = result.catch(() => undefined);
  return result;
}

/** A whole number in a query, as digits only: `Number` alone would take `1e3`, ` 7` and ``. */
function readWhole(query, name, byDefault, least, most) {
  const text = query.get(name) ?? String(byDefault);
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new RangeError(`Expected ${name} as a whole number from ${least} to ${most}.`);
}

function answer(response, code, type, body, headers = {}) {
  response.writeHead(code, { 'content-type': type, 'x-content-type-options': 'nosniff', ...headers });
  response.end(body);
}

async function answerSamples(query, response) {
  const count = readWhole(query, 'count', 16, 1, MOST_SAMPLES);
  const seed = readWhole(query, 'seed', 0, 0, Number.MAX_SAFE_INTEGER);
  const { images } = await inTurn(() => generator.sample({ count, seed }));
  // The same address always means the same image.
  const headers = { 'cache-control': 'public, max-age=86400' };
  answer(response, 200, 'image/png', toPng(images, generator.metadata), headers);
}

const server = createServer(async (request, response) => {
  try {
    if (!URL.canParse(request.url, ORIGIN)) throw new RangeError('Expected an address.');
    const { pathname, searchParams } = new URL(request.url, ORIGIN);
    if (request.method !== 'GET') answer(response, 405, 'text/plain', 'Only GET.\n', { allow: 'GET' });
    else if (pathname !== '/samples.png') answer(response, 404, 'text/plain', 'See /samples.png.\n');
    else await answerSamples(searchParams, response);
  } catch (error) {
    if (error instanceof RangeError) return answer(response, 400, 'text/plain', `${error.message}\n`);
    console.error(error instanceof GanError ? error.message : error);
    answer(response, 500, 'text/plain', 'The samples could not be drawn.\n');
  }
});

server.listen(process.env.PORT ?? 8080, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/samples.png?count=16&seed=7`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => server.close(() => generator.dispose()));
}
