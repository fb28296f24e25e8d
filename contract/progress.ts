/** Status of workflows: results of the query `progress`, and signals from runs to their experiment. */
import type { CacheCount, CommonVerdict, RewardPartMeans } from './activities.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { CeilingReached } from './ceilings.ts';
import type { BadSteps, Incidents } from './guards.ts';
import type { GateCheck, InspectDataResult } from './retraining.ts';
import type { Validated } from './validation.ts';

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

/** One finished step (for supervised runs, the last step of an activity). */
export interface StepRow extends RewardPartMeans {
  readonly step: number;
  /** Means over the step's rollouts; undefined for supervised steps. */
  readonly reward?: number;
  readonly accuracy?: number;
  readonly formatRate?: number;
  /** Share of groups whose rewards differ. */
  readonly informativeGroupRate?: number;
  /** Mean of -log p over the sampled tokens, nats. */
  readonly entropy?: number;
  /** Mean tokens of a completion. */
  readonly completionTokenCount?: number;
  /** k3 estimate of the KL divergence from the reference, nats per token; only with a KL term. */
  readonly klMean?: number;
  /** Largest absolute difference between rollout and trainer log-probs, nats. */
  readonly logProbDifferenceMax?: number;
  /** Steps by which the policy that sampled is older than the one that is trained; only if the arm samples ahead. */
  readonly stalenessStepCount?: number;
  /** k3 estimate of KL(sampler || trainer), nats per token. */
  readonly samplerKlMean?: number;
  /** Share of clipped ratios over the step's updates; only if it has several. */
  readonly clippedShare?: number;
  /** Of DPO: mean margin of the step's pairs under the implicit reward; absent without pairs. */
  readonly pairMargin?: number;
  /** Tokens sampled by second of compute. */
  readonly rolloutTokensPerSecond?: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Absent if the step's numbers are good. */
  readonly bad?: BadSteps;
  /** Number of this step's activities that were cache hits. */
  readonly cachedCount: number;
}

export interface CollapsedTask {
  readonly task: string;
  readonly verdict: string;
  /** First of the steps with this verdict alone. */
  readonly sinceStep: number;
}

export interface LeaningTask extends CommonVerdict {
  readonly task: string;
}

export interface RunProgress {
  readonly runName: string;
  readonly workflowId: string;
  readonly arm: string;
  readonly seed: number;
  readonly state: WorkState;
  /** Current work, as a short phrase. */
  readonly phase: string;
  /** Number of finished steps. */
  readonly step: number;
  readonly stepCount: number;
  /** The newest step. */
  readonly last?: StepRow;
  /** Sparkline of the rewards of all steps; a mark stands for one or more steps: `▁▂▃▅▇`. */
  readonly rewardLine?: string;
  /** Tasks that get the same verdict whatever is shown, step after step. */
  readonly collapsed?: readonly CollapsedTask[];
  /** Tasks whose newest step gave one verdict far more often than its label comes. */
  readonly leaning?: readonly LeaningTask[];
  /** What happened because of bad numbers; absent if nothing did. */
  readonly incidents?: Incidents;
  /** The ceiling at which the run ended before its last step. */
  readonly ceiling?: CeilingReached;
  /** Scores on the validation split: the selected one so far, and the newest. */
  readonly validation?: { readonly best: Validated; readonly last: Validated };
  readonly cache: CacheCount;
  readonly computeMs: number;
  readonly startedAtMs: number;
  /** The newest checkpoint manifest. */
  readonly checkpoint: ArtifactRef;
  /** Number of the run's signals to its experiment: those of one workflow task may arrive out of order. */
  readonly toldCount?: number;
}

export interface TaskMacroF1 {
  readonly task: string;
  readonly split: string;
  readonly ood: boolean;
  /** Absent if verdicts are no classes. */
  readonly macroF1?: number;
}

/** A run that has been evaluated; its scores are in the experiment's index. */
export interface ScoredRun {
  readonly runName: string;
  /** Mean over the tasks that are not out-of-distribution; undefined if there are none. */
  readonly macroF1?: number;
}

export interface ExperimentProgress {
  readonly experimentId: string;
  readonly recipeName: string;
  readonly recipeDigest: string;
  readonly state: WorkState;
  readonly phase: string;
  /** Number of finished steps of all runs. */
  readonly step: number;
  readonly stepCount: number;
  /** Started runs, as of their last signal; query a run itself for its newest step. */
  readonly runs: readonly RunProgress[];
  readonly runCount: number;
  readonly evaluations: readonly ScoredRun[];
  readonly cache: CacheCount;
  readonly startedAtMs: number;
  readonly report?: ArtifactRef;
  readonly index?: ArtifactRef;
}

/** Status of a workflow without runs: ingestion, evaluation, judging, promotion or rollback. */
export interface JobProgress {
  readonly state: WorkState;
  /** Current work, as a short phrase. */
  readonly phase: string;
}

export interface RetrainProgress {
  readonly state: WorkState;
  /** Current work, as a short phrase. */
  readonly phase: string;
  readonly name?: string;
  readonly sources: InspectDataResult['sources'];
  readonly experimentId?: string;
  readonly checks: readonly GateCheck[];
  /** Id of the workflow that does the work, if this one only waits for it. */
  readonly followed?: string;
}
