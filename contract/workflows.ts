/**
 * Inputs and results of the workflows that train, evaluate and judge. `experiment` also takes the recipe itself, as
 * JSON.
 */
import type {
  ArmPlan,
  CacheCount,
  EvaluateResult,
  EvaluationPlan,
  IngestResult,
  PolicyState,
  PrepareResult,
  RunSummary,
  SampledStep,
  StageCost,
} from './activities.ts';
import type { Fork, SharedRun } from './fork.ts';
import type { JudgeRowsResult, ReadRowsInput, ReadRowsResult } from './judged-rows.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { EndpointUsage } from '../judge/evaluation/endpoint-usage.ts';
import type { AnswerMode } from '../judge/example.ts';
import type { AbsentData } from '../recipes/fields/absent-data-field.ts';
import type { Taken } from './ceilings.ts';
import type { Incidents } from './guards.ts';
import type { Budget } from './messages.ts';
import type { StepRow, TaskMacroF1 } from './progress.ts';
import type { Selection } from './validation.ts';

/** The second argument of `experiment`. */
export interface ExperimentOptions {
  /** A stored policy to start from instead of the recipe's. */
  readonly initial?: RunInput['initial'];
  /** Steps shared with the runs of another experiment (workflows/plan-fork.ts). */
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

/**
 * State that an experiment carries through continue-as-new, between two waves of runs, when no child workflow is open.
 */
export interface ExperimentCarry {
  readonly startedAtMs: number;
  readonly prepared: PrepareResult;
  readonly ingestion: IngestResult;
  readonly initial: RunInput['initial'];
  readonly cache: CacheCount;
  readonly paused: boolean;
  /** Evaluated runs, wave by wave. */
  readonly done: readonly DoneRun[];
}

export interface DoneRun {
  readonly runName: string;
  readonly evaluated: ArtifactRef;
  readonly macroF1?: number;
  /** Final snapshot; only if another run starts from it. */
  readonly snapshot?: ArtifactRef;
}

/** The experiment to which a child workflow belongs. */
export interface ExperimentRef {
  readonly experimentId: string;
  readonly recipeName: string;
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
}

export interface RunInput extends ExperimentRef {
  readonly plan: ArmPlan;
  /** The policy that this run starts from: a snapshot with an empty log. */
  readonly initial: { readonly policy: PolicyState; readonly checkpoint: ArtifactRef };
  /** The first steps of another run, if this run shares them. */
  readonly shared?: SharedRun;
  /** Maximum number of progress signals after steps; an experiment divides a fixed number among the runs of a wave. */
  readonly tellCountMax?: number;
  /** Only on continue-as-new. */
  readonly carried?: RunCarry;
}

/** State that a run carries through continue-as-new; its size does not grow with the length of the run. */
export interface RunCarry {
  readonly startedAtMs: number;
  readonly mixture: RunMixture;
  readonly budget: Budget;
  /** The next step. */
  readonly step: number;
  readonly policy: PolicyState;
  /** The next step's rollouts and rewards, if the run samples ahead and they are there. */
  readonly ahead?: SampledStep;
  readonly checkpoint: ArtifactRef;
  readonly stages: readonly StageCost[];
  /** The newest steps, for the table in the current details. */
  readonly rows: readonly StepRow[];
  /** Undefined in the history of an earlier version. */
  readonly rewardTrace?: RewardTrace;
  /** Undefined in the history of an earlier version. */
  readonly toldCount?: number;
  /** Undefined in the history of an earlier version. */
  readonly uniform?: UniformTasks;
  /** Of a run with validation, from its first one on. */
  readonly selection?: Selection;
  readonly paused: boolean;
  /** Task queue of the worker that holds the policy, if one does. */
  readonly heldBy?: string;
  /** Whether an operator has changed the budget. */
  readonly budgetChanged?: boolean;
  /** Of an arm with guards. */
  readonly guards?: GuardState;
  /** Of an arm with ceilings. */
  readonly taken?: Taken;
}

/** What a run keeps for its guards; its size does not grow with the run. */
export interface GuardState {
  readonly incidents: Incidents;
  /** Collapsed steps in a row, up to the newest step. */
  readonly collapsedStepCount: number;
  /** The newest that the run can go back to, the last one first to be used. */
  readonly snapshots: readonly GoodSnapshot[];
  /** Whether the run went back and has made no snapshot since. */
  readonly isFreshlyRewound: boolean;
}

/** A snapshot that a run can go back to: the steps just before it are not collapsed. */
export interface GoodSnapshot {
  readonly step: number;
  readonly policy: PolicyState;
  readonly checkpoint: ArtifactRef;
  readonly mixture: RunMixture;
  readonly selection?: Selection;
}

/** By task: the verdict of all rollouts of its last steps, the first of these steps, and their number. */
export type UniformTasks = Readonly<
  Record<string, { readonly verdict: string; readonly sinceStep: number; readonly stepCount: number }>
>;

/** Decides which examples the next steps see. */
export interface RunMixture {
  readonly plan: ArtifactRef;
  /** Steps in the run's budget when the mixture was planned. */
  readonly plannedStepCount: number;
  /** Curriculum: rewards of the steps since the mixture was planned. */
  readonly rewards: readonly ArtifactRef[];
}

export interface RunResult {
  readonly summary: RunSummary;
  /** The last step, if there was one. */
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
  /** Data that the recipe is without, because it is missing. */
  readonly absent?: readonly AbsentData[];
  readonly ingestion: IngestResult;
}

/** A stored policy. */
export type PolicySource =
  | { readonly kind: 'state'; readonly policy: PolicyState; readonly checkpoint: ArtifactRef }
  | { readonly kind: 'checkpoint'; readonly checkpoint: ArtifactRef };

export interface EvaluatePolicyInput {
  /** As the user wrote it. */
  readonly recipe: unknown;
  readonly mode: AnswerMode;
  /** Default: the recipe's own policy. */
  readonly source?: PolicySource;
  /** Instead: the arm of the recipe whose endpoint is asked. */
  readonly asked?: string;
  /** Fits a calibration on the judgments, which must be of the split `val` and have label probabilities. */
  readonly calibrate?: boolean;
}
export interface EvaluatePolicyResult {
  readonly recipeName: string;
  readonly recipeDigest: string;
  /** Data that the recipe is without, because it is missing. */
  readonly absent?: readonly AbsentData[];
  readonly ingestion: IngestResult;
  readonly checkpoint: ArtifactRef;
  readonly mode: AnswerMode;
  readonly evaluations: readonly EvaluateResult[];
  /** JSON: PixelBaseline[]; absent in results of earlier versions. */
  readonly pixelBaselines?: ArtifactRef;
  /** With `calibrate`. */
  readonly calibration?: ArtifactRef;
  readonly cache: CacheCount;
}

export interface JudgeBatchInput {
  readonly rows: ReadRowsInput;
  readonly mode: AnswerMode;
  readonly source?: PolicySource;
  /** Instead: the arm of the recipe whose endpoint is asked. */
  readonly asked?: string;
  /** Adds calibrated probabilities to the rows. */
  readonly calibration?: ArtifactRef;
}
export interface JudgeBatchResult {
  readonly read: ReadRowsResult;
  readonly checkpoint: ArtifactRef;
  readonly judged: JudgeRowsResult;
  /** What the answers took, if an endpoint gave them. */
  readonly usage?: EndpointUsage;
}

/** The rewards of a whole run, averaged so that they fit a line. */
export interface RewardTrace {
  /** Steps per mean: a power of two. */
  readonly stepCountPerMean: number;
  readonly means: readonly number[];
  /** Rewards of the newest steps, which no mean includes yet: fewer than `stepCountPerMean`. */
  readonly rest: readonly number[];
}
