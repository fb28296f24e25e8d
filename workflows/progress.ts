/** Queries and signals for the progress of workflows, and the sums that they report. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { CacheCount, Made, StageCost } from '../contract/activities.ts';
import type { ExperimentProgress, JobProgress, RetrainProgress, RunProgress } from '../contract/progress.ts';

export const experimentProgressQuery = defineQuery<ExperimentProgress>('progress');
export const jobProgressQuery = defineQuery<JobProgress>('progress');
export const retrainProgressQuery = defineQuery<RetrainProgress>('progress');
export const runProgressQuery = defineQuery<RunProgress>('progress');
/** Sent by a run to its experiment: at changes of state and after some of its steps. */
export const runProgressSignal = defineSignal<[RunProgress]>('runProgress');
/** Stops a run before its next step until it is resumed. An experiment passes both signals on to its runs. */
export const pauseSignal = defineSignal('pause');
export const resumeSignal = defineSignal('resume');

export function addCache(a: CacheCount, b: CacheCount): CacheCount {
  return { hits: a.hits + b.hits, misses: a.misses + b.misses };
}

/** The costs, with the results of one activity added. */
export function addStage(
  costs: readonly StageCost[],
  activity: StageCost['activity'],
  made: readonly Made[],
): readonly StageCost[] {
  const before = costs.find((cost) => cost.activity === activity) ?? {
    activity,
    count: 0,
    cachedCount: 0,
    computeMs: 0,
  };
  const after = {
    activity,
    count: before.count + made.length,
    cachedCount: before.cachedCount + countMade(made).hits,
    computeMs: made.reduce((sum, { computeMs }) => sum + computeMs, before.computeMs),
  };
  return [...costs.filter((cost) => cost !== before), after];
}

export function cacheOf(costs: readonly StageCost[]): CacheCount {
  const hits = costs.reduce((sum, { cachedCount }) => sum + cachedCount, 0);
  return { hits, misses: costs.reduce((sum, { count }) => sum + count, 0) - hits };
}

export function computeMsOf(costs: readonly StageCost[]): number {
  return costs.reduce((sum, { computeMs }) => sum + computeMs, 0);
}

export function countMade(made: readonly { readonly cached: boolean }[]): CacheCount {
  const hits = made.filter(({ cached }) => cached).length;
  return { hits, misses: made.length - hits };
}
