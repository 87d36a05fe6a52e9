/** Samples in an app of your own: `node server.mjs generator.onnx`, then /samples.png?count=16&seed=7 */
import Fastify from 'fastify';
import { loadGenerator, toPng } from 'ganx';

const generator = await loadGenerator(process.argv[2] ?? 'generator.onnx', { workers: 2 });
const whole = (minimum, maximum, byDefault) => ({ type: 'integer', minimum, maximum, default: byDefault });
const properties = { count: whole(1, 256, 16), seed: whole(0, Number.MAX_SAFE_INTEGER, 0) };
const schema = { querystring: { type: 'object', properties } };
const app = Fastify({ logger: true, keepAliveTimeout: 5000 });
app.get('/samples.png', { schema }, async ({ query: { count, seed } }, reply) => {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const { images } = await generator.sample({ count, seed, signal: gone.signal });
  reply.type('image/png').header('cache-control', 'public, max-age=31536000, immutable');
  return toPng(images, generator.metadata);
});
app.addHook('onClose', () => generator.dispose());
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close());
await app.listen({ port: Number(process.env.PORT ?? 8080) });
