/** Reads promoted names from the store, without Temporal. */
import type { PromotedVersion } from '../../contract/retraining.ts';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { type NameDocument, readName, versionOf } from '../../artifacts/registry.ts';
import { promotedFormat } from '../../pipeline/promotion/promoted-format.ts';
import { MtrlError } from '../../core/errors.ts';

/**
 * The version for `NAME` or `NAME@VERSION`; undefined for other text, and for a NAME without a promoted version. Throws
 * NOT_FOUND for a version that does not exist.
 */
export async function promotedAs(store: ArtifactStore, text: string): Promise<PromotedVersion | undefined> {
  const parts = /^([a-z0-9][a-z0-9-]*)(?:@(\d+))?$/.exec(text);
  if (parts === null) return undefined;
  const [, name = '', version] = parts;
  const document = await readName(store, name);
  if (version === undefined && document.current === null) return undefined;
  return contentOf(store, document, version === undefined ? document.current : Number(version));
}

/** Throws NOT_FOUND. */
export async function requireName(store: ArtifactStore, name: string): Promise<NameDocument> {
  const document = await readName(store, name);
  if (document.revision > 0) return document;
  throw new MtrlError('NOT_FOUND', 'no judge has been promoted to this name', { where: name });
}

export async function contentOf(
  store: ArtifactStore,
  document: NameDocument,
  version: number | null,
): Promise<PromotedVersion> {
  return store.getDocument(versionOf(document, version).artifact, promotedFormat);
}

/** The version and its origin, as in the JSON documents of the verbs. */
export function shownVersion({ name, version, checkpoint, ...rest }: PromotedVersion) {
  const { experimentId, runName, mode, promotedAt, approvedBy, gate, recipe, dataset } = rest;
  return {
    ...{ name, version, policy: { uri: checkpoint.uri, sha256: checkpoint.sha256 }, mode, experimentId, runName },
    ...{
      promotedAt,
      approvedBy: approvedBy ?? null,
      gate: gate?.uri ?? null,
      recipe: recipe.uri,
      dataset: dataset.uri,
    },
  };
}
