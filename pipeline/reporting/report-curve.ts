/** The values of each step in a run's log, for the report's curves. */
import { readManifest } from '../../artifacts/manifest.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { RolloutResult, TaskReward } from '../../contract/activities.ts';
import type { CurvePoint, TaskPoint } from '../../judge/report/data.ts';
import type { JsonCache } from '../json-cache.ts';
import type { PairStatistics } from '../../policy/losses/pair-statistics.ts';
import { summaryOf } from '../training/reward.ts';
import { stepRewardsFormat } from '../training/rollout-artifact.ts';
import { isFromRollouts, type StepRecord } from '../policies/step-record.ts';

type Sampled = Pick<RolloutResult, 'rolloutCount' | 'tokenCount' | 'entropyMean'>;

export async function curveOf(cache: JsonCache, records: readonly StepRecord[]): Promise<CurvePoint[]> {
  const points = await Promise.all(records.map((record) => pointsOf(cache, record)));
  return points.flat();
}

async function pointsOf(cache: JsonCache, { update, steps }: StepRecord): Promise<CurvePoint[]> {
  if (!isFromRollouts(update)) {
    return steps.map(({ step, loss, gradientNorm, learningRate, tokenCount }) => ({
      ...{ step, loss, gradientNorm, learningRate, tokenCount },
    }));
  }
  const { prompts } = await cache.getDocument(update.rewards, stepRewardsFormat);
  const { rewardMean, accuracyMean, formatRate, informativeGroupRate, byTask, partMeans } = summaryOf(prompts);
  const sampled = await sampledIn(cache, update.rollouts);
  return steps.map(
    ({
      step,
      loss,
      gradientNorm,
      learningRate,
      tokenCount,
      logProbDifferenceMax,
      samplerKlMean,
      klMean,
      ratio,
      pairs,
    }) => ({
      ...{ step, loss, gradientNorm, learningRate, tokenCount, logProbDifferenceMax },
      ...(samplerKlMean !== undefined && { samplerKlMean }),
      ...(klMean !== undefined && { klMean }),
      ...(ratio && { clippedShare: ratio.clippedShare, ratioMax: ratio.max }),
      ...(pairs && pairsOf(pairs)),
      ...{ reward: rewardMean, accuracy: accuracyMean, formatRate, informativeGroupRate, ...partMeans, ...sampled },
      byTask: byTask.map(pointOf),
    }),
  );
}

function pairsOf({ count, margin, accuracy }: PairStatistics) {
  return {
    pairCount: count,
    ...(margin !== undefined && { pairMargin: margin }),
    ...(accuracy !== undefined && { pairAccuracy: accuracy }),
  };
}

function pointOf({ commonVerdict, onlyVerdict: _, groupCount: _count, ...means }: TaskReward): TaskPoint {
  return { ...means, ...(commonVerdict && { commonVerdictRate: commonVerdict.verdictRate }) };
}

/** Of a step's rollouts, from the manifests of its shards, so that the rollouts are not read; {} without one. */
async function sampledIn(cache: JsonCache, shards: readonly ArtifactRef[]) {
  const found = await Promise.all(
    shards.map(async ({ producer }) =>
      producer === undefined ? undefined : await readManifest(cache.store, producer),
    ),
  );
  const sampled = found.flatMap((made) => (made === undefined ? [] : [made.manifest.summary as Sampled]));
  if (sampled.length < shards.length) return {};
  let [tokenCount, rolloutCount, surprisal] = [0, 0, 0];
  for (const shard of sampled) {
    tokenCount += shard.tokenCount;
    rolloutCount += shard.rolloutCount;
    surprisal += shard.entropyMean * shard.tokenCount;
  }
  const computeMs = found.reduce((sum, made) => sum + (made?.manifest.cost.computeMs ?? 0), 0);
  return {
    entropy: surprisal / Math.max(1, tokenCount),
    completionTokenCount: tokenCount / rolloutCount,
    ...(computeMs > 0 && { rolloutTokensPerSecond: (1000 * tokenCount) / computeMs }),
  };
}
