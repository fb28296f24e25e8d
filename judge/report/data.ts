/**
 * The contents of a report, as plain values. The reporting activity gathers them; `renderReport` turns them into one
 * HTML file without further input.
 */
import type { Json } from '../../core/json.ts';
import type { ArmScore, ArmTest } from '../evaluation/arms/arm-scores.ts';
import type { PairedTest } from '../evaluation/paired-tests.ts';
import type { TokenPrices } from '../evaluation/endpoint-usage.ts';
import type { TaskScores } from '../evaluation/task-scores.ts';
import type { AnswerMode, QuarantinedRow, UnparsableReason } from '../example.ts';
import type { KindName } from '../kinds/table.ts';
import type { PixelBaseline } from '../../contract/pixel-baselines.ts';
import type { RewardPartMeans, StageCost } from '../../contract/activities.ts';
import type { CeilingReached } from '../../contract/ceilings.ts';
import type { Incident } from '../../contract/guards.ts';
import type { RunSelection } from '../../contract/validation.ts';
import type { Objective } from '../../recipes/recipe.ts';

export type ReportScores = TaskScores;

export interface TaskPoint {
  readonly task: string;
  readonly rolloutCount: number;
  readonly reward: number;
  readonly accuracy: number;
  readonly format: number;
  /** Share of the most frequent verdict. */
  readonly commonVerdictRate?: number;
}

/** One step, or the last step of an activity that ran several. */
export interface CurvePoint extends RewardPartMeans {
  readonly step: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly tokenCount?: number;
  /** Reinforcement learning only, as are all fields below. */
  readonly reward?: number;
  readonly accuracy?: number;
  readonly formatRate?: number;
  readonly informativeGroupRate?: number;
  readonly logProbDifferenceMax?: number;
  /** k3 estimate of KL(sampler || trainer), nats per token. */
  readonly samplerKlMean?: number;
  /** Only of steps that make several updates. */
  readonly clippedShare?: number;
  readonly ratioMax?: number;
  /** DPO only: pairs of the step, and their mean margin and accuracy under the implicit reward, if there are any. */
  readonly pairCount?: number;
  readonly pairMargin?: number;
  readonly pairAccuracy?: number;
  /** k3 estimate of the KL divergence from the reference, nats per token; only with a KL term. */
  readonly klMean?: number;
  /** Mean of -log p over the sampled tokens, nats. */
  readonly entropy?: number;
  /** Mean tokens of a completion. */
  readonly completionTokenCount?: number;
  /** Tokens sampled by second of compute. */
  readonly rolloutTokensPerSecond?: number;
  readonly byTask?: readonly TaskPoint[];
}

export interface KeptBytes {
  readonly uri: string;
  readonly sha256: string;
  readonly byteLength: number;
}

export interface ReportRun {
  /** `<arm>/s<seed>`. */
  readonly runName: string;
  readonly arm: string;
  /** The arm of the table that the run is a specialist of. */
  readonly specialistOf?: string;
  readonly seed: number;
  readonly objective: Objective;
  /** Title of the algorithm, as in papers; rl arms only. */
  readonly algorithm?: string;
  readonly mode: AnswerMode;
  readonly from?: string;
  readonly stepCount: number;
  readonly wallMs: number;
  readonly computeMs: number;
  /** Checkpoint of the run; its digest is the policy's. */
  readonly checkpoint: KeptBytes;
  readonly scores: readonly ReportScores[];
  /** Only of an arm that asks an endpoint, if its recipe says. */
  readonly prices?: TokenPrices;
  /** Of a run whose checkpoint was selected by validation. */
  readonly selection?: Omit<RunSelection, 'lastPolicy' | 'plateau'>;
  /** Steps with bad numbers, and what was done about them; absent without any. */
  readonly incidents?: readonly Incident[];
  /** Set if the run ended before its last step because of it. */
  readonly ceiling?: CeilingReached;
  /** Points in step order; empty for an arm that trains nothing. */
  readonly curve: readonly CurvePoint[];
}

/** An arm of the table: the runs of all seeds, or all specialists of a `single` arm. */
export interface ReportArm {
  readonly arm: string;
  readonly objective: Objective;
  readonly mode: AnswerMode;
  readonly runNames: readonly string[];
  readonly seedCount: number;
  /** Whether it is a specialist for each task. */
  readonly isSingle: boolean;
  /** Tasks that each of its judges trains on. */
  readonly trainedTaskCount: number;
  /** Only of a point of a sweep, which is shown on its curve and not in the table. */
  readonly varied?: { readonly sweep: string; readonly values: Readonly<Record<string, Json>> };
  /** By task, and under `meanColumn` as the mean over the trained tasks. */
  readonly scores: Readonly<Record<string, ArmScore>>;
}

/** One judgment with its inputs: a rollout of training, or an answer of the evaluation. */
export interface ReportRollout {
  readonly runName: string;
  /** Step at which it was sampled; undefined for an answer of the evaluation. */
  readonly step?: number;
  readonly task: string;
  readonly exampleId: string;
  /** `data:` URIs, in prompt order. */
  readonly images: readonly string[];
  readonly prompt: string;
  /** Decoded completion, in full. */
  readonly completion: string;
  readonly rationale?: string;
  readonly verdict?: string;
  readonly unparsable?: UnparsableReason;
  readonly label: string;
  readonly reward: { readonly value: number; readonly accuracy: 0 | 1; readonly format: number };
}

/** A test image or example that is also in the training data. */
export interface ReportLeak {
  readonly kind: 'exact' | 'perceptual' | 'group' | 'text';
  readonly train: string;
  readonly test: string;
}

export interface ReportData {
  readonly title: string;
  readonly summary?: string;
  readonly experimentId: string;
  /** The complete recipe, as YAML or JSON. */
  readonly recipeText: string;
  readonly recipeDigest: string;
  /** Data that the recipe was without, because it was missing, a sentence each. */
  readonly absent: readonly string[];
  readonly tasks: readonly {
    readonly name: string;
    readonly kind: KindName;
    readonly ood: boolean;
  }[];
  /** In the recipe's order of arms, then by seed. */
  readonly runs: readonly ReportRun[];
  /** In the recipe's order, points of sweeps included. */
  readonly arms: readonly ReportArm[];
  /** Paired tests of every arm of the table against every earlier one. */
  readonly armTests: readonly ArmTest[];
  /** Paired tests of runs on the same examples. */
  readonly tests: readonly PairedTest[];
  readonly pixelBaselines: readonly PixelBaseline[];
  readonly rollouts: readonly ReportRollout[];
  readonly dataset: {
    readonly exampleCount: number;
    readonly imageCount: number;
    readonly quarantinedCount: number;
    /** Rows that the recipe leaves out on purpose. */
    readonly leftOutCount: number;
    /** Files and folders that were read; empty if all data is synthetic. */
    readonly sources: readonly { readonly name: string; readonly sha256: string }[];
    /** The first rows of the quarantine. */
    readonly quarantined: readonly QuarantinedRow[];
    /** URI of the table of all quarantined rows. */
    readonly quarantineUri?: string;
    /** Undefined if no check for leaks was made. */
    readonly leaks?: readonly ReportLeak[];
    /** URI of the list with all examples of every leak. */
    readonly leaksUri?: string;
  };
  readonly cost: {
    readonly wallMs: number;
    readonly cache: { readonly hits: number; readonly misses: number };
    readonly stages: readonly StageCost[];
  };
  /** Stored artifacts by name: recipe, dataset, plans, ... */
  readonly artifacts: readonly (KeptBytes & { readonly name: string })[];
  /** Versions, thread counts, CPU: must be equal for bit-identical reproduction. */
  readonly environment: Readonly<Record<string, string>>;
}
