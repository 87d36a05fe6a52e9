/**
 * The part of ONNX Runtime's WebAssembly module that generators use: the installed module as it is once it has
 * started (snapshot.mjs), without what was never reached when use was recorded (trim.mjs, record.mjs). Every instruction
 * that is left is ONNX Runtime's own; whatever is missing stops the program, and the page then loads the whole.
 */
import { readRuntime, takeSnapshot } from './snapshot.mjs';
import { trimModule } from './trim.mjs';
import { readUse } from './used.mjs';

/**
 * @param model a small one that the runtime can open
 * @returns the module's bytes
 */
export async function buildSlim(model) {
  const runtime = readRuntime();
  const use = readUse(runtime);
  const { module } = await takeSnapshot(runtime, model);
  return trimModule(module, use);
}
