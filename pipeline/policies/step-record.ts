/**
 * The step record: an update of a policy, and its result. It contains or references everything needed to replay the
 * update and nothing else (no times, no ids), so that equal training gives equal records on any machine at any time.
 */
import type { Format } from '../../artifacts/format.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { BadNumbers } from '../../contract/guards.ts';
import type { AnswerMode } from '../../judge/example.ts';
import type { ModeWords } from '../../judge/tasks/prompt.ts';
import type { CorrectionStatistics } from '../../policy/algorithms/corrections.ts';
import type { Minibatches } from '../../policy/algorithms/minibatches.ts';
import type { AlgorithmName } from '../../policy/algorithms/table.ts';
import type { MemorySpec, OptimStepRequest, TrainableSpec } from '../../policy/engine.ts';
import type { PairStatistics } from '../../policy/losses/pair-statistics.ts';
import type { RatioStatistics } from '../../policy/losses/ratio-statistics.ts';
import type { Augmentation } from '../../policy/vision/augment.ts';
import type { CollapseLimits } from '../training/collapse-check.ts';
import type { OptimizerSpec, TaskSpec } from '../../recipes/recipe.ts';

/** How examples become prompts: the declared tasks that the update uses, and the mode words. */
export interface Prompting {
  readonly tasks: Readonly<Record<string, TaskSpec>>;
  readonly modeWords: ModeWords;
  /** Absent if the recipe has none. */
  readonly promptDate?: string;
}

/** Optimizer settings without the schedule: each step records its own learning rate. */
export type AdamSpec = Pick<OptimizerSpec, 'beta1' | 'beta2' | 'epsilon' | 'weightDecay' | 'gradientNormMax'> &
  // Absent if AdamW updates all weights.
  Pick<OptimStepRequest, 'muon'>;

/** How training changes the pictures of tasks: drawn anew for each step and picture, by the run's seed. */
export interface DrawnAugmentation {
  readonly tasks: Readonly<Record<string, Augmentation>>;
  readonly seed: number;
}

/** Which bad numbers leave out an update instead of ending the run. */
export interface UpdateGuards {
  readonly skips: readonly Exclude<BadNumbers['code'], 'POLICY_COLLAPSED'>[];
  /** Steps outside of these limits are recorded as collapsed, and may make no update. */
  readonly collapse?: { readonly limits: CollapseLimits; readonly isSkipped: boolean };
}

interface UpdateCommon {
  readonly dataset: ArtifactRef;
  readonly prompting: Prompting;
  readonly adam: AdamSpec;
  /** Absent if pictures are shown as they are. */
  readonly augmentation?: DrawnAugmentation;
  /** Absent if all weights are trained. */
  readonly trainable?: TrainableSpec;
  /** Absent without memory settings. */
  readonly memory?: MemorySpec;
  /** Absent without guards that a step applies itself. */
  readonly guards?: UpdateGuards;
}

/** Also holds the settings of its algorithm (policy/algorithms), as fields beside these, like an arm. */
export interface RlUpdate extends UpdateCommon {
  /**
   * The name of every update from rollouts, whatever its algorithm. It dates from when there was only one, and is kept
   * so that workers of earlier builds can replay the records of later ones.
   */
  readonly objective: 'grpo';
  /** Absent in records from when there was only one: grpo. */
  readonly algorithm?: AlgorithmName;
  /** Absent if the step is one update. */
  readonly minibatches?: Minibatches;
  /**
   * Number of steps by which the policy that sampled the rollouts is older than the one that the update begins with;
   * absent if the arm never samples ahead.
   */
  readonly stalenessStepCount?: number;
  readonly step: number;
  readonly learningRate: number;
  readonly mode: AnswerMode;
  /** Rollout shards, in order. */
  readonly rollouts: readonly ArtifactRef[];
  readonly rewards: ArtifactRef;
  readonly temperature: number;
  readonly logProbToleranceMax: number;
  /** Snapshot of the reference policy; null if the algorithm has none. */
  readonly reference: ArtifactRef | null;
}

export interface SftStep {
  readonly step: number;
  readonly learningRate: number;
  /** Index into the dataset's examples, and the answer mode that is trained. */
  readonly examples: readonly (readonly [index: number, mode: AnswerMode])[];
}

export interface SftUpdate extends UpdateCommon {
  readonly objective: 'sft';
  /** Labels of targets are drawn by this seed among the votes of people. Absent if examples keep their labels. */
  readonly softLabelSeed?: number;
  readonly steps: readonly SftStep[];
}

export type Update = RlUpdate | SftUpdate;

/** With several updates, loss and gradient norm are means over them, and tokens are counted in each. */
export interface StepOutcome {
  readonly step: number;
  readonly loss: number;
  /** Before clipping; 0 if no group was informative and no update was made. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly tokenCount: number;
  /** Largest absolute difference between rollout and trainer log-probs; 0 for supervised and for stale steps. */
  readonly logProbDifferenceMax: number;
  /** Of the policy at the step's start to the older one that sampled; absent unless the rollouts are stale. */
  readonly correction?: CorrectionStatistics;
  /** k3 estimate of KL(sampler || trainer) over the same tokens, nats per token; absent for supervised steps. */
  readonly samplerKlMean?: number;
  /** k3 estimate of the KL divergence before the step, nats per token; absent without a KL term. */
  readonly klMean?: number;
  readonly droppedGroupCount: number;
  /** Over all updates of the step. Like `updates`, absent if the step is one update on its groups. */
  readonly ratio?: RatioStatistics;
  /** Of DPO. */
  readonly pairs?: PairStatistics;
  readonly updates?: readonly UpdateOutcome[];
  /** Of several updates, those of the first that was skipped. */
  readonly bad?: BadNumbers;
}

/** One of several updates of a step. */
export interface UpdateOutcome {
  readonly loss: number;
  readonly gradientNorm: number;
  readonly tokenCount: number;
  readonly droppedGroupCount: number;
  /** Of the policy before the update to the one that sampled. */
  readonly ratio?: RatioStatistics;
  /** Of DPO, under the policy before the update. */
  readonly pairs?: PairStatistics;
  /** After the update; absent if no group of its minibatch was informative and it was not made. */
  readonly weightsDigest?: string;
  /** Why the update was skipped. */
  readonly bad?: BadNumbers;
}

/** The runtime of an update: equal bits are promised only on the same runtime. */
export interface Runtime {
  readonly backend: string;
  readonly runtimeVersion: string;
  readonly executionProvider: string;
  readonly threadCount: number;
  readonly cpuModel: string;
}

export interface StepRecord {
  readonly schema: 1;
  readonly update: Update;
  readonly steps: readonly StepOutcome[];
  /** Digest of the weights after the last step. */
  readonly weightsDigest: string;
  readonly runtime: Runtime;
  /** Set if the engine is not bit-exact: a replay then need not reproduce `weightsDigest`. */
  readonly bitExact?: false;
}

export const stepRecordFormat: Format<StepRecord> = { what: 'the step record', schema: 1 };

export function isFromRollouts(update: Update): update is RlUpdate {
  return update.objective === 'grpo';
}

/** Updates from rollouts, in order. */
export function rolloutUpdates(records: readonly StepRecord[]): RlUpdate[] {
  return records.map(({ update }) => update).filter(isFromRollouts);
}

/** Digest of the weights after the last of these steps that recorded one for its updates. */
export function lastDigest(outcomes: readonly StepOutcome[]): string | undefined {
  const updates = outcomes.flatMap((outcome) => outcome.updates ?? []);
  return updates.findLast(({ weightsDigest }) => weightsDigest !== undefined)?.weightsDigest;
}

export function describeRuntime(runtime: Runtime): string {
  const { backend, runtimeVersion, executionProvider, threadCount, cpuModel } = runtime;
  return `${backend} ${runtimeVersion}, ${executionProvider}, ${String(threadCount)} threads, ${cpuModel}`;
}

/** Whether two runtimes promise equal bits. The thread count does not change them. */
export function promiseSameBits(a: Runtime, b: Runtime): boolean {
  const [one, other] = [a, b].map((runtime) => describeRuntime({ ...runtime, threadCount: 0 }));
  return one === other;
}
