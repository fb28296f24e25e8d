/**
 * One digest of everything that a dataset is read from: the declarations of its sources and the bytes of their files.
 */
import { asJson } from '../../artifacts/codecs/json-value.ts';
import { digestOf } from '../../core/json.ts';
import type { DatasetSpec } from '../../recipes/recipe.ts';

/** `files`: digests by path as in the recipe (source-digests.ts). The manifest of every ingestion has both. */
export function dataDigestOf(datasets: readonly DatasetSpec[], files: Readonly<Record<string, string>>): string {
  return digestOf(asJson({ datasets, files }));
}
