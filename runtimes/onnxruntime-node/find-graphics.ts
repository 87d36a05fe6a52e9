/**
 * Whether a GPU is worth a try, told by the files and variables that drivers leave: a look that costs nothing, before
 * a process is started or a library of some hundred megabytes is loaded to find out the same. It opens no device.
 */

/** The Vulkan loader's own variables for the drivers that it shall use; the first that is set counts. */
const DRIVER_VARIABLES = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'];

/** SwiftShader and Mesa's lavapipe compute on the CPU, many times slower than the CPU itself does. */
const SOFTWARE = /swiftshader|lvp_icd|lavapipe/i;

/** The driver in software that the Vulkan loader is told to use, when it is told to use no other. */
function findSoftwareDriver(): string | undefined {
  const paths = DRIVER_VARIABLES.map((name) => process.env[name] || undefined).find(Boolean) ?? '';
  const names = paths
    .split(process.platform === 'win32' ? ';' : ':')
    .map((path) => path.split(/[/\\]/).at(-1)!);
  return names.every((name) => SOFTWARE.test(name)) ? names[0] : undefined;
}

/** Linux: NVIDIA's control device, and the one that Windows lends to its guests. */
const NVIDIA = ['nvidiactl', 'dxg'];
/** Linux: the folder of graphics cards, too. */
const ANY = [...NVIDIA, 'dri'];

async function hasDevice(names: readonly string[]): Promise<boolean> {
  const { existsSync } = await import('node:fs');
  return names.some((name) => existsSync(`/dev/${name}`));
}

/**
 * Why a device is not worth a try here.
 *
 * @param device a device of onnxruntime-node
 * @returns undefined when only a try can tell
 */
export async function findReasonAgainst(device: string): Promise<string | undefined> {
  if (device === 'cpu') return undefined;
  if (device === 'webgpu') {
    const driver = findSoftwareDriver();
    if (driver) return `${driver} is a driver in software, slower than the CPU; name the device to use it.`;
  }
  if (process.platform !== 'linux') return undefined;
  if (device === 'cuda' && !(await hasDevice(NVIDIA))) return 'No NVIDIA driver was found.';
  if (device === 'webgpu' && !(await hasDevice(ANY))) return 'No graphics card was found.';
  return undefined;
}
