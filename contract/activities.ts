/**
 * Payloads of activities, as JSON: refs and small summaries. Workflows import only these types. A result that extends
 * `Made` reports whether it was a cache hit, and its compute time.
 */
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { TaskScores } from '../judge/evaluation/task-scores.ts';
import type { AnswerMode, Split } from '../judge/example.ts';
import type { Pools } from '../recipes/fields/pools-field.ts';
import type { Objective } from '../recipes/recipe.ts';
import type { StepRow } from './progress.ts';
import type { AdmitInput, AdmitResult } from './admission.ts';
import type { CalibrateInput, CalibrateResult } from './calibration.ts';
import type {
  EvaluateEndpointInput,
  EvaluateEndpointResult,
  JudgeRowsEndpointInput,
  JudgeRowsEndpointResult,
} from './endpoints.ts';
import type { PlanForkInput, PlanForkResult } from './fork.ts';
import type { CeilingReached, CeilingsSpec } from './ceilings.ts';
import type { GuardPlan, Incidents } from './guards.ts';
import type { OptimizeInput, OptimizeResult } from './optimize.ts';
import type { JudgeRowsInput, JudgeRowsResult, ReadRowsInput, ReadRowsResult } from './judged-rows.ts';
import type { PixelBaselinesInput, PixelBaselinesResult } from './pixel-baselines.ts';
import type { PrepareInput, PrepareResult } from './preparation.ts';
import type { AverageSnapshotsInput, SnapshotInput, SnapshotResult } from './snapshots.ts';
import type { StepInput, StepResult } from './step.ts';
import type { RunSelection, ValidationPlan } from './validation.ts';

export type { PrepareInput, PrepareResult, TaskScores };

export interface Made {
  /** The manifest stored under the activity's key: inputs, config, outputs, cost. */
  readonly manifest: ArtifactRef;
  readonly cached: boolean;
  /** Compute time, in milliseconds; 0 if cached. */
  readonly computeMs: number;
}

/** Of an activity after which an engine holds the policy that the run goes on with. */
export interface Held {
  /** The task queue of the worker with that engine, which polls it alone; absent if the result was found in the store. */
  readonly heldBy?: string;
}

/**
 * A policy at any step: its newest snapshot, and the step records since, whose replay restores it (on a bit-exact
 * engine, bit for bit).
 */
export interface PolicyState {
  readonly snapshot: ArtifactRef;
  readonly log: readonly ArtifactRef[];
}

export interface ArmPlan {
  readonly arm: string;
  /** For display. `grpo` is the former name of `rl`, which histories and finished experiments may still have. */
  readonly objective: Objective | 'grpo';
  readonly mode: AnswerMode;
  readonly seed: number;
  /** Name of the run from whose final policy this one starts; it must finish first. */
  readonly from?: string;
  /** `<arm>/s<seed>`: unique in the experiment. */
  readonly runName: string;
  /** 0 for an arm that is not trained. */
  readonly stepCount: number;
  /** Steps without rollouts per activity; a step with rollouts has its own activities. */
  readonly stepCountPerActivity: number;
  /** 0 for training without rollouts. */
  readonly rolloutShardCount: number;
  /**
   * A step with rollouts is one activity instead of three, a third of the events. Absent in earlier histories, and where
   * parts of a step are done by several workers (pipeline/training/plan-runs.ts).
   */
  readonly stepInOneActivity?: true;
  /** The rollouts of a step are sampled while the step before it trains, by the policy from before that one. */
  readonly samplesAhead?: true;
  readonly pools?: Pools;
  readonly snapshotEveryStepCount: number;
  /** The run ends with the mean of its last snapshots, this many. Default: with the last one. */
  readonly averagedSnapshotCount?: number;
  /** Absent: the run's policy is its last one. */
  readonly validation?: ValidationPlan;
  /** Curriculum: number of steps after which the mixture is replanned from the rewards so far. */
  readonly replanEveryStepCount?: number;
  /**
   * Dynamic sampling: further rounds of rollouts while fewer than `informativeGroupCountMin` groups have rewards that
   * differ. Histories of workflows have it under this name.
   */
  readonly resampling?: { readonly informativeGroupCountMin: number; readonly roundCountMax: number };
  /** Whether updates compare with the run's initial policy, as a KL term does. */
  readonly usesReference: boolean;
  /** The tasks that the run is evaluated on; absent: all of the experiment's. */
  readonly evaluatedTasks?: readonly string[];
  /** The policy of an arm that asks an endpoint (pipeline/policies/endpoint-policy.ts), instead of the recipe's. */
  readonly endpoint?: ArtifactRef;
  /** Absent: bad numbers end the run. */
  readonly guards?: GuardPlan;
  readonly ceilings?: CeilingsSpec;
}

export interface EvaluationPlan {
  readonly task: string;
  readonly split: Split;
  readonly ood: boolean;
}

export interface IngestInput {
  readonly recipe: ArtifactRef;
}
export interface IngestResult extends Made {
  readonly dataset: ArtifactRef;
  readonly exampleCount: number;
  readonly imageCount: number;
  readonly quarantinedCount: number;
  /** Rows that the recipe leaves out on purpose. Earlier versions had them in quarantine. */
  readonly leftOutCount?: number;
  /** The quarantine table, if it has rows. */
  readonly quarantine?: ArtifactRef;
  /** Cache hits and misses over the recipe's datasets. */
  readonly datasets: CacheCount;
  /** An output of each dataset's reading: the ref keeps the readings from garbage collection, for later ingestions. */
  readonly readings?: readonly ArtifactRef[];
}

export interface ImportPolicyInput {
  readonly recipe: ArtifactRef;
  /** Snapshot of another run to start from instead of the recipe's policy: its weights, with a new optimizer state. */
  readonly from?: ArtifactRef;
  /** Or a stored checkpoint: the manifest of a folder in Hugging Face layout. */
  readonly checkpoint?: ArtifactRef;
}
export interface ImportPolicyResult extends Made {
  readonly policy: PolicyState;
  /** The checkpoint manifest; its digest is the policy's. */
  readonly checkpoint: ArtifactRef;
}

export interface RunRef {
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
  readonly arm: string;
  readonly seed: number;
  /** Steps of the whole run, if an operator changed them. Default: the arm's. */
  readonly stepCount?: number;
  /** Times that the run went back to a snapshot: it then draws anew. Default: 0. */
  readonly rewindCount?: number;
  /** Whether the result says when the activity ended; in no key. */
  readonly isTimed?: true;
}

/** Unix time of the end of an activity, by the store's clock; only if its input asks for it. */
export interface Timed {
  readonly endedAtMs?: number;
}

/** Identity of a run: everything that determines its outcome. */
export interface FindRunInput extends Omit<RunRef, 'stepCount' | 'rewindCount' | 'isTimed'> {
  readonly initial: PolicyState;
}
/** Results of a whole run: a function of FindRunInput alone. */
export interface RunOutcome {
  readonly checkpoint: ArtifactRef;
  readonly policy: PolicyState;
  /** The newest mixture plan. */
  readonly mixture: ArtifactRef;
  readonly last?: Omit<StepRow, 'cachedCount'>;
  readonly rewardLine?: string;
  /** Of a run with validation; its last step is that of the last validation. */
  readonly selection?: RunSelection;
  readonly incidents?: Incidents;
}
export interface KeptRun extends RunOutcome {
  readonly manifest: ArtifactRef;
}
export interface KeepRunInput extends FindRunInput {
  readonly outcome: RunOutcome;
}

/** The next segment of a curriculum, planned from the previous segment and its rewards. */
export interface MixSegment {
  /** The first step to plan. */
  readonly fromStep: number;
  /** The plan of the previous segment. */
  readonly previous: ArtifactRef;
  /** Rewards of that segment's steps, in order. */
  readonly rewards: readonly ArtifactRef[];
}
export interface MixInput extends RunRef {
  /** Undefined for the first or only segment. */
  readonly segment?: MixSegment;
}
export interface MixResult extends Made, Timed {
  readonly plan: ArtifactRef;
  readonly exampleCountByTask: Readonly<Record<string, number>>;
}

export interface RolloutInput extends RunRef {
  readonly plan: ArtifactRef;
  readonly step: number;
  readonly shard: { readonly index: number; readonly count: number };
  readonly policy: PolicyState;
  /** Round of dynamic sampling within the step, 0-based. Default: 0. */
  readonly round?: number;
}
export interface RolloutResult extends Made {
  readonly rollouts: ArtifactRef;
  readonly rolloutCount: number;
  readonly tokenCount: number;
  /** Mean of -log p over the sampled tokens, nats: an estimate of the policy's entropy. */
  readonly entropyMean: number;
}

export interface RewardInput extends RunRef {
  readonly step: number;
  readonly rollouts: readonly ArtifactRef[];
}
export interface TaskReward {
  readonly task: string;
  readonly groupCount: number;
  readonly rolloutCount: number;
  readonly reward: number;
  readonly accuracy: number;
  readonly format: number;
  /** The verdict of all of the task's readable rollouts, if its examples have several labels and most can be read. */
  readonly onlyVerdict?: string;
  /** The most frequent verdict; undefined if no answer could be read. */
  readonly commonVerdict?: CommonVerdict;
}
export interface CommonVerdict {
  readonly verdict: string;
  /** Its share of the verdicts that could be read. */
  readonly verdictRate: number;
  /** The share of the rollouts whose label it is. */
  readonly labelRate: number;
}
/** Parts of rewards by name, as in a Reward. */
export type RewardPartMeans = Readonly<
  Partial<Record<'closeness' | 'agreement' | 'graderScore' | 'overlongPenalty', number>>
>;
export interface RewardResult extends Made {
  readonly rewards: ArtifactRef;
  readonly rewardMean: number;
  readonly accuracyMean: number;
  readonly formatRate: number;
  /** Fraction of groups whose rewards differ; the others carry no training signal. */
  readonly informativeGroupRate: number;
  /** Number of such groups, over all rounds. */
  readonly informativeGroupCount: number;
  readonly groupCount: number;
  readonly byTask: readonly TaskReward[];
  /** Means of the parts that only some rewards have, over those that have them; absent if none has any. */
  readonly partMeans?: RewardPartMeans;
}

/** What a step trains on: shards of all rounds of its rollouts, and the rewards after each round. */
export interface SampledStep {
  readonly shards: readonly RolloutResult[];
  readonly rewarded: readonly RewardResult[];
}

export interface EvaluateInput {
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
  readonly policy: PolicyState;
  readonly arm: string;
  readonly seed: number;
  readonly task: string;
  readonly split: Split;
  readonly mode: AnswerMode;
  /** Strict greedy answers alone, and of as many examples as the arm's validation asks for. */
  readonly isValidation?: true;
}
/** The part of the scores that passes through Temporal; all of them grow with labels, modes and probes. */
export type ScoreSummary = Pick<
  TaskScores,
  | ('task' | 'split' | 'ood' | 'exampleCount')
  | ('macroF1' | 'ci95' | 'accuracy' | 'majorityMacroF1' | 'unparsableRate' | 'truncatedRate')
>;
export interface EvaluateResult extends Made {
  readonly judgments: ArtifactRef;
  /** A summary; the manifest holds all scores (kept-evaluation.ts). */
  readonly scores: ScoreSummary;
}
/** An evaluation with all of its scores. */
export interface KeptEvaluation extends EvaluateResult {
  readonly scores: TaskScores;
}

/** Totals of one kind of activity: results, cache hits among them, and compute time of the misses. */
export interface StageCost {
  readonly activity: keyof Activities;
  readonly count: number;
  readonly cachedCount: number;
  readonly computeMs: number;
}

export interface RunSummary {
  readonly plan: ArmPlan;
  readonly checkpoint: ArtifactRef;
  readonly policy: PolicyState;
  readonly wallMs: number;
  readonly computeMs: number;
  readonly stages: readonly StageCost[];
  /** The newest mixture plan; undefined if there is none. */
  readonly mixture?: ArtifactRef;
  /** Undefined without validation. */
  readonly selection?: RunSelection;
  /** The manifest of the whole run, if stored; referenced so that a garbage collection keeps it. */
  readonly kept?: ArtifactRef;
  /** What happened because of bad numbers; absent if nothing did. */
  readonly incidents?: Incidents;
  /** Set if the run ended before its last step because of it. */
  readonly ceiling?: CeilingReached;
}
export interface EvaluatedRun extends RunSummary {
  readonly evaluations: readonly KeptEvaluation[];
}
/** Input of `keepEvaluations`: one artifact with a run's results, since scores grow with the tasks. */
export interface KeepEvaluationsInput {
  readonly run: RunSummary;
  /** Results of `evaluate`. */
  readonly evaluations: readonly Made[];
}
export interface KeepEvaluationsResult {
  /** JSON: EvaluatedRun. */
  readonly evaluated: ArtifactRef;
}
export interface CacheCount {
  readonly hits: number;
  readonly misses: number;
}

export interface ReportInput {
  readonly experimentId: string;
  readonly recipe: ArtifactRef;
  readonly ingestion: IngestResult;
  /** One EvaluatedRun per run, stored by `keepEvaluations`; in the recipe's order. */
  readonly runs: readonly ArtifactRef[];
  /** Of `pixelBaselines`. */
  readonly baselines?: ArtifactRef;
  readonly cache: CacheCount;
  readonly wallMs: number;
}
export interface ReportResult {
  /** One self-contained HTML file. */
  readonly report: ArtifactRef;
  /** experiments/<id>.json: everything `mtrl report`, `rollouts` and `verify` start from. */
  readonly index: ArtifactRef;
}

export interface Activities {
  prepare(input: PrepareInput): Promise<PrepareResult>;
  ingest(input: IngestInput): Promise<IngestResult>;
  importPolicy(input: ImportPolicyInput): Promise<ImportPolicyResult>;
  admit(input: AdmitInput): Promise<AdmitResult>;
  /** null if no such run is stored. */
  findRun(input: FindRunInput): Promise<KeptRun | null>;
  keepRun(input: KeepRunInput): Promise<{ readonly manifest: ArtifactRef }>;
  mix(input: MixInput): Promise<MixResult>;
  rollout(input: RolloutInput): Promise<RolloutResult>;
  reward(input: RewardInput): Promise<RewardResult>;
  optimize(input: OptimizeInput): Promise<OptimizeResult>;
  step(input: StepInput): Promise<StepResult>;
  snapshot(input: SnapshotInput): Promise<SnapshotResult>;
  averageSnapshots(input: AverageSnapshotsInput): Promise<SnapshotResult>;
  evaluate(input: EvaluateInput): Promise<EvaluateResult>;
  evaluateEndpoint(input: EvaluateEndpointInput): Promise<EvaluateEndpointResult>;
  calibrate(input: CalibrateInput): Promise<CalibrateResult>;
  judgeRowsEndpoint(input: JudgeRowsEndpointInput): Promise<JudgeRowsEndpointResult>;
  keepEvaluations(input: KeepEvaluationsInput): Promise<KeepEvaluationsResult>;
  pixelBaselines(input: PixelBaselinesInput): Promise<PixelBaselinesResult>;
  report(input: ReportInput): Promise<ReportResult>;
  planFork(input: PlanForkInput): Promise<PlanForkResult>;
  readRows(input: ReadRowsInput): Promise<ReadRowsResult>;
  judgeRows(input: JudgeRowsInput): Promise<JudgeRowsResult>;
}
