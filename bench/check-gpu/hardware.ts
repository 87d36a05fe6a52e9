/** What graphics hardware this machine has, as far as its drivers tell. Nothing is loaded for it. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { findReasonAgainst } from '../../runtimes/index.js';
import { hasNvidiaDriver } from '../../src/train/index.js';

const QUERY = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'];
const RENDER_NODES = '/dev/dri';

/** A line for each NVIDIA GPU, and the Vulkan drivers that were asked for; never empty. */
export async function describeHardware(): Promise<string[]> {
  const { stdout } = await promisify(execFile)('nvidia-smi', QUERY).catch(() => ({ stdout: '' }));
  const gpus = stdout.split('\n').filter((line) => line.trim() !== '');
  const named = process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES;
  const lines = [
    ...gpus.map((line) => `GPU: ${line}`),
    ...(named
      ? [
          `Vulkan driver: ${named
            .split(':')
            .map((path) => basename(path))
            .join(', ')}`,
        ]
      : []),
  ];
  return lines.length > 0 ? lines : ['No GPU is known here: nvidia-smi does not answer.'];
}

/** Whether there is a GPU at all. */
function hasGpu(): boolean {
  const isRenderNode = (name: string): boolean => name.startsWith('renderD');
  return hasNvidiaDriver() || (existsSync(RENDER_NODES) && readdirSync(RENDER_NODES).some(isRenderNode));
}

/** Whether a device of onnxruntime-node runs in software, which is right and slow: its speed says nothing of a GPU. */
export async function isSoftware(device: string): Promise<boolean> {
  if (device !== 'webgpu') return false;
  // A driver in software may also be named where there is a GPU.
  return !hasGpu() || (await findReasonAgainst({ runtime: 'onnxruntime-node', device })) !== undefined;
}
