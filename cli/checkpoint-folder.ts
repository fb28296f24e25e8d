/** A checkpoint as a user names it: a folder in Hugging Face layout. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MtrlError } from '../core/errors.ts';

const hint =
  'name a folder in Hugging Face layout (config.json, tokenizer.json, *.safetensors), as `mtrl export` writes it';

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Returns the path. Throws USAGE if it is missing, a file, or a folder without config.json. */
export function requireCheckpointFolder(path: string): string {
  if (!isFolder(path)) {
    const found = existsSync(path) ? 'a file' : 'nothing';
    throw new MtrlError('USAGE', 'the path must be a checkpoint folder', { where: path, found, hint });
  }
  if (existsSync(join(path, 'config.json'))) return path;
  throw new MtrlError('USAGE', 'the folder is not a checkpoint', { where: path, found: 'no config.json', hint });
}
