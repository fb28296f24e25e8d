/** What a dataset was read from, by the manifest of its ingestion: its declarations and the digests of its files. */
import type { Manifest } from '../../artifacts/manifest.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { DatasetSpec } from '../../recipes/recipe.ts';
import type { JsonCache } from '../json-cache.ts';

/** The parts of the configuration in the key of `ingest` (ingest.ts) that are needed here. */
export interface IngestedFrom {
  readonly datasets: readonly DatasetSpec[];
  /** Digests by path as in the recipe (source-digests.ts). */
  readonly files: Readonly<Record<string, string>>;
}

/** Throws ARTIFACT_MISSING. */
export async function ingestedFrom(cache: JsonCache, manifest: ArtifactRef): Promise<IngestedFrom> {
  const { config } = (await cache.get(manifest)) as Manifest<unknown>;
  return config as unknown as IngestedFrom;
}
