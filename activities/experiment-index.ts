/** `experiments/<id>.json`: everything `mtrl report`, `rollouts` and `verify` start from. Written last, replaced when an id is used again. */
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { jsonBytes } from '../artifacts/json-value.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { sha256 } from '../core/json.ts';
import type { CacheCount, EvaluatedRun, IngestResult } from './contract.ts';

export interface ExperimentIndex {
  readonly schema: 1;
  readonly experimentId: string;
  readonly recipe: ArtifactRef;
  readonly ingestion: IngestResult;
  readonly runs: readonly EvaluatedRun[];
  readonly report: ArtifactRef;
  readonly cache: CacheCount;
  readonly wallMs: number;
}

/** Workflow ids may hold anything; keys may not. */
function experimentIndexKey(experimentId: string): string {
  return `experiments/${encodeURIComponent(experimentId).replace(/[%!'()*~]/g, (sign) => `=${sign.charCodeAt(0).toString(16)}`)}.json`;
}

export async function putExperimentIndex({ objects }: ArtifactStore, index: ExperimentIndex): Promise<ArtifactRef> {
  const bytes = jsonBytes(index);
  const key = experimentIndexKey(index.experimentId);
  await objects.put(key, bytes);
  return { uri: objects.uriOf(key), sha256: sha256(bytes), byteLength: bytes.byteLength };
}
