/** The files of a checkpoint that training never changes: config, tokenizer, templates. */
import { isTensorFile } from '../../artifacts/codecs/safetensors-folder.ts';
import type { FolderManifest } from '../../artifacts/store/files.ts';

export function smallFiles({ files }: FolderManifest): FolderManifest['files'] {
  return Object.fromEntries(Object.entries(files).filter(([name]) => !isTensorFile(name)));
}
