/** Finds a Vulkan driver for the webgpu provider: the machine's own, or the software driver of a Chromium. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../core/project.ts';
import { compiled } from './compiled.ts';

export type Environment = Readonly<Record<string, string>>;

export interface VulkanDriver {
  readonly name: string;
  /** Must be set when a process starts: the loader reads it then. */
  readonly environment: Environment;
}

const chromiumFolders = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'];

/** The first driver that can create a webgpu session; undefined if there is none. */
export async function findVulkan(): Promise<VulkanDriver | undefined> {
  for (const driver of [{ name: 'the driver of this machine', environment: {} }, ...softwareDrivers()])
    if (await works(driver.environment)) return driver;
  return undefined;
}

function softwareDrivers(): VulkanDriver[] {
  return chromiumFolders.flatMap((folder) => {
    const manifest = join(folder, 'vk_swiftshader_icd.json');
    if (!existsSync(manifest)) return [];
    const shared = { VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest, XDG_RUNTIME_DIR: tmpdir() };
    const name = `SwiftShader of ${folder}`;
    return [
      { name, environment: shared },
      // Chromium's own loader, if the system has none.
      { name: `${name} with its loader`, environment: { ...shared, LD_LIBRARY_PATH: folder } },
    ];
  });
}

async function works(environment: Environment): Promise<boolean> {
  try {
    await runScript('policy/runtime/list-providers.ts', ['onnxruntime/webgpu', '--strict'], environment);
    return true;
  } catch {
    return false;
  }
}

/**
 * Runs a script of the project in a process of its own.
 * @returns its last line, parsed
 */
export async function runScript(path: string, args: readonly string[], environment: Environment): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [compiled(path), ...args], {
    cwd: projectRoot,
    env: { ...process.env, ...environment },
    maxBuffer: 64 * 1024 ** 2,
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}
