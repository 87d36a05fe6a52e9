/**
 * The part of ONNX Runtime's module that generators use, from the server to a compiled module. src/web/slim makes it.
 * It starts nothing.
 */
import { partAddress } from './part-address.js';

/** The module; undefined, for the whole, where the server does not give it. */
export async function compilePart(): Promise<WebAssembly.Module | undefined> {
  try {
    const response = await fetch(partAddress());
    if (!response.ok) return undefined;
    // Servers that do not know the type are many.
    const isNamed = response.headers.get('content-type')?.startsWith('application/wasm');
    return await (isNamed
      ? WebAssembly.compileStreaming(response)
      : WebAssembly.compile(await response.arrayBuffer()));
  } catch {
    return undefined;
  }
}
