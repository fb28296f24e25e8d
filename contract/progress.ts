/** How a workflow stands: the answer to the query `progress`, and what runs tell their experiment. */
import type { CacheCount } from './activities.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { GateCheck, InspectDataResult } from './retraining.ts';

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
  /** Counts the run's signals to its experiment: signals of one task may arrive out of order. */
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
  /** Started runs, as of their last signal; query a run itself for its newest step. */
  readonly runs: readonly RunProgress[];
  readonly runCount: number;
  readonly evaluations: readonly ScoredRun[];
  readonly cache: CacheCount;
  readonly startedAtMs: number;
  readonly report?: ArtifactRef;
  readonly index?: ArtifactRef;
}

/** Of an ingestion, an evaluation or a judging alone. */
export interface JobProgress {
  readonly state: WorkState;
  /** What is being done right now, as a short phrase. */
  readonly phase: string;
}

export interface RetrainProgress {
  readonly state: WorkState;
  /** What is being done right now, as a short phrase. */
  readonly phase: string;
  readonly name?: string;
  readonly sources: InspectDataResult['sources'];
  readonly experimentId?: string;
  readonly checks: readonly GateCheck[];
  /** The workflow that does the work, where this one only waits for it. */
  readonly followed?: string;
}
