/** Contents of artifacts for `lineage`: counts, and the first few items by name. */
import { type DatasetArtifact, type StoredExample, datasetFormat } from '../../pipeline/data/dataset-artifact.ts';
import {
  type RolloutShard,
  type StepRewards,
  rolloutShardFormat,
  stepRewardsFormat,
} from '../../pipeline/training/rollout-artifact.ts';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import type { Contents } from '../../artifacts/ancestry.ts';
import type { Manifest } from '../../artifacts/manifest.ts';
import { rowsAt } from '../../artifacts/codecs/row-table.ts';

const shownCountMax = 3;

type ContentsByName = Readonly<Record<string, Contents>>;

/** Throws ARTIFACT_MISSING, ARTIFACT_CORRUPT. */
export async function contentsOf(
  store: ArtifactStore,
  { activity, outputs }: Manifest<unknown>,
): Promise<ContentsByName> {
  const { dataset, rollouts, rewards } = outputs;
  if (activity === 'ingest' && dataset) return inDataset(store, await store.getDocument(dataset, datasetFormat));
  if (activity === 'rollout' && rollouts) return inRollouts(await store.getDocument(rollouts, rolloutShardFormat));
  if (activity === 'reward' && rewards) return inRewards(await store.getDocument(rewards, stepRewardsFormat));
  return {};
}

async function inDataset(store: ArtifactStore, dataset: DatasetArtifact): Promise<ContentsByName> {
  const rowCount = Math.min(shownCountMax, dataset.examples.rowCount);
  const shown = await rowsAt<StoredExample>(store, dataset.examples, [...Array(rowCount).keys()]);
  const images = [...new Set(shown.flatMap((example) => example.images))].slice(0, shownCountMax);
  return {
    rows: { count: dataset.exampleCount, examples: shown.map(({ id }) => id) },
    images: { count: dataset.imageCount, examples: images },
    ...(dataset.quarantinedCount > 0 && { 'quarantined rows': { count: dataset.quarantinedCount, examples: [] } }),
  };
}

function inRollouts({ prompts }: RolloutShard): ContentsByName {
  const completions = prompts.flatMap(({ rollouts }) => rollouts.map(({ text }) => text));
  return {
    prompts: { count: prompts.length, examples: prompts.slice(0, shownCountMax).map(({ exampleId }) => exampleId) },
    completions: {
      count: completions.length,
      examples: completions.slice(0, shownCountMax),
    },
  };
}

function inRewards({ prompts }: StepRewards): ContentsByName {
  const rewards = prompts.flatMap(({ rollouts }) => rollouts.map(({ reward }) => String(reward.value)));
  return { rewards: { count: rewards.length, examples: rewards.slice(0, shownCountMax) } };
}
