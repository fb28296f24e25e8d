/** A checkpoint as users name it: a folder in Hugging Face layout, or a GGUF file, which is opened as such a folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openGguf } from './gguf/gguf-file.ts';
import { writeGgufSmallFiles } from './gguf/write-folder.ts';

export function isGguf(path: string): boolean {
  return path.toLowerCase().endsWith('.gguf');
}

/**
 * Calls `use` with a folder that has the checkpoint's config, tokenizer and templates; weights may be missing.
 * @throws FILE_MISSING, CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED
 */
export async function withSmallFiles<T>(path: string, use: (folder: string) => Promise<T>): Promise<T> {
  if (!isGguf(path)) return use(path);
  const file = await openGguf(path);
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-gguf-'));
  try {
    await writeGgufSmallFiles(file, folder);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
