/** How an experiment or a run stands: the answer to the `progress` query, and what runs tell their experiment. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { CacheCount, Made, StageCost } from '../contract/activities.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';

export type WorkState =
  | 'preparing'
  | 'ingesting'
  | 'training'
  | 'evaluating'
  | 'reporting'
  | 'waiting'
  | 'paused'
  | 'no-new-data'
  | 'held-back'
  | 'rejected'
  | 'promoted'
  | 'done'
  | 'failed'
  | 'cancelled';

/** One finished optimizer step (or, for supervised runs, the last step of one activity). */
export interface StepRow {
  readonly step: number;
  /** Means over the step's rollouts; supervised steps have none. */
  readonly reward?: number;
  readonly accuracy?: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Activities of this step that were found instead of made. */
  readonly cachedCount: number;
}

export interface RunProgress {
  readonly runName: string;
  readonly workflowId: string;
  readonly arm: string;
  readonly seed: number;
  readonly state: WorkState;
  /** What is being done right now, as a short phrase. */
  readonly phase: string;
  /** Steps that are finished. */
  readonly step: number;
  readonly stepCount: number;
  /** The newest step. */
  readonly last?: StepRow;
  /** Rewards of all steps, a mark for one or more of them: `▁▂▃▅▇`. */
  readonly rewardLine?: string;
  readonly cache: CacheCount;
  readonly computeMs: number;
  readonly startedAtMs: number;
  /** The newest checkpoint manifest. */
  readonly checkpoint: ArtifactRef;
  /** How often the run has told its experiment: signals of one task may arrive in another order than they were sent. */
  readonly toldCount?: number;
}

export interface TaskMacroF1 {
  readonly task: string;
  readonly split: string;
  readonly ood: boolean;
  readonly macroF1: number;
}

/** A run that has been evaluated; its scores are in the experiment's index. */
export interface ScoredRun {
  readonly runName: string;
  /** Mean over the tasks that were trained on; left out where there are none. */
  readonly macroF1?: number;
}

export interface ExperimentProgress {
  readonly experimentId: string;
  readonly recipeName: string;
  readonly recipeDigest: string;
  readonly state: WorkState;
  readonly phase: string;
  /** Of all runs together. */
  readonly step: number;
  readonly stepCount: number;
  /** Runs that have started, as they last told; ask a run itself for its newest step. */
  readonly runs: readonly RunProgress[];
  readonly runCount: number;
  readonly evaluations: readonly ScoredRun[];
  readonly cache: CacheCount;
  readonly startedAtMs: number;
  readonly report?: ArtifactRef;
  readonly index?: ArtifactRef;
}

export const experimentProgressQuery = defineQuery<ExperimentProgress>('progress');
export const runProgressQuery = defineQuery<RunProgress>('progress');
/** A run tells its experiment how it stands: at changes of state and after some of its steps. */
export const runProgressSignal = defineSignal<[RunProgress]>('runProgress');
/** A run stops before its next step and waits; an experiment passes both on to its runs. */
export const pauseSignal = defineSignal('pause');
export const resumeSignal = defineSignal('resume');

export function addCache(a: CacheCount, b: CacheCount): CacheCount {
  return { hits: a.hits + b.hits, misses: a.misses + b.misses };
}

/** The costs with one more kind's results in them. */
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
