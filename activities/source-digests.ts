/** Digests of everything that datasets are read from: a changed byte makes another ingestion. */
import { createHash } from 'node:crypto';
import { digestOf } from '../core/json.ts';
import { filesNamed } from '../judge/datasets/glob.ts';
import type { SourceFile, SourceFiles } from '../judge/datasets/source-files.ts';
import type { DatasetSpec } from '../recipes/recipe.ts';

/** By path or folder as the recipe names it. FILE_MISSING. */
export async function sourceDigests(
  datasets: readonly DatasetSpec[],
  sources: SourceFiles,
  beat: () => void,
): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const spec of datasets) {
    if (spec.reader === 'judge-world') continue;
    const files = spec.reader === 'folder' ? sources.list(spec.path) : filesNamed(sources, spec.path);
    digests[spec.path] ??= await digestAll(files, spec.path, beat);
    const { imageFolder } = spec;
    if (imageFolder !== undefined)
      digests[imageFolder] ??= await digestAll(sources.list(imageFolder), imageFolder, beat);
  }
  return digests;
}

async function digestAll(files: AsyncIterable<SourceFile>, start: string, beat: () => void): Promise<string> {
  const digests: Record<string, string> = {};
  for await (const file of files) {
    digests[file.name.startsWith(start) ? file.name.slice(start.length) : file.name] = await digestFile(file, beat);
  }
  return digestOf(digests);
}

async function digestFile(file: SourceFile, beat: () => void): Promise<string> {
  const hash = createHash('sha256');
  let pieceCount = 0;
  for await (const piece of file.open()) {
    hash.update(piece);
    if (pieceCount++ % 256 === 0) beat();
  }
  return hash.digest('hex');
}
