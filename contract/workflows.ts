/** What workflows take and give, beside the recipe: `experiment` takes the recipe itself, as JSON. */
import type {
  ArmPlan,
  CacheCount,
  EvaluateResult,
  EvaluationPlan,
  IngestResult,
  JudgeRowsResult,
  PolicyState,
  PrepareResult,
  ReadRowsInput,
  ReadRowsResult,
  RunSummary,
  StageCost,
} from './activities.ts';
import type { Fork, SharedRun } from './fork.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { AnswerMode } from '../judge/example.ts';
import type { Budget } from './messages.ts';
import type { StepRow, TaskMacroF1 } from './progress.ts';

/** The second argument of `experiment`. */
export interface ExperimentOptions {
  /** A policy that is kept already, to start from instead of the recipe's. */
  readonly initial?: RunInput['initial'];
  /** What runs of another experiment have done already (workflows/plan-fork.ts). */
  readonly fork?: Fork;
}

export interface ExperimentResult {
  readonly experimentId: string;
  readonly recipeName: string;
  readonly recipeDigest: string;
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
  readonly report: ArtifactRef;
  /** JSON: ExperimentIndex, with the results of every run. */
  readonly index: ArtifactRef;
  readonly cache: CacheCount;
  /** Workflow time from the start to the report, pauses included. */
  readonly wallMs: number;
}

/** What one part of an experiment of many runs hands to the next, between two waves of runs: no child is open then. */
export interface ExperimentCarry {
  readonly startedAtMs: number;
  readonly prepared: PrepareResult;
  readonly ingestion: IngestResult;
  readonly initial: RunInput['initial'];
  readonly cache: CacheCount;
  readonly paused: boolean;
  /** Runs that have been evaluated, in the order in which they were started. */
  readonly done: readonly DoneRun[];
}

export interface DoneRun {
  readonly runName: string;
  readonly evaluated: ArtifactRef;
  readonly macroF1?: number;
  /** Only of a run that another one starts from. */
  readonly snapshot?: ArtifactRef;
}

/** What every part of an experiment knows of the whole. */
export interface ExperimentRef {
  readonly experimentId: string;
  readonly recipeName: string;
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
}

export interface RunInput extends ExperimentRef {
  readonly plan: ArmPlan;
  /** The policy this run starts from: an untouched snapshot, with no log. */
  readonly initial: { readonly policy: PolicyState; readonly checkpoint: ArtifactRef };
  /** Another run's first steps, where this one is a fork of it. */
  readonly shared?: SharedRun;
  /** How often it tells its experiment of a step: bounded for all runs of an experiment together. */
  readonly tellCountMax?: number;
  /** Only on continue-as-new. */
  readonly carried?: RunCarry;
}

/** What one part of a long run hands to the next: no more than fits in a few KiB. */
export interface RunCarry {
  readonly startedAtMs: number;
  readonly mixture: RunMixture;
  readonly budget: Budget;
  /** The next step. */
  readonly step: number;
  readonly policy: PolicyState;
  readonly checkpoint: ArtifactRef;
  readonly stages: readonly StageCost[];
  /** The last steps, for the table in the current details. */
  readonly rows: readonly StepRow[];
  /** Left out by versions before it. */
  readonly rewardTrace?: RewardTrace;
  /** Left out by versions before it. */
  readonly toldCount?: number;
  readonly paused: boolean;
  /** An operator has changed the budget. */
  readonly budgetChanged?: boolean;
}

/** Which examples the next steps see. */
export interface RunMixture {
  readonly plan: ArtifactRef;
  /** The run's budget when it was planned. */
  readonly plannedStepCount: number;
  /** Curriculum: of the steps since. */
  readonly rewards: readonly ArtifactRef[];
}

export interface RunResult {
  readonly summary: RunSummary;
  /** The last step, where there was one. */
  readonly last?: StepRow;
  readonly rewardLine?: string;
  readonly cache: CacheCount;
}

export interface EvaluateRunInput extends ExperimentRef {
  readonly run: RunSummary;
  readonly evaluations: readonly EvaluationPlan[];
}

export interface EvaluateRunResult {
  /** JSON: EvaluatedRun. */
  readonly evaluated: ArtifactRef;
  readonly tasks: readonly TaskMacroF1[];
  readonly cache: CacheCount;
}

export interface IngestOnlyResult {
  readonly recipeName: string;
  readonly recipeDigest: string;
  readonly ingestion: IngestResult;
}

/** A policy that is kept already. */
export type PolicySource =
  | { readonly kind: 'state'; readonly policy: PolicyState; readonly checkpoint: ArtifactRef }
  | { readonly kind: 'checkpoint'; readonly checkpoint: ArtifactRef };

export interface EvaluatePolicyInput {
  /** As the user wrote it. */
  readonly recipe: unknown;
  readonly mode: AnswerMode;
  /** The recipe's own policy when left out. */
  readonly source?: PolicySource;
}
export interface EvaluatePolicyResult {
  readonly recipeName: string;
  readonly recipeDigest: string;
  readonly ingestion: IngestResult;
  readonly checkpoint: ArtifactRef;
  readonly mode: AnswerMode;
  readonly evaluations: readonly EvaluateResult[];
  readonly cache: CacheCount;
}

export interface JudgeBatchInput {
  readonly rows: ReadRowsInput;
  readonly mode: AnswerMode;
  readonly source?: PolicySource;
}
export interface JudgeBatchResult {
  readonly read: ReadRowsResult;
  readonly checkpoint: ArtifactRef;
  readonly judged: JudgeRowsResult;
}

/** The rewards of a whole run as far as they fit a line: a mean of as many steps as that takes. */
export interface RewardTrace {
  /** Steps behind each of `means`: a power of two. */
  readonly stepCountPerMean: number;
  readonly means: readonly number[];
  /** Rewards of steps that no mean has yet: fewer than `stepCountPerMean`. */
  readonly rest: readonly number[];
}
