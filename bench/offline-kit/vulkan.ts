/**
 * Finds the environment in which this machine's Vulkan driver works: the machine's own; the kit's loader if the machine
 * has none; a manifest for NVIDIA's driver if its libraries are there and no manifest is, as in many containers.
 */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../core/project.ts';
import { type Ran, runProgram } from './run-program.ts';

export interface VulkanDevice {
  readonly name: string;
  readonly kind: 'other' | 'integrated GPU' | 'discrete GPU' | 'virtual GPU' | 'CPU';
}

export type Environment = Readonly<Record<string, string>>;

export interface Vulkan {
  readonly environment: Environment;
  readonly devices: readonly VulkanDevice[];
  /** The attempt that found them. */
  readonly by: string;
}

/** Folders of the kit. */
export const loaderFolder = 'lib';
export const manifestFolder = 'share/vulkan';

/** Libraries that hold NVIDIA's driver: the second needs no X11. */
export const nvidiaLibraries = ['libGLX_nvidia.so.0', 'libEGL_nvidia.so.0'] as const;

const attemptMs = 15_000;

/** Undefined if no attempt finds a device; `tried` says what each one found. */
export async function findVulkan(): Promise<{ readonly vulkan?: Vulkan; readonly tried: readonly string[] }> {
  const tried: string[] = [];
  let software: Vulkan | undefined;
  for (const [by, environment] of attempts(await needsLoader())) {
    const ran = await devicesIn(environment);
    const devices = ran.lines as unknown as readonly VulkanDevice[];
    tried.push(`${by}: ${devices.length > 0 ? devices.map(({ name }) => name).join(', ') : ran.reason || 'no device'}`);
    if (devices.length === 0) continue;
    const vulkan = { environment, devices, by };
    if (devices.some(({ kind }) => kind !== 'CPU')) return { vulkan, tried };
    software ??= vulkan;
  }
  return { ...(software && { vulkan: software }), tried };
}

function devicesIn(environment: Environment): Promise<Ran> {
  return runProgram(new URL('./vulkan-devices.ts', import.meta.url), [], environment, attemptMs);
}

async function needsLoader(): Promise<boolean> {
  const { end, reason } = await devicesIn({});
  return end === 'failed' && reason.includes('Failed to load shared library');
}

function attempts(needsOwnLoader: boolean): [by: string, environment: Environment][] {
  const folder = join(projectRoot, loaderFolder);
  const loader = needsOwnLoader && existsSync(folder);
  const former = process.env['LD_LIBRARY_PATH'];
  const common = {
    // A driver needs a folder for its sockets.
    ...(process.env['XDG_RUNTIME_DIR'] === undefined && { XDG_RUNTIME_DIR: tmpdir() }),
    ...(loader && { LD_LIBRARY_PATH: former === undefined ? folder : `${former}:${folder}` }),
  };
  const by = `${loader ? "the kit's loader" : "the machine's loader"}, `;
  return [
    [`${by}the machine's drivers`, common],
    ...nvidiaLibraries.map((library): [string, Environment] => {
      const manifest = join(projectRoot, manifestFolder, `${library}.json`);
      return [`${by}${library}`, { ...common, VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest }];
    }),
  ];
}

/** What a manifest of a driver says (the loader's VkLayer and ICD interface). */
export function manifestOf(library: string): string {
  const ICD = { library_path: library, api_version: '1.3.0' };
  return `${JSON.stringify({ file_format_version: '1.0.0', ICD }, null, 2)}\n`;
}
