/** A checkpoint on this machine as a user names it: a folder in Hugging Face layout, or a GGUF file. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MtrlError } from '../core/errors.ts';

const hint =
  'name a folder in Hugging Face layout (config.json, tokenizer.json, *.safetensors), as `mtrl export` writes it, or a .gguf file';

/** Whether the path names something that could be a checkpoint: a folder, or a file that ends in .gguf. */
export function isLocalCheckpoint(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() === true || (found !== undefined && path.toLowerCase().endsWith('.gguf'));
}

/** Returns the path. Throws USAGE if it is missing, another file, or a folder without config of a model or an adapter. */
export function requireCheckpoint(path: string): string {
  if (!isLocalCheckpoint(path)) {
    const found = existsSync(path) ? 'a file' : 'nothing';
    throw new MtrlError('USAGE', 'the path must be a checkpoint folder', { where: path, found, hint });
  }
  const names = ['config.json', 'adapter_config.json'];
  if (statSync(path).isFile() || names.some((name) => existsSync(join(path, name)))) return path;
  throw new MtrlError('USAGE', 'the folder is not a checkpoint', { where: path, found: 'no config.json', hint });
}
