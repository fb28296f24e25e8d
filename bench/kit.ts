/**
 * `npm run bench -- kit`: writes one archive with which a Linux machine without network, npm and Node checks its GPU
 * and times GRPO steps on it (`kit/check`, docs/backends.md). The programs are in bench/offline-kit.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MtrlError } from '../core/errors.ts';
import { projectRoot } from '../core/project.ts';
import { build } from '../infra/build.mjs';
import { kitContents } from './offline-kit/contents.ts';
import { writeArchive } from './offline-kit/write-archive.ts';

export const byteLengthMax = 60 * 2 ** 20;

export async function bench(log: (line: string) => void) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new MtrlError('SETUP_FAILED', 'the kit is packed on the platform that it is for', {
      found: `${process.platform}-${process.arch}`,
      hint: 'run it on Linux, x86-64',
    });
  }
  await build(projectRoot, ['bench', 'test']);
  const { files, packages, loader } = kitContents(projectRoot);
  log(loader === undefined ? 'no libvulkan.so.1 on this machine: the kit carries none' : `Vulkan loader: ${loader}`);
  const made = { node: process.version, packages, vulkanLoader: loader ?? null };
  const folder = join(projectRoot, '.mtrl');
  const path = join(folder, 'kit.tar.gz');
  mkdirSync(folder, { recursive: true });
  log(`packing ${String(files.length)} files`);
  const archive = await writeArchive(
    [...files, { path: 'kit.json', from: { text: `${JSON.stringify(made, null, 1)}\n` } }],
    path,
  );
  if (archive.byteLength > byteLengthMax) {
    rmSync(path);
    throw new MtrlError('SETUP_FAILED', 'the kit is larger than it may be', {
      found: `${String(archive.byteLength)} of ${String(byteLengthMax)} bytes`,
      hint: 'pack with a smaller Node (20 compresses to 36 MB), or leave files out in bench/offline-kit/contents.ts',
    });
  }
  log(`on the other machine: tar xf kit.tar.gz && kit/check`);
  return { path, fileCount: files.length + 1, ...archive, byteLengthMax, ...made };
}
