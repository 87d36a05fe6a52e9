/**
 * MLServer on a free port with one ONNX file, where `GANX_MLSERVER_PYTHON` names a Python that has it.
 * https://mlserver.readthedocs.io
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The Python that has MLServer. */
export const mlserverPython: string | undefined = process.env.GANX_MLSERVER_PYTHON || undefined;

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits until the model is ready. @throws when the program ends before */
async function waitForModel(child: ChildProcess, url: string, said: () => string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/ready`).catch(() => undefined);
    if (answer?.ok) return;
    if (child.exitCode !== null) throw new Error(`MLServer ended with ${child.exitCode}: ${said()}`);
    await sleep(100);
  }
}

/** Starts it with a model named `generator`, described in its settings or not at all. */
export async function startMlserver(
  bytes: Uint8Array,
  description: object,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'ganx-mlserver-'));
  const settings = { name: 'generator', implementation: 'onnx_model.OnnxModel', ...description };
  await copyFile(new URL('inference-server.py', import.meta.url), join(folder, 'onnx_model.py'));
  await writeFile(join(folder, 'model.onnx'), bytes);
  const model = { ...settings, parameters: { uri: './model.onnx' } };
  await writeFile(join(folder, 'model-settings.json'), JSON.stringify(model));
  const ports = [await findFreePort(), await findFreePort(), await findFreePort()];
  const [http, grpc, metrics] = ports;
  await writeFile(
    join(folder, 'settings.json'),
    JSON.stringify({
      host: '127.0.0.1',
      http_port: http,
      grpc_port: grpc,
      metrics_port: metrics,
      parallel_workers: 0,
    }),
  );
  const child = spawn(mlserverPython!, ['-m', 'mlserver.cli.main', 'start', folder], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-2000);
    });
  const ended = once(child, 'exit');
  const close = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${http}/v2/models/generator`;
  try {
    await waitForModel(child, url, () => text);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return { url, close };
}
