/** One digest of all that a dataset is read from: what is declared of the sources, and the bytes of their files. */
import { asJson } from '../../artifacts/codecs/json-value.ts';
import { digestOf } from '../../core/json.ts';
import type { DatasetSpec } from '../../recipes/recipe.ts';

/** `files`: by path as the recipe names it (source-digests.ts). Both stand in the manifest of every ingestion. */
export function dataDigestOf(datasets: readonly DatasetSpec[], files: Readonly<Record<string, string>>): string {
  return digestOf(asJson({ datasets, files }));
}
