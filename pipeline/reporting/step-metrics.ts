/** Everything that was measured in the steps of a run, as numbers by name, for export. */
import pMap from 'p-map';
import { readManifest } from '../../artifacts/manifest.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { classOf, hasClasses } from '../../judge/kinds/table.ts';
import { isFromRollouts, type RlUpdate, type StepOutcome, stepRecordFormat } from '../policies/step-record.ts';
import { summaryOf, verdictCounts } from '../training/reward.ts';
import { type PromptRewards, rewardedRollouts, type RolloutShard } from '../training/rollout-artifact.ts';

/** Values by name; those of one task are named `<measure>/<task>`. A step lacks what was not measured in it. */
export interface StepMetrics {
  /** 0-based. */
  readonly step: number;
  readonly values: Readonly<Record<string, number>>;
}

const readCountMax = 8;

/** All steps of the records, in order. Throws ARTIFACT_MISSING, ARTIFACT_CORRUPT. */
export async function metricsOfRecords(store: ArtifactStore, records: readonly ArtifactRef[]): Promise<StepMetrics[]> {
  return (await pMap(records, (ref) => stepMetrics(store, ref), { concurrency: readCountMax })).flat();
}

async function stepMetrics(store: ArtifactStore, ref: ArtifactRef): Promise<StepMetrics[]> {
  const { update, steps } = await store.getDocument(ref, stepRecordFormat);
  if (!isFromRollouts(update)) return steps.map(({ step, ...outcome }) => ({ step, values: numbersIn(outcome) }));
  const { rewards, shards } = await rewardedRollouts(store, update);
  const sampling = await secondsOf(store, update.rollouts);
  const updating = await secondsOf(store, [ref]);
  return steps.map(({ step, ...outcome }) => ({
    step,
    values: {
      ...rewardValues(rewards.prompts, update),
      ...rolloutValues(shards, sampling),
      ...numbersIn(outcome),
      ...(updating !== undefined && { updateTokensPerSecond: outcome.tokenCount / updating }),
    },
  }));
}

/** Whatever an update records as a number is exported under its name; that of `ratio.max` is `ratioMax`. */
function numbersIn({ ratio, pairs, bad, ...outcome }: Omit<StepOutcome, 'step'>): Record<string, number> {
  const named = (prefix: string, values: object = {}) =>
    Object.entries(values).map(([name, value]: [string, unknown]) => {
      return [`${prefix}${name.charAt(0).toUpperCase()}${name.slice(1)}`, value] as const;
    });
  const flags = bad ? [['isBad', 1] as const, ['isSkipped', Number(bad.skipped)] as const] : [];
  const all = [...Object.entries(outcome), ...flags, ...named('ratio', ratio), ...named('pair', pairs)];
  return Object.fromEntries(all.filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
}

function rewardValues(prompts: readonly PromptRewards[], { prompting }: RlUpdate): Record<string, number> {
  const { byTask, partMeans, rewardMean, accuracyMean, formatRate, informativeGroupRate, groupCount } =
    summaryOf(prompts);
  const values: Record<string, number> = {
    ...{ rewardMean, accuracyMean, formatRate, informativeGroupRate, groupCount },
    ...partMeans,
  };
  for (const { task, reward, accuracy, format } of byTask) {
    Object.assign(values, {
      ...{ [`reward/${task}`]: reward, [`accuracy/${task}`]: accuracy, [`format/${task}`]: format },
    });
    const spec = prompting.tasks[task];
    if (spec === undefined || !hasClasses(spec)) continue;
    const counts = verdictCounts(prompts.filter((prompt) => prompt.task === task));
    for (const [name, ofKind] of Object.entries(counts))
      for (const [label, count] of ofKind) {
        const key = `${name}/${task}/${classOf(spec, label)}`;
        values[key] = (values[key] ?? 0) + count;
      }
  }
  return values;
}

function rolloutValues(shards: readonly RolloutShard[], seconds: number | undefined): Record<string, number> {
  const rollouts = shards.flatMap(({ prompts }) => prompts.flatMap((prompt) => prompt.rollouts));
  const lengths = rollouts.map(({ tokenIds }) => tokenIds.length);
  const sampledCount = lengths.reduce((sum, length) => sum + length, 0);
  return {
    rolloutCount: rollouts.length,
    completionTokenMean: mean(lengths),
    completionTokenMax: lengths.reduce((max, length) => Math.max(max, length), 0),
    truncatedRate: mean(rollouts.map(({ finishReason }) => Number(finishReason === 'length'))),
    entropyMean: -rollouts.reduce((sum, { logProbs }) => logProbs.reduce((a, b) => a + b, sum), 0) / sampledCount,
    ...(seconds !== undefined && { rolloutTokensPerSecond: sampledCount / seconds }),
  };
}

/** Compute time of the activities that made these artifacts; undefined if that is not known. */
async function secondsOf(store: ArtifactStore, refs: readonly ArtifactRef[]): Promise<number | undefined> {
  const costs = await Promise.all(
    refs.map(async ({ producer }) =>
      producer === undefined ? undefined : (await readManifest(store, producer))?.manifest.cost.computeMs,
    ),
  );
  const totalMs = costs.reduce((sum: number, cost) => sum + (cost ?? Number.NaN), 0);
  return totalMs > 0 ? totalMs / 1000 : undefined;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
