/**
 * What passes through Temporal: refs and small summaries, JSON in and JSON out. Workflows import only these types.
 * Every result says whether it was found (cached) or made now, and what making it cost.
 */
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { TaskScores } from '../judge/evaluation/task-scores.ts';
import type { AnswerMode, Split } from '../judge/example.ts';
import type { Objective } from '../recipes/recipe.ts';
import type { PromotionSpec } from '../recipes/fields/promotion-fields.ts';
import type { StepRow } from './progress.ts';
import type { PlanForkInput, PlanForkResult } from './fork.ts';

export type { TaskScores };

export interface Made {
  /** The manifest under the activity's key: inputs, config, outputs, cost. */
  readonly manifest: ArtifactRef;
  readonly cached: boolean;
  /** Seconds of work behind this result when it was made, in milliseconds; 0 when cached. */
  readonly computeMs: number;
}

/** A policy between two snapshots: the newest snapshot and the step records since, whose replay gives the same bits. */
export interface PolicyState {
  readonly snapshot: ArtifactRef;
  readonly log: readonly ArtifactRef[];
}

export interface ArmPlan {
  readonly arm: string;
  /** Shown. `grpo` is what plans called rl before there were other algorithms: histories and ended experiments have it. */
  readonly objective: Objective | 'grpo';
  readonly mode: AnswerMode;
  readonly seed: number;
  /** Run that must end first because this one starts from its policy. */
  readonly from?: string;
  /** `<arm>/s<seed>`: unique in the experiment. */
  readonly runName: string;
  /** 0 for an arm that is not trained. */
  readonly stepCount: number;
  /** Of steps without rollouts; a step with rollouts has activities of its own. */
  readonly stepCountPerActivity: number;
  /** 0 for training without rollouts. */
  readonly rolloutShardCount: number;
  readonly snapshotEveryStepCount: number;
  /** Curriculum: the mixture is planned again, from the rewards so far, after every this many steps. */
  readonly replanEveryStepCount?: number;
  /** Further rounds of rollouts while fewer groups have rewards that differ. */
  readonly resampling?: { readonly informativeGroupCountMin: number; readonly roundCountMax: number };
  /** Whether the loss has a KL term to the run's initial policy. */
  readonly usesReference: boolean;
}

export interface EvaluationPlan {
  readonly task: string;
  readonly split: Split;
  readonly ood: boolean;
}

export interface PrepareInput {
  /** As the user wrote it (JSON); checked and completed here. */
  readonly recipe: unknown;
  /** `data`: the recipe's policy is not used, so its files need not exist. */
  readonly needed?: 'all' | 'data';
}
export interface PrepareResult {
  /** The complete recipe, canonical JSON. */
  readonly recipe: ArtifactRef;
  readonly recipeDigest: string;
  readonly recipeName: string;
  readonly runs: readonly ArmPlan[];
  readonly evaluations: readonly EvaluationPlan[];
  /** Where the recipe says when its judge may take a name. */
  readonly promotion?: Pick<PromotionSpec, 'name' | 'startFrom'>;
}

export interface IngestInput {
  readonly recipe: ArtifactRef;
}
export interface IngestResult extends Made {
  readonly dataset: ArtifactRef;
  readonly exampleCount: number;
  readonly imageCount: number;
  readonly quarantinedCount: number;
  /** The quarantine table, when it has rows. */
  readonly quarantine?: ArtifactRef;
  /** The recipe's datasets: how many were kept from before, and how many were read now. */
  readonly datasets: CacheCount;
  /** What each was read as: named, so that it is kept for the next ingestion as long as this one is. */
  readonly readings?: readonly ArtifactRef[];
}

export interface ImportPolicyInput {
  readonly recipe: ArtifactRef;
  /** Snapshot of another run to start from instead of the recipe's policy: its weights, with a new optimizer state. */
  readonly from?: ArtifactRef;
  /** Or a checkpoint that is kept already: the manifest of a folder in Hugging Face layout. */
  readonly checkpoint?: ArtifactRef;
}
export interface ImportPolicyResult extends Made {
  readonly policy: PolicyState;
  /** The checkpoint manifest: its digest is the policy's. */
  readonly checkpoint: ArtifactRef;
}

/** Whether the policy can be shown what it will be asked: rows that it cannot are set aside. */
export interface AdmitInput {
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
  /** Its processor decides: the weights do not matter. */
  readonly policy: PolicyState;
  /** The caller: the recipe's arms, an evaluation of one policy, or unlabelled rows. */
  readonly asked:
    | { readonly by: 'arms' }
    | { readonly by: 'policy'; readonly mode: AnswerMode }
    | { readonly by: 'rows'; readonly task: string; readonly mode: AnswerMode };
}
export interface AdmitResult extends Made {
  /** The dataset that was given, where all of it can be shown. */
  readonly dataset: ArtifactRef;
  readonly exampleCount: number;
  /** Rows that ingestion set aside, and those set aside here. */
  readonly quarantinedCount: number;
  readonly inadmissibleCount: number;
  /** The table of all of them, where rows were set aside here. */
  readonly quarantine?: ArtifactRef;
}

export interface RunRef {
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
  readonly arm: string;
  readonly seed: number;
  /** Of the whole run, where an operator changed it; the arm's when left out. */
  readonly stepCount?: number;
}

/** Which run it is, by what decides it. */
export interface FindRunInput extends Omit<RunRef, 'stepCount'> {
  readonly initial: PolicyState;
}
/** What a whole run leaves; a function of FindRunInput alone. */
export interface RunOutcome {
  readonly checkpoint: ArtifactRef;
  readonly policy: PolicyState;
  /** The newest plan of its mixture. */
  readonly mixture: ArtifactRef;
  readonly last?: Omit<StepRow, 'cachedCount'>;
  readonly rewardLine?: string;
}
export interface KeptRun extends RunOutcome {
  readonly manifest: ArtifactRef;
}
export interface KeepRunInput extends FindRunInput {
  readonly outcome: RunOutcome;
}

/** The next segment of a curriculum: what went before decides it. */
export interface MixSegment {
  /** The first step to plan. */
  readonly fromStep: number;
  /** The plan of the segment before. */
  readonly previous: ArtifactRef;
  /** Rewards of that segment's steps, in order. */
  readonly rewards: readonly ArtifactRef[];
}
export interface MixInput extends RunRef {
  /** Left out for the first or only one. */
  readonly segment?: MixSegment;
}
export interface MixResult extends Made {
  readonly plan: ArtifactRef;
  readonly exampleCountByTask: Readonly<Record<string, number>>;
}

export interface RolloutInput extends RunRef {
  readonly plan: ArtifactRef;
  readonly step: number;
  readonly shard: { readonly index: number; readonly count: number };
  readonly policy: PolicyState;
  /** Of the step's sampling; 0 when left out. */
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
}
export interface RewardResult extends Made {
  readonly rewards: ArtifactRef;
  readonly rewardMean: number;
  readonly accuracyMean: number;
  readonly formatRate: number;
  /** Share of groups whose rewards differ: only these teach. */
  readonly informativeGroupRate: number;
  /** Those groups, over all rounds. */
  readonly informativeGroupCount: number;
  readonly groupCount: number;
  readonly byTask: readonly TaskReward[];
}

export interface OptimizeInput extends RunRef {
  readonly plan: ArtifactRef;
  /** Steps [fromStep, toStep); with rollouts and rewards it is one. */
  readonly fromStep: number;
  readonly toStep: number;
  readonly rollouts?: readonly ArtifactRef[];
  readonly rewards?: ArtifactRef;
  readonly policy: PolicyState;
  /** KL reference, if the arm has one. */
  readonly reference?: PolicyState;
  /** Repeats the steps of this record of another run, whatever the recipe says now (fork.ts). */
  readonly recorded?: ArtifactRef;
}
export interface OptimizeResult extends Made {
  /** The step record: all that replays this update. */
  readonly record: ArtifactRef;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Largest |rollout - trainer| log-prob of the step; 0 for supervised steps. */
  readonly logProbDifferenceMax: number;
  /** k3 estimate of KL(policy || reference), nats a token, before the last update; where the loss has that term. */
  readonly klMean?: number;
  readonly tokenCount: number;
  readonly droppedGroupCount: number;
  readonly weightsDigest: string;
}

export interface SnapshotInput {
  readonly policy: PolicyState;
  readonly step: number;
}
export interface SnapshotResult extends Made {
  /** Snapshot manifest: weights, optimizer state, step; links to the records it includes and the snapshot before. */
  readonly snapshot: ArtifactRef;
  /** Checkpoint manifest in Hugging Face layout; its digest is the policy's. */
  readonly checkpoint: ArtifactRef;
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
}
/** What passes through Temporal of scores, which grow with a task's labels and with the ways in which it is asked. */
export type ScoreSummary = Pick<
  TaskScores,
  | ('task' | 'split' | 'ood' | 'exampleCount')
  | ('macroF1' | 'ci95' | 'accuracy' | 'majorityMacroF1' | 'unparsableRate' | 'truncatedRate')
>;
export interface EvaluateResult extends Made {
  readonly judgments: ArtifactRef;
  /** The manifest has all of them (kept-evaluation.ts). */
  readonly scores: ScoreSummary;
}
/** With all of its scores. */
export interface KeptEvaluation extends EvaluateResult {
  readonly scores: TaskScores;
}

/** Unlabelled rows, in a file that the worker sees. */
export interface ReadRowsInput {
  /** As the user wrote it; only its tasks, words and evaluation are asked for. */
  readonly recipe: unknown;
  readonly task: string;
  /** JSON Lines; absolute. */
  readonly file: string;
  /** Folder of the images; default: that of the file. */
  readonly imageFolder?: string;
}
export interface ReadRowsResult {
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
  readonly exampleCount: number;
  readonly quarantinedCount: number;
  readonly quarantine?: ArtifactRef;
}

export interface JudgeRowsInput {
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
  readonly policy: PolicyState;
  readonly task: string;
  readonly mode: AnswerMode;
}
export interface JudgeRowsResult extends Made {
  /** JSON: JudgedRows (pipeline/asking/judge-rows.ts). */
  readonly rows: ArtifactRef;
  readonly rowCount: number;
  readonly unparsableCount: number;
  /** Pairs: both orders choose the same image. */
  readonly agreementRate?: number;
}

/** One kind of activity: how often it ran, and what the work was that was not found. */
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
  /** The newest plan of its mixture; undefined if nothing was planned. */
  readonly mixture?: ArtifactRef;
  /** Where it is kept as a whole, if it is: named, so that it stays as long as what names it. */
  readonly kept?: ArtifactRef;
}
export interface EvaluatedRun extends RunSummary {
  readonly evaluations: readonly KeptEvaluation[];
}
/** One run's results as one artifact: what experiments pass on in place of scores, which grow with the tasks. */
export interface KeepEvaluationsInput {
  readonly run: RunSummary;
  /** As `evaluate` gave them, by their manifests. */
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
  /** Each an EvaluatedRun, kept by `keepEvaluations`; in the recipe's order. */
  readonly runs: readonly ArtifactRef[];
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
  /** null: no such run was kept. */
  findRun(input: FindRunInput): Promise<KeptRun | null>;
  keepRun(input: KeepRunInput): Promise<{ readonly manifest: ArtifactRef }>;
  mix(input: MixInput): Promise<MixResult>;
  rollout(input: RolloutInput): Promise<RolloutResult>;
  reward(input: RewardInput): Promise<RewardResult>;
  optimize(input: OptimizeInput): Promise<OptimizeResult>;
  snapshot(input: SnapshotInput): Promise<SnapshotResult>;
  evaluate(input: EvaluateInput): Promise<EvaluateResult>;
  keepEvaluations(input: KeepEvaluationsInput): Promise<KeepEvaluationsResult>;
  report(input: ReportInput): Promise<ReportResult>;
  planFork(input: PlanForkInput): Promise<PlanForkResult>;
  readRows(input: ReadRowsInput): Promise<ReadRowsResult>;
  judgeRows(input: JudgeRowsInput): Promise<JudgeRowsResult>;
}
