/** Sessions in threads keep the contract of sessions, all of it. Needs a built `dist`: threads run JavaScript. */
import { loadRuntime } from '../runtimes/index.js';
import { GanError } from '../src/core/errors.js';
import type { Runtime, Session } from '../src/core/types.js';
import { testRuntime } from './support/test-runtime.js';

const BUILT = new URL('../dist/src/workers/sessions.js', import.meta.url);
const { openSessions } = (await import(BUILT.href)) as typeof import('../src/workers/sessions.js');

/** An error of the built program as one of the sources'. */
async function adopt<T>(promise: Promise<T>): Promise<T> {
  return await promise.catch(({ code, where, message }: GanError) => {
    throw new GanError(code, where, message.replace(`[${where}] `, ''));
  });
}

const runtime = await loadRuntime('onnxruntime-node');
const open: Runtime['open'] = async (bytes, options): Promise<Session> => {
  const session = await adopt(openSessions(bytes, runtime.name, options, 2));
  return {
    ...session,
    run: (...given) => adopt(session.run(...given)),
    dispose: () => adopt(session.dispose()),
  };
};

await testRuntime({ ...runtime, open }, 'cpu');
