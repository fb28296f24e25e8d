/** Digests of everything that datasets are read from: a changed byte causes a new ingestion. */
import { createHash } from 'node:crypto';
import { required } from '../../core/assert.ts';
import { digestOf } from '../../core/json.ts';
import { filesNamed } from '../../judge/datasets/sources/glob.ts';
import type { SourceFile, SourceFiles } from '../../judge/datasets/sources/source-files.ts';
import type { DatasetSpec } from '../../recipes/recipe.ts';

/** Digests of files that were read before, by name. A file whose version is unchanged is not read again. */
export type KnownDigests = Map<string, { readonly version: string; readonly sha256: string }>;

/** Returns digests by path or folder as in the recipe. Without `known` every byte is read. Throws FILE_MISSING. */
export async function sourceDigests(
  datasets: readonly DatasetSpec[],
  sources: SourceFiles,
  beat: () => void,
  known?: KnownDigests,
): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  const digestAll = async (files: AsyncIterable<SourceFile>, start: string): Promise<string> => {
    const found: Record<string, string> = {};
    for await (const file of files) {
      found[file.name.startsWith(start) ? file.name.slice(start.length) : file.name] = await digestOnce(
        file,
        beat,
        known,
      );
    }
    return digestOf(found);
  };
  for (const spec of datasets) {
    if (spec.reader === 'judge-world') continue;
    const files = spec.reader === 'folder' ? sources.list(spec.path) : filesNamed(sources, spec.path);
    digests[spec.path] ??= await digestAll(files, spec.path);
    const { imageFolder } = spec;
    if (imageFolder !== undefined) digests[imageFolder] ??= await digestAll(sources.list(imageFolder), imageFolder);
  }
  return digests;
}

/** The digests of the files that one dataset is read from. */
export function digestsOfDataset(
  spec: DatasetSpec,
  digests: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  if (spec.reader === 'judge-world') return {};
  const places = [spec.path, ...(spec.imageFolder === undefined ? [] : [spec.imageFolder])];
  return Object.fromEntries(places.map((place) => [place, required(digests[place], `the digest of ${place}`)]));
}

async function digestOnce(file: SourceFile, beat: () => void, known?: KnownDigests): Promise<string> {
  const version = file.version && `${String(file.byteLength)} ${file.version}`;
  const before = known?.get(file.name);
  beat();
  if (before !== undefined && before.version === version) return before.sha256;
  const sha256 = await digestFile(file, beat);
  if (version !== undefined) known?.set(file.name, { version, sha256 });
  return sha256;
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
