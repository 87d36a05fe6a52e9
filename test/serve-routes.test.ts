/**
 * `ganx serve` for people, as the built program on a real port: pictures and their caching, the pages, the metrics, and
 * what guards them. Pictures are compared with those that the library draws in this process.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decode } from 'fast-png';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadGenerator } from '../src/load-generator.js';
import { type Generator, toPng } from '../src/sample/index.js';
import { expectRefusal, ganx, makeWorkplace } from './support/cli.js';
import { encodeLabelledGenerator } from './support/labelled-generator.js';
import { encodeTinyGenerator, METADATA } from './support/sample-model.js';
import { readMetric, type Served, startServe, stopServe } from './support/serve.js';
import { encodeGoldenGenerator } from './support/served-model.js';

const folder = makeWorkplace();
let server: Served;
let plain: Generator;
let labelled: Generator;

beforeAll(async () => {
  const files = { plain: await encodeGoldenGenerator(), labelled: await encodeLabelledGenerator(3) };
  const { golden: _, ...metadata } = METADATA;
  const pairs = encodeTinyGenerator({ metadata: { ...metadata, imageShape: [6, 5, 2] } });
  writeFileSync(join(folder, 'pairs.onnx'), pairs);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, `${name}.onnx`), bytes);
  plain = await loadGenerator(files.plain, { device: 'cpu', threads: 1 });
  labelled = await loadGenerator(files.labelled, { device: 'cpu', threads: 1 });
  server = await startServe(['plain.onnx', 'labelled.onnx', 'pairs.onnx', '--max-count', '64'], folder);
});

async function get(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${server.url}${path}`, { headers });
  return { response, bytes: new Uint8Array(await response.arrayBuffer()), status: response.status };
}

describe('pictures', () => {
  it.each([
    ['/samples.png?count=5&seed=7', { count: 5, seed: 7 }, {}],
    [
      '/models/plain/samples.png?count=3&seed=9&from=2&truncation=0.5',
      { count: 3, seed: 9, from: 2, truncation: 0.5 },
      {},
    ],
    ['/samples.png?count=4&columns=2&scale=3', { count: 4 }, { columns: 2, scale: 3 }],
    ['/samples.png', { count: 16 }, {}],
    ['/samples/7.png', { seed: 7 }, { scale: 1, padding: 0 }],
    ['/samples/7.png?from=2&scale=4', { seed: 7, from: 2 }, { scale: 4, padding: 0 }],
  ])('of %s are those that the library draws', async (path, samples, options) => {
    const { response, bytes } = await get(path);
    expect(response.headers.get('content-type')).toBe('image/png');
    const { images } = await plain.sample(samples);
    expect(decode(bytes)).toEqual(decode(toPng(images, plain.metadata, options)));
  });

  it.each([
    ['label=1', 1],
    ['label=owl', 2],
  ])('of a class: %s', async (query, label) => {
    const { bytes } = await get(`/models/labelled/samples.png?count=3&seed=4&${query}`);
    const { images } = await labelled.sample({ count: 3, seed: 4, label });
    expect(decode(bytes)).toEqual(decode(toPng(images, labelled.metadata)));
  });

  it('take each class in turn when none is named', async () => {
    const { bytes } = await get('/models/labelled/samples.png?count=5&from=1');
    const { images } = await labelled.sample({ count: 5, from: 1 });
    expect(decode(bytes)).toEqual(decode(toPng(images, labelled.metadata)));
  });

  it('move from one seed to another', async () => {
    const { response, bytes } = await get('/interpolate.webp?from=1&to=2&frames=6&delay=40&scale=2');
    expect(response.headers.get('content-type')).toBe('image/webp');
    const film = await sharp(bytes, { animated: true }).metadata();
    expect(film).toMatchObject({ pages: 6, width: 10, pageHeight: 12, delay: Array(6).fill(40), loop: 0 });
    const first = await sharp(bytes, { page: 0 })
      .resize(5, 6, { kernel: 'nearest' })
      .removeAlpha()
      .raw()
      .toBuffer();
    const { images } = await plain.sample({ seed: 1 });
    expect([...first]).toEqual([...decode(toPng(images, plain.metadata, { scale: 1, padding: 0 })).data]);
  });

  it.each([
    ['/samples.png?count=0', 400, 'count'],
    ['/samples.png?count=65', 400, 'from 1 to 64'],
    ['/samples.png?count=1e1', 400, 'count'],
    ['/samples.png?count=1&count=2', 400, 'one value'],
    ['/samples.png?sed=1', 400, 'parameters of count, seed'],
    ['/samples.png?seed=9007199254740992', 400, 'seed'],
    ['/samples.png?truncation=1.1', 400, 'truncation'],
    ['/samples.png?truncation=', 400, 'truncation'],
    ['/samples.png?label=0', 400, 'has none'],
    ['/models/labelled/samples.png?label=cow', 400, 'a class'],
    ['/models/labelled/samples.png?label=3', 400, 'a class'],
    ['/models/nobody/samples.png', 404, 'no model'],
    ['/models/__proto__/samples.png', 404, 'no model'],
    ['/samples.png?v=0123', 404, 'version'],
    ['/samples/x.png', 404, 'nothing'],
    ['/samples/99999999999999999.png', 404, 'nothing'],
    ['/samples/9999999999999999.png', 400, 'seed'],
    ['/interpolate.webp?frames=1', 400, 'frames'],
    ['/models/pairs/samples/1.png', 400, 'grey or RGB'],
    ['/models/pairs/interpolate.webp', 400, 'grey or RGB'],
    ['/../package.json', 404, 'nothing'],
    ['/%2e%2e/%2e%2e/etc/passwd', 404, 'nothing'],
    ['/%zz', 400, ''],
  ])('refuse %s with %i', async (path, status, part) => {
    const { response, bytes } = await get(path);
    expect(response.status).toBe(status);
    expect(JSON.parse(new TextDecoder().decode(bytes))).toEqual({ error: expect.stringContaining(part) });
    expect(response.headers.get('etag')).toBeNull();
  });
});

describe('caches', () => {
  it('are told what changes, and which address does not', async () => {
    const { response, bytes } = await get('/samples/3.png');
    expect(response.headers.get('cache-control')).toBe('public, no-cache');
    const pinned = response.headers.get('content-location')!;
    expect(pinned).toMatch(/^\/samples\/3\.png\?v=[0-9a-f]{16}$/);
    const again = await get(pinned);
    expect(again.response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(again.response.headers.get('etag')).toBe(response.headers.get('etag'));
    expect(again.bytes).toEqual(bytes);
  });

  it('get a 304 without a drawing', async () => {
    const path = '/samples.png?count=2&seed=5';
    const etag = (await get(path)).response.headers.get('etag')!;
    expect(etag).toMatch(/^"[\w-]{27}"$/);
    const before = await readMetric(server.url, 'ganx_batch_images_sum{model="plain"}');
    for (const header of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const { status, bytes, response } = await get(path, { 'if-none-match': header });
      expect({ status, size: bytes.length, etag: response.headers.get('etag') }).toEqual({
        status: 304,
        size: 0,
        etag,
      });
    }
    expect(await readMetric(server.url, 'ganx_batch_images_sum{model="plain"}')).toBe(before);
    expect((await get(path, { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it('tell pictures apart by everything that they depend on', async () => {
    const paths = [
      ...['/samples/1.png', '/samples/2.png', '/samples/1.png?scale=2', '/samples/1.png?truncation=0.5'],
      ...[
        '/samples.png?count=1&seed=1',
        '/models/labelled/samples/1.png',
        '/models/labelled/samples/1.png?label=1',
      ],
      ...['/interpolate.webp', '/interpolate.webp?delay=90', '/interpolate.webp?frames=9'],
    ];
    const tags = await Promise.all(paths.map(async (path) => (await get(path)).response.headers.get('etag')));
    expect(new Set(tags).size).toBe(paths.length);
  });
});

describe('pages', () => {
  it('show samples, with no script and nothing from elsewhere', async () => {
    const { response, bytes } = await get('/?seed=3&count=9');
    const html = new TextDecoder().decode(bytes);
    const [, source] = /<img src="([^"]+)" alt="9 images that plain drew from seed 3"/.exec(html) ?? [];
    const image = await get(source!.replaceAll('&amp;', '&'));
    expect(image.response.headers.get('cache-control')).toContain('immutable');
    expect(html).not.toMatch(/<script|https?:|javascript:/);
    const [, style] = /<style>([\s\S]*?)<\/style>/.exec(html)!;
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style));
    const policy = response.headers.get('content-security-policy')!;
    expect(policy).toContain(`style-src 'sha256-${Buffer.from(digest).toString('base64')}'`);
    expect(policy).toContain("default-src 'none'");
    for (const name of ['seed', 'count', 'truncation'])
      expect(html).toMatch(new RegExp(`<label>[^<]+<input name="${name}"`));
    expect(html).toContain('color-scheme: light dark');
    expect(html).toContain('<html lang="en">');
  });

  it('offer classes and other models, and let nothing of the address through as markup', async () => {
    const html = new TextDecoder().decode((await get('/?model=labelled&label=dog')).bytes);
    expect(html).toContain('<option value="dog" selected>dog</option>');
    expect(html).toMatch(/<a href="\/\?model=plain">plain<\/a>/);
    const bad = await get('/?model=labelled&label=%3Cscript%3E');
    expect(bad.status).toBe(400);
    expect(bad.response.headers.get('content-type')).toContain('application/json');
  });

  it('document every route', async () => {
    const document = JSON.parse(new TextDecoder().decode((await get('/openapi.json')).bytes));
    expect(document.openapi).toMatch(/^3\./);
    const paths = [
      '/samples.png',
      '/samples/{seed}.png',
      '/models/{model}/interpolate.webp',
      '/v2/models/{model}/infer',
    ];
    for (const path of paths) expect(Object.keys(document.paths)).toContain(path);
    const html = new TextDecoder().decode((await get('/docs')).bytes);
    for (const path of Object.keys(document.paths)) expect(html).toContain(path);
  });

  it('count for Prometheus', async () => {
    const text = new TextDecoder().decode((await get('/metrics')).bytes);
    const names = [
      ...[
        'ganx_http_requests_total',
        'ganx_http_request_duration_seconds_bucket',
        'ganx_batch_images_bucket',
      ],
      ...['ganx_queue_images', 'ganx_workers{model="plain",state="idle"}', 'process_resident_memory_bytes'],
    ];
    for (const name of names) expect(text).toContain(name);
    expect(text).toMatch(/ganx_http_requests_total\{method="GET",route="\/samples\/:seed.*code="200"\} \d+/);
  });
});

describe('the log', () => {
  it('has a JSON object for each request', async () => {
    await get('/samples/77.png?scale=2');
    const path = '/samples/77.png?scale=2';
    while (!server.log().includes(path)) await sleep(5);
    const lines = server
      .log()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.find(({ url }) => url === path)).toMatchObject({
      ...{ level: 30, msg: 'request', method: 'GET', status: 200, ip: '127.0.0.1', ms: expect.any(Number) },
    });
  });
});

describe('a guarded server', () => {
  it('wants its token for all but its health, and lets pages of named origins read', async () => {
    const line = ['plain.onnx', '--cors', 'https://a.example,https://b.example', '--workers', '1'];
    const { url, ...guarded } = await startServe(line, folder, { GANX_TOKEN: 'correct-horse' });
    const ask = (path: string, headers: Record<string, string> = {}) => fetch(`${url}${path}`, { headers });
    for (const path of ['/', '/samples/1.png', '/metrics', '/v2', '/docs', '/nowhere', '/v2/models/plain']) {
      const refused = await ask(path);
      expect({ path, status: refused.status }).toEqual({ path, status: 401 });
      expect(refused.headers.get('www-authenticate')).toBe('Bearer');
      expect(await refused.json()).toEqual({ error: expect.any(String) });
    }
    for (const authorization of ['Bearer wrong', 'Basic correct-horse', 'Bearer correct-hors', 'Bearer', ''])
      expect((await ask('/samples/1.png', { authorization })).status).toBe(401);
    for (const path of ['/v2/health/live', '/v2/health/ready']) expect((await ask(path)).status).toBe(200);
    const headers = { authorization: 'Bearer correct-horse', origin: 'https://b.example' };
    const given = await ask('/samples/1.png', headers);
    expect(given.status).toBe(200);
    expect(given.headers.get('cache-control')).toBe('private, no-cache');
    expect(given.headers.get('access-control-allow-origin')).toBe('https://b.example');
    const other = await ask('/samples/1.png', { ...headers, origin: 'https://c.example' });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
    const asked = await fetch(`${url}/v2/models/plain/infer`, {
      method: 'OPTIONS',
      headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' },
    });
    expect(asked.headers.get('access-control-allow-origin')).toBe('https://a.example');
    expect(await stopServe({ url, ...guarded })).toBe(0);
  });

  it('lets one address ask only so often', async () => {
    const limited = await startServe(['plain.onnx', '--rate', '5', '--workers', '1'], folder);
    const answers = await Promise.all(Array.from({ length: 8 }, () => fetch(`${limited.url}/v2`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
    const late = answers.find(({ status }) => status === 429)!;
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await late.json()).toEqual({ error: expect.any(String) });
    expect((await fetch(`${limited.url}/v2/health/live`)).status).toBe(200);
    const lost = await Promise.all(Array.from({ length: 6 }, (_, i) => fetch(`${limited.url}/lost/${i}`)));
    expect(lost.map(({ status }) => status)).toContain(429);
    await stopServe(limited);
  });

  it('sends the headers that browsers heed', async () => {
    const { response } = await get('/samples/1.png');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    expect(response.headers.get('x-powered-by')).toBeNull();
  });
});

describe('the command line', () => {
  it.each([
    [['nowhere.onnx'], 'Expected a file that can be read'],
    [['plain.onnx', 'plain.onnx'], 'NAME=plain.onnx'],
    [['plain.onnx', '--port', '70000'], '--port'],
    [['plain.onnx', '--max-batch', '0'], '--max-batch'],
  ])('refuses %j', async (line, part) => {
    expectRefusal(await ganx(['serve', ...line, '--device', 'cpu'], folder), part);
  });

  it('says which port is taken', async () => {
    const { stderr, code } = await ganx(['serve', 'plain.onnx', '--port', String(server.port)], folder);
    expect(stderr).toContain('Expected a free port');
    expect(code).toBe(1);
  });
});
