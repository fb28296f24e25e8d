/** A GGUF file as a form of checkpoint. */
import { digestFile } from '../../../artifacts/store/stream-digest.ts';
import type { CheckpointForm } from '../form.ts';
import { architectureOf } from './architectures.ts';
import { type GgufFile, openGguf } from './gguf-file.ts';
import { writeGgufFolder, writeGgufSmallFiles } from './write-folder.ts';

/** @throws FILE_MISSING, CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED */
export async function openGgufForm(path: string): Promise<CheckpointForm | undefined> {
  if (!path.toLowerCase().endsWith('.gguf')) return undefined;
  const file = await openGguf(path);
  return {
    digests: async () => ({ gguf: (await digestFile(path)).sha256 }),
    description: described(file),
    writeSmallFiles: async (folder) => {
      await writeGgufSmallFiles(file, folder);
    },
    writeFolder: (folder) => writeGgufFolder(file, folder),
  };
}

/** Names as in the file, and the number of its tensors by type. */
function described({ metadata, tensors }: GgufFile) {
  const counts = new Map<string, number>();
  for (const { typeName } of tensors) counts.set(typeName, (counts.get(typeName) ?? 0) + 1);
  const name = metadata.text('general.name');
  return {
    form: 'gguf',
    architecture: architectureOf(metadata).name,
    ...(name !== undefined && { name }),
    tensors: [...counts]
      .map(([type, count]) => `${count} ${type}`)
      .sort()
      .join(' + '),
  };
}
