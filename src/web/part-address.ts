/**
 * Where the part of ONNX Runtime's module lies that generators use; src/web/slim makes it. In the prebuilt bundle it
 * lies beside the scripts, and build-site.mjs puts another function in this one's place.
 */

/** The absolute address. */
export function partAddress(): string {
  // Bundlers look for exactly this expression.
  return new URL('../../site/ganx-ort.wasm', import.meta.url).href;
}
