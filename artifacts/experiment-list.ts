/** The finished experiments of a store, by the keys of their documents alone. */
import { experimentsPrefix } from './experiments.ts';
import { textOfKeyPart } from './key-part.ts';
import type { ArtifactStore } from './store/artifact-store.ts';

export interface ListedExperiment {
  readonly experimentId: string;
  /** When its document was last written, by the store's clock. */
  readonly finishedAtMs: number;
}

/** In key order. */
export async function* listExperiments({ objects }: ArtifactStore): AsyncGenerator<ListedExperiment> {
  for await (const { key, modifiedAtMs } of objects.list(experimentsPrefix))
    yield {
      experimentId: textOfKeyPart(key.slice(experimentsPrefix.length, -'.json'.length)),
      finishedAtMs: modifiedAtMs,
    };
}
