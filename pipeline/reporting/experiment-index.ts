/**
 * `experiments/<id>.json`: the starting point of `mtrl report`, `rollouts` and `verify`. Written last, and replaced if
 * the id is used again.
 */
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { jsonBytes, parseJsonBytes } from '../../artifacts/codecs/json-value.ts';
import { experimentKey } from '../../artifacts/experiments.ts';
import { type Format, inFormat } from '../../artifacts/format.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { describeBytes } from '../../artifacts/store/stream-digest.ts';
import { MtrlError } from '../../core/errors.ts';
import { sha256 } from '../../core/json.ts';
import type { PixelBaseline } from '../../contract/pixel-baselines.ts';
import type { AbsentData } from '../../recipes/fields/absent-data-field.ts';
import type { CacheCount, EvaluatedRun, IngestResult } from '../../contract/activities.ts';

export interface ExperimentIndex {
  readonly schema: 1;
  readonly experimentId: string;
  readonly recipe: ArtifactRef;
  readonly ingestion: IngestResult;
  readonly runs: readonly EvaluatedRun[];
  readonly report: ArtifactRef;
  /** The table of arms as files, by extension; absent in experiments of earlier versions. */
  readonly tables?: Readonly<Record<'md' | 'csv' | 'tex', ArtifactRef>>;
  /** Manifests of the report's paired tests, named here so that garbage collection keeps them. */
  readonly comparisons?: readonly ArtifactRef[];
  /** What is fitted to the pixels of the training rows; absent in experiments of earlier versions. */
  readonly pixelBaselines?: readonly PixelBaseline[];
  /** The same as an artifact, which evaluations of the same tasks find; named here so that garbage collection keeps it. */
  readonly pixelBaselinesRef?: ArtifactRef;
  /** Data that the recipe was without, because it was missing. */
  readonly absent?: readonly AbsentData[];
  readonly cache: CacheCount;
  readonly wallMs: number;
}

export const experimentIndexFormat: Format<ExperimentIndex> = { what: 'the document of the experiment', schema: 1 };

export async function putExperimentIndex({ objects }: ArtifactStore, index: ExperimentIndex): Promise<ArtifactRef> {
  const bytes = jsonBytes(index);
  const key = experimentKey(index.experimentId);
  await objects.put(key, bytes);
  return { uri: objects.uriOf(key), sha256: sha256(bytes), byteLength: bytes.byteLength };
}

/**
 * undefined if there is no such experiment, or if it has not succeeded. Throws ARTIFACT_CORRUPT, FORMAT_UNSUPPORTED.
 */
export async function findExperimentIndex(
  { objects }: ArtifactStore,
  experimentId: string,
): Promise<ExperimentIndex | undefined> {
  const key = experimentKey(experimentId);
  const bytes = await objects.get(key);
  if (bytes === undefined) return undefined;
  const where = objects.uriOf(key);
  const value = parseJsonBytes(bytes);
  if (value !== undefined) return inFormat(experimentIndexFormat, value, where);
  throw new MtrlError('ARTIFACT_CORRUPT', 'the document of the experiment is not JSON', {
    ...{ where, found: describeBytes(bytes) },
    hint: 'restore it from a copy, or delete the experiment and run it again: its artifacts are found',
  });
}

/** Throws NOT_FOUND. */
export async function requireExperimentIndex(store: ArtifactStore, experimentId: string): Promise<ExperimentIndex> {
  const index = await findExperimentIndex(store, experimentId);
  if (index !== undefined) return index;
  throw new MtrlError('NOT_FOUND', 'no finished experiment has this id', {
    where: experimentId,
    hint: 'wait until the experiment ends: its results are written then',
  });
}
