/**
 * Where ONNX Runtime's files lie for the prebuilt bundle, which does not hold them: in `ort/` beside it, unless the
 * page says otherwise. A bundler of one's own finds them by itself and never asks here.
 */
let folder: string | undefined;

/** Sets the folder for everything that is loaded from now on; an absolute address that ends in a slash. */
export function setAssets(address: string | undefined): void {
  folder = address;
}

/**
 * The address of one of ONNX Runtime's files.
 *
 * @param script address of the script that asks
 */
export function assetAddress(name: string, script: string): string {
  return new URL(name, folder ?? new URL('ort/', script)).href;
}
