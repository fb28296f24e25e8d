/** Stores examples of one task's training split as ingestion does. */
import { DatasetWriter } from '../../pipeline/data/dataset-writer.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { Example } from '../../judge/example.ts';

export async function storeTrainingExamples(
  store: ArtifactStore,
  task: string,
  examples: readonly Example[],
): Promise<ArtifactRef> {
  const writer = new DatasetWriter(new JsonCache(store));
  for (const example of examples) await writer.add(example);
  const { length: exampleCount } = examples;
  return writer.store({
    pools: {
      pools: [{ task, split: 'train', exampleCount, exampleCountByLabel: {} }],
      poolOfRow: new Uint16Array(exampleCount),
    },
    ...{ packs: [], quarantine: null, leaks: null, exampleCount, imageCount: 0, quarantinedCount: 0 },
  });
}
