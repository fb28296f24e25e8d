/** What a dataset was read from, according to the manifest of its ingestion: its declarations and the digests of its files. */
import type { Manifest } from '../../artifacts/manifest.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { DatasetSpec } from '../../recipes/recipe.ts';
import type { JsonCache } from '../json-cache.ts';

/** The configuration that `ingest` (ingest.ts) has in its key. */
export interface IngestedFrom {
  readonly datasets: readonly DatasetSpec[];
  /** By path as the recipe names it (source-digests.ts). */
  readonly files: Readonly<Record<string, string>>;
}

/** Throws ARTIFACT_MISSING. */
export async function ingestedFrom(cache: JsonCache, manifest: ArtifactRef): Promise<IngestedFrom> {
  const { config } = (await cache.get(manifest)) as Manifest<unknown>;
  return config as unknown as IngestedFrom;
}
