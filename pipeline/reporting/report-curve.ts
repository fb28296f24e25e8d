/** The values of each step in a run's log, for the report's curves. */
import type { CurvePoint } from '../../judge/report/data.ts';
import type { JsonCache } from '../json-cache.ts';
import { summaryOf } from '../training/reward.ts';
import type { StepRewards } from '../training/rollout-artifact.ts';
import { isFromRollouts, type StepRecord } from '../policies/step-record.ts';

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
  const { prompts } = (await cache.get(update.rewards)) as StepRewards;
  const { rewardMean, accuracyMean, formatRate, informativeGroupRate, byTask } = summaryOf(prompts);
  return steps.map(({ step, loss, gradientNorm, learningRate, tokenCount, logProbDifferenceMax, ratio }) => ({
    ...{ step, loss, gradientNorm, learningRate, tokenCount, logProbDifferenceMax },
    ...(ratio && { clippedShare: ratio.clippedShare }),
    ...{ reward: rewardMean, accuracy: accuracyMean, formatRate, informativeGroupRate, byTask },
  }));
}
