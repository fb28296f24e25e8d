/** The finished experiments of a store, by the keys of their documents alone. */
import { experimentsPrefix } from './experiments.ts';
import type { ArtifactStore } from './store/artifact-store.ts';

export interface ListedExperiment {
  readonly experimentId: string;
  /** When its document was last written, by the store's clock. */
  readonly finishedAtMs: number;
}

/** In key order. */
export async function* listExperiments({ objects }: ArtifactStore): AsyncGenerator<ListedExperiment> {
  for await (const { key, modifiedAtMs } of objects.list(experimentsPrefix))
    yield { experimentId: idIn(key), finishedAtMs: modifiedAtMs };
}

/** The inverse of `experimentKey`. */
function idIn(key: string): string {
  const escaped = key.slice(experimentsPrefix.length, -'.json'.length);
  return decodeURIComponent(
    escaped.replace(/=([0-9a-f]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16))),
  );
}
