/**
 * Hostile requests against every route of the built program, some thousands of them from a seed: none ends the server,
 * none is answered with a 500, and memory stays where it was. `GANX_FUZZ` sets how many.
 */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeWorkplace } from './support/cli.js';
import { makeHostileRequest } from './support/hostile-requests.js';
import { encodeLabelledGenerator } from './support/labelled-generator.js';
import { readMetric, readToEnd, startServe, stopServe } from './support/serve.js';

const folder = makeWorkplace();
const COUNT = Number(process.env.GANX_FUZZ ?? 10_000);
const CLIENTS = 32;

describe('a server', () => {
  it(`outlives ${COUNT} hostile requests`, async () => {
    writeFileSync(join(folder, 'm.onnx'), await encodeLabelledGenerator(3));
    const line = ['m.onnx', '--workers', '1', '--log-level', 'error', '--max-count', '64'];
    const server = await startServe(line, folder);
    const codes = new Map<string, number>();
    const faults: string[] = [];

    const ask = async (index: number): Promise<void> => {
      const request = makeHostileRequest(1, index);
      const socket = connect(server.port, '127.0.0.1');
      const answer = readToEnd(socket);
      socket.write(Buffer.from(request, 'latin1'));
      // Some are not whole, and the server waits for the rest.
      const timer = setTimeout(() => socket.end(), 500);
      const text = await answer;
      clearTimeout(timer);
      const [, code = 'none'] = /^HTTP\/1\.1 (\d{3}) /.exec(text) ?? [];
      codes.set(code, (codes.get(code) ?? 0) + 1);
      const isFault = /^5(?!03)/.test(code) || text.includes('root:') || /^x-injected/im.test(text);
      if (isFault) faults.push(`${index} ${code}: ${request.slice(0, 300)}`);
    };
    const run = async (from: number, to: number): Promise<void> => {
      let next = from;
      const work = async (): Promise<void> => {
        while (next < to) await ask(next++);
      };
      await Promise.all(Array.from({ length: CLIENTS }, work));
    };

    // The first part warms everything up; memory is compared from there on.
    const warm = Math.floor(COUNT / 4);
    await run(0, warm);
    const before = await readMetric(server.url, 'process_resident_memory_bytes');
    await run(warm, COUNT);
    const after = await readMetric(server.url, 'process_resident_memory_bytes');
    expect(faults).toEqual([]);
    expect(server.log()).toBe('');
    // There was something of everything: pictures, refusals, addresses that are not there, broken requests.
    expect([...codes.keys()]).toEqual(expect.arrayContaining(['200', '400', '404', '415', '417']));
    expect(after - before).toBeLessThan(64e6);
    expect(await readMetric(server.url, 'ganx_accepted_images')).toBe(0);
    expect((await fetch(`${server.url}/samples/1.png`)).status).toBe(200);
    expect(await stopServe(server)).toBe(0);
  });
});
