/** One digest of everything that a dataset is read from: the declarations of the sources, and the bytes of their files. */
import { asJson } from '../../artifacts/codecs/json-value.ts';
import { digestOf } from '../../core/json.ts';
import type { DatasetSpec } from '../../recipes/recipe.ts';

/** `files`: by path as in the recipe (source-digests.ts). Both are in the manifest of every ingestion. */
export function dataDigestOf(datasets: readonly DatasetSpec[], files: Readonly<Record<string, string>>): string {
  return digestOf(asJson({ datasets, files }));
}
